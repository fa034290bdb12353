"""What the journals say, kept in memory and brought up to date by their new records alone."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from acutance_platform.recipe import refuse
from acutance_platform.search.fold import Sweep
from acutance_platform.search.journals import sweep_journal, sweep_names
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told, is_name, seen_from
from acutance_storage.journal import Journal

FRESH = 1.0
"""Seconds for which the store is not asked again."""


@final
class Followed:
    """One sweep: its journal, and what it said so far.

    Attributes:
        told: The fold; its `records` stay empty, for a long sweep's would fill the memory.
        version: Counts the records that were read; equal versions show the same.
        lock: Held by whoever reads or brings it up to date.
    """

    def __init__(self, journal: Journal) -> None:
        self.told = Told(Sweep(), [])
        self.version = 0
        self.lock = threading.RLock()
        self._journal = journal
        self._said = (False, "")
        self._asked = -FRESH

    def look(self, home: Home) -> None:
        """Take in what was written since; at most once in `FRESH` seconds."""
        if time.monotonic() - self._asked < FRESH:
            return
        sweep = self.told.sweep
        sweep.running, sweep.reason = self._said
        records = self._journal.read_new() if self.version else self._journal.read()
        for record in records:
            sweep.apply(record)
            self.told.hear(record)
        self.version += len(records)
        # Whether the driver lives is asked anew each time: one that was taken for dead may not be.
        self._said = (sweep.running, sweep.reason)
        seen_from(home, self.told)
        self._asked = time.monotonic()


@final
class Index:
    """All sweeps of a store.

    Args:
        home: Whose journals are followed.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._followed: dict[str, Followed] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the sweeps and trainings of the store, sorted."""
        return sweep_names(self._home.store)

    @contextmanager
    def sweep(self, name: str) -> Iterator[Followed]:
        """Give what a sweep's journal says now, and keep it still while the block runs.

        Raises:
            RecipeErrors: If there is no such sweep.
        """
        if not is_name(name):
            raise refuse("SWEEP", name, "this cannot be the name of a sweep", "See /sweeps.")
        with self._lock:
            known = self._followed.get(name) or Followed(sweep_journal(self._home.store, name))
        with known.lock:
            known.look(self._home)
            if not known.version:
                raise refuse("SWEEP", name, "there is no sweep of this name", "See /sweeps.")
            with self._lock:
                known = self._followed.setdefault(name, known)
            yield known
