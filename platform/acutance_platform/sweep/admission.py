"""Whether a leg may start now: what the cluster has room for, and what this sweep may hold."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Protocol, final

from acutance_platform.sweep.placing import Node, Place, Room, Share

_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_BETWEEN_TELLINGS = 1.0
SIZES = (0.125, 0.25, 0.5, 1.0)
"""Shares of a GPU that packing gives; two and four GPUs are for who asks for them."""
_CRUMB = 1e-6
MOST_WANTED = 256
"""How many legs a sweep says at once that it could start."""


@dataclass(frozen=True)
class Held:
    """A leg that runs somewhere, as sweeps tell it to each other."""

    share: Share
    place: Place | None = None
    """None where the leg has not said yet where it runs."""


@dataclass(frozen=True)
class Allowance:
    """What a sweep may hold beside the others, and what those hold."""

    cpus: float
    gpus: float
    others: tuple[Held, ...] = ()
    busy: bool = False
    """Whether there are others, whether or not they hold anything."""


class Neighbours(Protocol):
    """The other sweeps of a cluster; see `broker`."""

    @property
    def grows(self) -> bool:
        """Whether more nodes start where they are asked for."""

    def allowance(self) -> Allowance | None:
        """Return what this sweep may hold; None where nobody says."""

    def say(
        self,
        nodes: Sequence[Node],
        held: Sequence[Held],
        legs: Sequence[Share],
        more: Sequence[Share],
    ) -> None:
        """Note what this sweep holds, could use, and could on a larger cluster."""


@final
class Admission:
    """Says which legs may start now, and keeps in mind where those that run are.

    Args:
        share: What a leg takes whose trial has no share of its own.
        nodes: Returns those of the cluster that are alive.
        limit: Most legs at one time, or None.
        most_gpus: GPUs that all legs may hold together, or None.
        packed: Whether trials have shares of their own.
        neighbours: Other sweeps of this cluster; None where it has one sweep.
    """

    def __init__(
        self,
        share: Share,
        *,
        nodes: Callable[[], list[Node]],
        limit: int | None = None,
        most_gpus: float | None = None,
        packed: bool = False,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.share, self._limit, self._most_gpus = share, limit, most_gpus
        self.packed, self._neighbours, self._find = packed, neighbours, nodes
        self._told = -math.inf
        self._looked, self._nodes, self._slots = -math.inf, list[Node](), 0
        self._held: dict[str, Held] = {}
        self.barred: set[str] = set()
        """Nodes to which no leg of this sweep may come."""

    def share_of(self, gpu: float | None) -> Share:
        """Return what a leg takes whose trial has this share of GPUs; None takes the sweep's."""
        return self.share if gpu is None else replace(self.share, gpu=gpu)

    @property
    def nodes(self) -> list[Node]:
        """The nodes that are alive, looked at every few seconds."""
        if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
            found = self._find()
            self._nodes = [replace(node, barred=node.name in self.barred) for node in found]
            self._slots = Room(self._nodes).count(self.share)
            self._looked = time.monotonic()
        return self._nodes

    def slots(self) -> int:
        """Return how many legs of the sweep's share fit the cluster, empty, and its limits."""
        found = self._slots if self.nodes else 0
        if self._limit is not None:
            found = min(found, self._limit)
        if self._most_gpus is not None and self.share.gpu > 0:
            found = min(found, int(self._most_gpus / self.share.gpu + _CRUMB))
        return found

    def open(self, active: Iterable[str], gpu: float | None = None) -> bool:
        """Say whether a leg may start beside the active ones.

        Args:
            active: Trials of which a leg holds a slot, or waits for one that it was offered.
            gpu: Its trial's share; None is the sweep's.
        """
        held = self.holds(active)
        allowance = self._neighbours.allowance() if self._neighbours is not None else None
        others = allowance.others if allowance is not None else ()
        if not self.packed and not others:  # legs are alike, and alone
            if len(held) >= self.slots():
                return False
        elif not self._fits(held, others, self.share_of(gpu)):
            return False
        return allowance is None or self._allowed([each.share for each in held], gpu, allowance)

    @property
    def beside_others(self) -> bool:
        """Whether other sweeps run on this cluster now."""
        allowance = self._neighbours.allowance() if self._neighbours is not None else None
        return allowance is not None and allowance.busy

    def any(self, active: Iterable[str]) -> bool:
        """Say whether a leg of any share may start beside the active ones."""
        return self.open(active, SIZES[0] if self.packed else None)

    def tell(self, active: Iterable[str], wanted: Callable[[], Iterable[float | None]]) -> None:
        """Tell the neighbours, now and then, what this sweep holds and could use.

        Args:
            active: As for `open`.
            wanted: Returns the shares of the trials that could start a leg, in their order.
        """
        if self._neighbours is None or time.monotonic() < self._told + _SECONDS_BETWEEN_TELLINGS:
            return
        self._told = time.monotonic()
        held = self.holds(active)
        legs = self.could_use(held, wanted())
        more = self.would_use(held, wanted()) if self._neighbours.grows else legs
        self._neighbours.say(self.nodes, held, legs, more)

    def bar(self, node: str) -> bool:
        """Let no leg come to a node any more; return whether there is another, or may be soon."""
        self.barred.add(node)
        self._looked = -math.inf
        grows = self._neighbours is not None and self._neighbours.grows
        return grows or Room(self.nodes).place_for(self.share) is not None

    def begin(self, trial: str, gpu: float | None) -> None:
        """Note that a leg was offered."""
        self._held[trial] = Held(self.share_of(gpu))

    def at(self, trial: str, node: str, gpus: Sequence[int]) -> None:
        """Note where a leg says that it runs."""
        if trial in self._held and node:
            self._held[trial] = Held(self._held[trial].share, Place(node, tuple(gpus)))

    def holds(self, active: Iterable[str]) -> list[Held]:
        """Return the legs of the active trials."""
        return [self._held.get(name, Held(self.share)) for name in active]

    def could_use(self, held: Sequence[Held], wanted: Iterable[float | None]) -> list[Share]:
        """Return what legs take and what wanted ones would on an otherwise empty cluster.

        Args:
            held: Legs that run.
            wanted: Shares of the trials that could start a leg, in their order.
        """
        room, shares = Room(self.nodes), [each.share for each in held]
        _fill(room, held)
        for gpu in wanted:
            share = self.share_of(gpu)
            if len(shares) - len(held) >= MOST_WANTED or not self._within(shares, share):
                break
            if room.put(share) is None:
                break
            shares.append(share)
        return shares

    def would_use(self, held: Sequence[Held], wanted: Iterable[float | None]) -> list[Share]:
        """Return what legs take and wanted ones would on a cluster of any size; as `could_use`."""
        shares = [each.share for each in held]
        for gpu in islice(wanted, MOST_WANTED):
            if not self._within(shares, share := self.share_of(gpu)):
                break
            shares.append(share)
        return shares

    def _fits(self, held: Sequence[Held], others: Iterable[Held], share: Share) -> bool:
        if not self._within([each.share for each in held], share):
            return False
        room = Room(self.nodes)
        return _fill(room, [*held, *others]) and room.place_for(share) is not None

    def _within(self, held: Sequence[Share], share: Share) -> bool:
        """Say whether a further share keeps to the sweep's own limits."""
        if self._limit is not None and len(held) >= self._limit:
            return False
        gpus = sum(each.gpu for each in held) + share.gpu
        return self._most_gpus is None or share.gpu <= 0 or gpus <= self._most_gpus + _CRUMB

    def _allowed(self, held: Sequence[Share], gpu: float | None, allowance: Allowance) -> bool:
        share = self.share_of(gpu)
        cpus = sum(each.cpu for each in held) + share.cpu
        gpus = sum(each.gpu for each in held) + share.gpu
        return cpus <= allowance.cpus + _CRUMB and gpus <= allowance.gpus + _CRUMB


def _fill(room: Room, held: Sequence[Held]) -> bool:
    """Take the places of legs, those that are known first; say whether all found one."""
    known = [each for each in held if each.place is not None]
    larger = sorted(
        (e for e in held if e.place is None), key=lambda e: (-e.share.gpu, -e.share.cpu)
    )
    places = [room.put(each.share, each.place) for each in (*known, *larger)]
    return None not in places


def plain(held: Held) -> dict[str, Any]:
    """Return a held leg as plain data."""
    place = held.place
    where = None if place is None else [place.node, list(place.gpus)]
    return {**asdict(held.share), "place": where}


def held_of(told: Mapping[str, Any]) -> Held:
    """Return a held leg from plain data."""
    where = told.get("place")
    place = None if where is None else Place(str(where[0]), tuple(where[1]))
    share = Share(float(told["cpu"]), float(told["gpu"]), str(told.get("nodes", "")))
    return Held(share, place)
