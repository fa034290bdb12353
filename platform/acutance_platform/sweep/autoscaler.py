"""Ray's autoscaler: whether one starts nodes here, what it says, and a wait for a first node.

Ray 2.60 has two. The one that KubeRay and `ray up` start says what it cannot give; the older one
does not. Both also run where they start nothing, to show the state of a cluster.
"""

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ray.core.generated import autoscaler_pb2
from ray.experimental.internal_kv import _internal_kv_get, internal_kv_get_gcs_client
from ray.util.placement_group import placement_group, remove_placement_group

from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.nodes import cluster_nodes
from acutance_platform.sweep.placing import Room, Share, bundle_of

PATIENCE: Final = 1200.0
"""Seconds for a first node: a machine is rented, an image of some GB pulled, Ray started."""
_ANSWER: Final = 10
REFUSALS: Final = 3
"""How often in a row the autoscaler has to say that it cannot: it looks every five seconds."""
_FIRST_WORDS: Final = 20.0
_TOLD_AGAIN: Final = 60.0
_OLDER_STATUS: Final = "__autoscaling_status"
_SHOWN_ONLY: Final = "node_"
"""How the older one calls a type of node that it only shows."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """What the autoscaler said last."""

    seen: float
    """Version of the cluster's state that it had looked at; infinite where it says nothing."""
    now: float = 0.0
    """Version of the state now; of what is asked now, only words about a later one tell."""
    cannot: frozenset[str] = frozenset()
    """Placement groups for which it can start no node."""
    too_much: bool = False
    """Whether what was requested is more than it can give; it then gives nothing of it."""
    starts: bool = True
    """Whether it starts nodes, or only shows those that there are."""

    @property
    def answers(self) -> bool:
        """Whether it says what it cannot give."""
        return self.seen != math.inf


def autoscaler(*, patience: float = 0.0) -> Said | None:
    """Return what the autoscaler says that starts the cluster's nodes; None where there is none.

    Args:
        patience: Seconds to wait for its first words: it may start later than the head.
    """
    deadline = time.monotonic() + patience
    while (said := _listen()) is None and time.monotonic() < deadline:
        time.sleep(1.0)
    return said if said is not None and said.starts else None


def _listen() -> Said | None:
    reply: Any = autoscaler_pb2.GetClusterStatusReply()  # type: ignore[attr-defined]  # ray 2.60
    head = internal_kv_get_gcs_client()  # type: ignore[no-untyped-call]  # ray 2.60
    reply.ParseFromString(head.get_cluster_status(timeout_s=_ANSWER))
    said, state = reply.autoscaling_state, reply.cluster_resource_state
    if said.autoscaler_state_version:
        return _heard(said, state)
    return _heard_of_older(_internal_kv_get(_OLDER_STATUS))


def _heard(said: Any, state: Any) -> Said:
    refused = said.infeasible_gang_resource_requests  # "ID:STRATEGY|STATE"
    return Said(
        seen=said.last_seen_cluster_resource_state_version,
        now=state.cluster_resource_state_version,
        cannot=frozenset(each.details.partition(":")[0] for each in refused),
        too_much=bool(said.infeasible_cluster_resource_constraints),
        # Whoever starts nodes for it tells each the name that it has there.
        starts=any(node.instance_id for node in state.node_states),
    )


def _heard_of_older(status: bytes | None) -> Said | None:
    report = (json.loads(status).get("autoscaler_report") if status else None) or {}
    types = (report.get("node_type_mapping") or {}).values()
    starts = any(not str(each).startswith(_SHOWN_ONLY) for each in types)
    return Said(seen=math.inf, starts=starts) if types else None


def wait_for_node(share: Share, *, limit: float = PATIENCE) -> bool:
    """Have a node started that can run a leg, and wait until it is there.

    The placement group by which it is asked for goes with this process, if that dies.

    Args:
        share: What a leg takes.
        limit: Seconds to wait.

    Returns:
        False where the autoscaler can start no such node.

    Raises:
        SweepError: If the node is not there in time.
    """
    group = placement_group([bundle_of(share)])
    began, told, refused, seen = time.monotonic(), -math.inf, 0, -math.inf
    try:
        while Room(cluster_nodes()).place_for(share) is None:
            waited = time.monotonic() - began
            if waited > limit:
                raise SweepError(_too_late(share, limit))
            said = autoscaler()
            if said is not None and said.answers and said.seen > seen:
                seen = said.seen
                refused = refused + 1 if group.id.hex() in said.cannot else 0
            if refused >= REFUSALS:
                return False
            if waited > told + _TOLD_AGAIN:
                told = waited
                text = "waiting for a node that the autoscaler starts (%s), %.0f of %.0f s"
                _log.warning(text, words_of(share), waited, limit)
            time.sleep(1.0)
        return True
    finally:
        remove_placement_group(group)


def words_of(share: Share) -> str:
    """Return what a leg takes, in words."""
    return ", ".join(f"{name} {amount:g}" for name, amount in bundle_of(share).items())


def _too_late(share: Share, limit: float) -> str:
    return (
        f"no node with {words_of(share)} joined the cluster in {limit:.0f} s, although its "
        "autoscaler was asked for one. Its log says why (`ray status`, or the autoscaler's "
        "container): no machine to be had, a quota, an image that cannot be pulled. Run this again."
    )


def have_room(share: Share, *, limit: float = PATIENCE) -> None:
    """Have a node started that can run a leg, where none can now and an autoscaler runs.

    Raises:
        SweepError: If the autoscaler can start no such node, or none came in time.
    """
    if (
        Room(cluster_nodes()).place_for(share) is not None
        or autoscaler(patience=_FIRST_WORDS) is None
    ):
        return
    if not wait_for_node(share, limit=limit):
        raise SweepError(
            f"no node can run a trial ({words_of(share)}), and the cluster's autoscaler says that "
            "it can start none: no type of its nodes has that, or as many run as it may start. "
            "Ask for less under `resources`, or give it a type of nodes that suffices."
        )


def share_wanted(resources: Mapping[str, Any], *, limit: float = PATIENCE) -> Share:
    """Return what a leg will take, after a node that can run it was started if need be.

    With `gpu: auto` a node with a GPU is asked for first, where the autoscaler says what it can.

    Args:
        resources: Of a recipe as its file says them, unchecked.
        limit: Seconds to wait for a node.

    Raises:
        SweepError: As for `have_room`; also if `auto` cannot be told.
    """
    cpu, gpu = _number(resources.get("cpu"), 1.0), resources.get("gpu", "auto")
    nodes = str(resources.get("nodes") or "")
    if gpu != "auto":
        have_room(share := Share(cpu, _number(gpu, 0.0), nodes), limit=limit)
        return share
    large = Share(cpu, _number(resources.get("ranks"), 1.0), nodes)
    small = Share(cpu, 0.0, nodes)
    room = Room(cluster_nodes())
    if room.place_for(large) is not None:
        return large
    said = autoscaler(patience=0.0 if room.place_for(small) else _FIRST_WORDS)
    if said is None:
        return small
    if not said.answers:
        if room.place_for(small) is None:
            raise SweepError(
                "no node runs, and this cluster's autoscaler does not say whether it has nodes "
                "with GPUs. Write `gpu: 1` or `gpu: 0` under `resources` instead of `auto`."
            )
        return small
    if wait_for_node(large, limit=limit):
        return large
    have_room(small, limit=limit)
    return small


def _number(value: Any, otherwise: float) -> float:
    """Return a number of a recipe that nobody has checked yet."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return float(value) if sound else otherwise
