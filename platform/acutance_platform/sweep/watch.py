"""Nodes that live, as the cluster says, for legs of which nothing is heard any more.

A cut-off host is noticed by Ray itself, after a while; the calls that wait for its actors may still
never return (Ray 2.60). Whoever waits for a leg on such a node gives it up after `PATIENCE`.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

import ray

from acutance_platform.sweep.placing import NODE_CHARACTERS

PATIENCE = 30.0
"""Seconds after a node's death for which Ray may take to say that its legs ended."""
_SECONDS_BETWEEN_LOOKS = 5.0


def living_nodes() -> set[str]:
    """Return the short ids of the nodes that are alive."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    return {node["NodeID"][:NODE_CHARACTERS] for node in nodes if node["Alive"]}


@final
class NodeWatch:
    """Tells which legs to give up.

    Args:
        living: Returns the nodes that are alive.
        clock: Returns seconds.
    """

    def __init__(
        self,
        living: Callable[[], set[str]] = living_nodes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._living, self._clock = living, clock
        self._dead: dict[str, float] = {}
        self._looked = -math.inf

    def dead(self, nodes: Iterable[str]) -> set[str]:
        """Return which of some nodes are dead; the cluster is asked every few seconds.

        Args:
            nodes: Short ids; "" is a node that nobody named.
        """
        now = self._clock()
        if now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked, living = now, self._living()
            gone = {node for node in nodes if node and node not in living}
            self._dead = {node: self._dead.get(node, now) for node in gone}
        return set(self._dead)

    def silent(self, nodes: Mapping[str, str]) -> list[str]:
        """Return the trials whose nodes died longer ago than `PATIENCE`.

        Args:
            nodes: Trial -> node of its leg.
        """
        self.dead(nodes.values())
        now = self._clock()
        late = {node for node, since in self._dead.items() if now - since > PATIENCE}
        return [trial for trial, node in nodes.items() if node in late]
