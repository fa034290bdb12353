"""The nodes of the connected cluster that are alive."""

from collections.abc import Collection
from typing import Any

import ray

from acutance_platform.sweep.placing import NODE_CHARACTERS, Node, node_of


def cluster_nodes() -> list[Node]:
    """Return the nodes that are alive now."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    return [node_of(each) for each in found if each["Alive"]]


def full_ids(names: Collection[str]) -> list[str]:
    """Return the whole ids of living nodes of which the first characters are known."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    alive = [each["NodeID"] for each in found if each["Alive"]]
    return sorted(each for each in alive if each[:NODE_CHARACTERS] in names)
