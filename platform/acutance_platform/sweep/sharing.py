"""How a sweep shares the cluster: among its own trials, and with other sweeps."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from ray.tune import PlacementGroupFactory

from acutance_platform.sweep.admission import Admission
from acutance_platform.sweep.autoscaler import have_room
from acutance_platform.sweep.broker import Seat
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.gpus import CONTEXT, gpus_of
from acutance_platform.sweep.nodes import cluster_nodes
from acutance_platform.sweep.placing import Share, bundle_of
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.sweep.room import require_room, share_of
from acutance_platform.sweep.shares import packer, smallest

_NODE_ID = "ray.io/node-id"
"""A label that every node of Ray's has."""


@contextmanager
def admitted(
    plan: SweepPlan, conductor: Conductor, *, limit: int | None, shared: bool
) -> Iterator[tuple[Admission, dict[str, Any]]]:
    """Give what says which legs may start, and what legs are told of their share.

    Args:
        plan: What is run.
        conductor: Of its sweep; learns the shares of trials.
        limit: Most legs at one time, or None.
        shared: Whether other sweeps may run on this cluster.

    Raises:
        RecipeErrors: If no node of the cluster can ever run a trial.
    """
    resources = dict(plan.recipe.get("resources") or {})
    if not shared:
        resources["nodes"] = None  # this machine is called nothing
    share = share_of({"resources": resources}, cluster_nodes())
    if shared:
        have_room(share)  # a node that was there a minute ago may have been idle for too long
    require_room(share, nodes := cluster_nodes())
    packed, context = _packs(resources, share), float(CONTEXT)
    if packed or 0 < share.gpu < 1:
        least = smallest(nodes, gpus_of(nodes), share.cpu)
        context = least.context if least is not None else context
        if packed:
            conductor.pack(packer(plan.memory, least))
    seat = Seat(uuid.uuid4().hex, int(resources.get("priority") or 0)) if shared else None
    admission = Admission(
        share,
        nodes=cluster_nodes,
        limit=limit,
        most_gpus=resources.get("max_gpus"),
        packed=packed,
        neighbours=seat,
    )
    try:
        yield admission, {**asdict(share), "context": context}
    finally:
        if seat is not None:
            seat.leave()


def requested(config: Mapping[str, Any]) -> PlacementGroupFactory:
    """Return what a leg asks of Ray; equal requests may use a worker again."""
    bundle = bundle_of(Share(config["cpu"], config["gpu"], config["nodes"]))
    barred = ", ".join(config["barred"])
    elsewhere: dict[str, Any] = (
        {"bundle_label_selector": [{_NODE_ID: f"!in({barred})"}]} if barred else {}
    )
    return PlacementGroupFactory([bundle], **elsewhere)


def _packs(resources: Mapping[str, Any], share: Share) -> bool:
    pack, auto = resources.get("pack"), resources.get("gpu", "auto") == "auto"
    return share.gpu == 1 and (pack is True or (auto and pack is None))
