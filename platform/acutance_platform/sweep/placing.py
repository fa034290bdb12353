"""Where the shares of trials lie on the nodes of a cluster: no Ray, no recipe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

NODE_CHARACTERS = 12
"""What a journal keeps of a node's id."""
MARK = "acutance_"
"""Begins the names of Ray's resources by which nodes say what they are called."""
_MARKED = 0.001
"""What a leg takes of such a resource, of which a node has one."""
_CRUMB = 1e-6
"""A third of a GPU fits three times, whatever floating point says."""


@dataclass(frozen=True)
class Share:
    """What one trial takes of a node: CPU threads and GPUs (a share where below 1)."""

    cpu: float
    gpu: float
    nodes: str = ""
    """What the nodes are called on which it may lie; empty for all."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster as Ray counts it."""

    name: str
    """First characters of its id."""
    cpus: float
    gpus: int
    gpu_memory: float | None = None
    """Bytes of its smallest GPU, where `deploy/` declares them."""
    marks: frozenset[str] = frozenset()
    """What it is called, where `deploy/` says so."""
    barred: bool = False
    """Whether no leg of this sweep may come here; those of others may lie here."""

    def takes(self, share: Share) -> bool:
        """Say whether a share may lie here, whatever room there is."""
        return not self.barred and (not share.nodes or share.nodes in self.marks)

    def __str__(self) -> str:
        return f"{self.cpus:g} CPUs, {self.gpus} GPUs"


@dataclass(frozen=True)
class Place:
    """Where a share lies: a node, and its GPUs by number."""

    node: str
    gpus: tuple[int, ...] = ()


@final
class Room:
    """Nodes, and what is left of them beside the shares that lie there.

    A share below one GPU lies on one GPU; a larger one takes whole GPUs of one node. It goes to
    the first node that has room and there, as Ray does it, to the fullest GPU that has room.

    Args:
        nodes: Empty ones.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = tuple(nodes)
        self._cpus = {node.name: node.cpus for node in self.nodes}
        self._gpus = {node.name: [1.0] * node.gpus for node in self.nodes}

    def free(self, node: str) -> tuple[float, tuple[float, ...]]:
        """Return the CPUs that are left of a node, and what is left of each of its GPUs."""
        return self._cpus[node], tuple(self._gpus[node])

    def place_for(self, share: Share) -> Place | None:
        """Return where a share would go; None where nothing has room for it."""
        for node in self.nodes:
            gpus = self._gpus_for(share.gpu, self._gpus[node.name])
            room = self._cpus[node.name] + _CRUMB >= share.cpu
            if gpus is not None and room and node.takes(share):
                return Place(node.name, gpus)
        return None

    def put(self, share: Share, place: Place | None = None) -> Place | None:
        """Take a share's place; return it, or None, with nothing taken, where it does not fit.

        Args:
            share: What is taken.
            place: Where it is known to lie. Somebody saw it there, so it is taken even where more
                lies there than fits; on a node that is gone it goes wherever there is room.
        """
        place = self._completed(share, place) or self.place_for(share)
        if place is None:
            return None
        self._cpus[place.node] -= share.cpu
        gpus = self._gpus[place.node]
        for index in place.gpus:
            gpus[index] -= share.gpu / len(place.gpus)
        return place

    def count(self, share: Share, most: int = 1_000_000) -> int:
        """Return how many more of a share fit."""
        if share.gpu <= 0:
            if share.cpu <= 0:
                return 0
            free = [self._cpus[node.name] for node in self.nodes if node.takes(share)]
            fit = sum(int(max(0.0, each) / share.cpu + _CRUMB) for each in free)
            return min(fit, most)
        trial = self.copy()
        return next((n for n in range(most) if trial.put(share) is None), most)

    def copy(self) -> "Room":
        """Return the same room, to try things out."""
        other = Room(self.nodes)
        other._cpus = dict(self._cpus)
        other._gpus = {name: list(gpus) for name, gpus in self._gpus.items()}
        return other

    def _completed(self, share: Share, place: Place | None) -> Place | None:
        """Return a place that was seen, with GPUs of its node if none of ours were told."""
        if place is None or place.node not in self._gpus:
            return None
        gpus = self._gpus[place.node]
        if place.gpus and all(index < len(gpus) for index in place.gpus):
            return place
        chosen = self._gpus_for(share.gpu, gpus)
        return None if chosen is None else Place(place.node, chosen)

    @staticmethod
    def _gpus_for(wanted: float, free: Sequence[float]) -> tuple[int, ...] | None:
        if wanted <= 0:
            return ()
        number = max(1, round(wanted))
        each = wanted / number
        able = [index for index, left in enumerate(free) if left + _CRUMB >= each]
        if len(able) < number:
            return None
        return tuple(sorted(able, key=lambda index: (free[index], index))[:number])


def node_of(told: Mapping[str, Any]) -> Node:
    """Return a node as Ray tells it.

    A node may declare `gpu_memory_gib`, the GiB of its smallest GPU, as a resource of Ray's, and
    what it is called: `acutance_NAME`, of which it has one.
    """
    resources = told["Resources"]
    memory = resources.get("gpu_memory_gib")
    return Node(
        str(told["NodeID"])[:NODE_CHARACTERS],
        float(resources.get("CPU", 0)),
        int(resources.get("GPU", 0)),
        None if memory is None else float(memory) * 2**30,
        frozenset(name.removeprefix(MARK) for name in resources if name.startswith(MARK)),
    )


def bundle_of(share: Share) -> dict[str, float]:
    """Return what a leg asks of Ray."""
    asked = {"CPU": share.cpu, "GPU": share.gpu}
    if share.nodes:
        asked[f"{MARK}{share.nodes}"] = _MARKED
    return {name: amount for name, amount in asked.items() if amount}
