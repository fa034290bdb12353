"""What the journals say, kept in memory and brought up to date by their new records alone."""

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, final

from acutance_platform.recipe import refuse
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.journals import sweep_journal, sweep_names
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told, is_name, seen_from
from acutance_storage.errors import JournalBusy
from acutance_storage.journal import Journal

FRESH = 1.0
"""Seconds for which the store is not asked again."""
KEPT, IDLE = 4, 600.0
"""Sweeps that stay in memory in any case; others leave after so many seconds unseen."""

_LONG = 10_000

H = TypeVar("H", bound="Hearer")
T = TypeVar("T")


class Hearer(Protocol):
    """Keeps of a sweep what some page needs, record by record."""

    def hear(self, record: Record, sweep: Sweep) -> None:
        """Take in a record, which the fold has just taken in."""


@final
class Followed:
    """One sweep: its journal, and what it said so far.

    Attributes:
        told: The fold; its `records` stay empty, for a long sweep's would fill the memory.
        version: Rises whenever something else is to be shown; 0 = there is no such sweep.
        lock: Held by whoever reads or brings it up to date.
    """

    def __init__(self, journal: Journal, hearers: Iterable[Callable[[], Hearer]] = ()) -> None:
        self.version = 0
        self.lock = threading.RLock()
        self._journal, self._makers = journal, list(hearers)
        self._asked = -FRESH
        self._said: tuple[bool, str] = (False, "")
        self._made: tuple[int, dict[str, Any]] = (0, {})
        self._forget()

    def heard(self, kind: type[H]) -> H:
        """Return what the hearer of a class, which `Index.hearers` has to name, knows."""
        found = self._hearers[kind]
        assert isinstance(found, kind)
        return found

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Return what `make` made of the present version; asked for by one key, always alike."""
        if self._made[0] != self.version:
            self._made = (self.version, {})
        known = self._made[1]
        if key not in known:
            known[key] = make()
        found: T = known[key]
        return found

    def look(self, home: Home) -> None:
        """Take in what was written since; at most once in `FRESH` seconds."""
        if time.monotonic() - self._asked < FRESH:
            return
        if not self.version:  # an earlier look may have ended halfway
            self._forget()
        sweep, before = self.told.sweep, self._shown()
        sweep.running, sweep.reason = self._said
        try:
            count = self._take(self._journal.read_new() if self.version else self._first())
        except JournalBusy:  # a new driver goes on from an earlier record than the last one here
            self._forget()
            count = self._take(self._first())
        # Whether the driver lives is asked anew each time: one that was taken for dead may not be.
        self._said = self._shown()
        seen_from(home, self.told)
        if count > _LONG:  # what stays is no garbage: looking through it would stop everybody
            gc.collect()
            gc.freeze()
        if count or (self.version and before != self._shown()):
            self.version += max(count, 1)
        self._asked = time.monotonic()

    @property
    def idle(self) -> float:
        """Seconds since somebody looked."""
        return time.monotonic() - self._asked

    def _first(self) -> Iterator[Record]:
        return self._journal.stream()

    def _take(self, records: Iterable[Record]) -> int:
        count, hearers, told = 0, list(self._hearers.values()), self.told
        for record in records:
            told.sweep.apply(record)
            told.hear(record)
            for hearer in hearers:
                hearer.hear(record, told.sweep)
            count += 1
        return count

    def _forget(self) -> None:
        self.told = Told(Sweep(), [])
        made = [make() for make in self._makers]
        self._hearers: dict[type[Any], Hearer] = {type(hearer): hearer for hearer in made}
        self._said = (False, "")

    def _shown(self) -> tuple[bool, str]:
        return self.told.sweep.running, self.told.sweep.reason


@final
class Index:
    """All sweeps of a store.

    Args:
        home: Whose journals are followed.

    Attributes:
        hearers: What makes the hearers of each sweep; areas add theirs before the first request.
    """

    def __init__(self, home: Home) -> None:
        self.hearers: list[Callable[[], Hearer]] = []
        self._home = home
        self._followed: dict[str, Followed] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the sweeps and trainings of the store, sorted."""
        return sweep_names(self._home.store)

    def known(self) -> set[str]:
        """Return the sweeps that are in memory."""
        with self._lock:
            return set(self._followed)

    @contextmanager
    def sweep(self, name: str) -> Iterator[Followed]:
        """Give what a sweep's journal says now, and keep it still while the block runs.

        Raises:
            RecipeErrors: If there is no such sweep.
        """
        if not is_name(name):
            raise refuse("SWEEP", name, "this cannot be the name of a sweep", "See /sweeps.")
        with self._lock:
            journal = sweep_journal(self._home.store, name)
            known = self._followed.get(name) or Followed(journal, self.hearers)
            # Kept from now on, that two readers do not both read a long journal.
            self._followed[name] = known
        with known.lock:
            known.look(self._home)
            if not known.version:
                with self._lock:
                    self._followed.pop(name, None)
                raise refuse("SWEEP", name, "there is no sweep of this name", "See /sweeps.")
            self._leave(name)
            yield known

    def _leave(self, name: str) -> None:
        """Let go of sweeps that nobody has looked at for long."""
        with self._lock:
            longest = sorted(self._followed, key=lambda known: self._followed[known].idle)
            for other in longest[KEPT:]:
                if other != name and self._followed[other].idle > IDLE:
                    del self._followed[other]
