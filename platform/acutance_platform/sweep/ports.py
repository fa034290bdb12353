"""What a sweep needs of the outside: a journal, leases, requests; and what it offers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from acutance_platform.search.fold import Record


@dataclass(frozen=True)
class LegOffer:
    """One leg to run: a trial, from where its state lies to where it is told to stop."""

    trial: str
    recipe: dict[str, Any]
    rungs: tuple[int, ...]
    share: float | None = None
    """Of a GPU; None is what the sweep's recipe says."""


class Log(Protocol):
    """The part of a journal that a sweep needs."""

    def append(self, *records: Record) -> None:
        """Write the records durably, all or none."""

    def read(self) -> list[Record]:
        """Return every record from the first on."""


class Requests(Protocol):
    """What people ask of the sweep; see `search.requests`."""

    def pending(self, known: Collection[str] = ()) -> Iterable[Record]:
        """Yield what is asked, in order, and forget what is known."""

    def drop(self, name: str) -> None:
        """Forget a request."""


class Leases(Protocol):
    """Who computes a stage now, across sweeps; see `acutance_storage.leases`."""

    def held_by_another(self, key: str) -> bool:
        """Say whether another sweep is computing it."""

    def take(self, key: str) -> None:
        """Say that this one is."""

    def let_go(self, key: str) -> None:
        """Say that this one is not any more."""
