"""How a sweep shares the cluster: among its own trials, and with other sweeps."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ray.tune import PlacementGroupFactory

from acutance_platform.sweep.admission import Admission
from acutance_platform.sweep.broker import Seat
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.gpus import CONTEXT, gpus_of
from acutance_platform.sweep.placing import Share
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.sweep.room import cluster_nodes, require_room, share_of
from acutance_platform.sweep.shares import packer, smallest


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
    resources, nodes = plan.recipe.get("resources") or {}, cluster_nodes()
    share = share_of(plan.recipe, nodes)
    require_room(share, nodes)
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
        yield admission, {"cpu": share.cpu, "gpu": share.gpu, "context": context}
    finally:
        if seat is not None:
            seat.leave()


def requested(config: Mapping[str, Any]) -> PlacementGroupFactory:
    """Return what a leg asks of Ray; equal requests may use a worker again."""
    return PlacementGroupFactory([{"CPU": config["cpu"], "GPU": config["gpu"]}])


def _packs(resources: Mapping[str, Any], share: Share) -> bool:
    pack, auto = resources.get("pack"), resources.get("gpu", "auto") == "auto"
    return share.gpu == 1 and (pack is True or (auto and pack is None))
