"""The list of all sweeps: one row each, kept on disk for those that nobody runs."""

import hashlib
import json
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, final

from acutance_platform.dashboard.index import FRESH, Index
from acutance_platform.dashboard.sweep_facts import Facts, facts_of, results_of
from acutance_platform.dashboard.trial_view import facts_now
from acutance_platform.search.fold import Sweep
from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Told
from acutance_storage import StorageError
from acutance_storage.parallel import spread

_FOLDER: Final = "journals/sweeps/"
_SCHEMA: Final = 1
_READERS: Final = 4


@final
class Overview:
    """Rows about sweeps.

    A row of an ended sweep stands in `dashboard/sweeps/` of the local folder, under what its
    journal's listing shows: as long as no segment is added there, nothing is read. Others come from
    the index, which reads new records alone.

    Args:
        home: Whose sweeps.
        index: Follows the journals of those that may go on.
    """

    def __init__(self, home: Home, index: Index) -> None:
        self._home, self._index = home, index
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[str, Facts]] = {}
        self._listed: tuple[float, dict[str, str]] = (-FRESH, {})

    def marks(self) -> dict[str, str]:
        """Return for each sweep what changes when its journal does; one listing of the store."""
        with self._lock:
            asked, marks = self._listed
            if time.monotonic() - asked < FRESH:
                return marks
            found: dict[str, list[str]] = {}
            for key in self._home.store.list(_FOLDER):
                name, _, segment = key.removeprefix(_FOLDER).rpartition("/")
                found.setdefault(name, []).append(segment)
            marks = {name: f"{len(known)}-{max(known)}" for name, known in found.items() if name}
            self._listed = (time.monotonic(), marks)
            return marks

    def rows(self) -> list[Facts]:
        """Return the facts of every sweep, the one that spoke last first.

        A sweep whose journal cannot be read has `fault` instead, in words.
        """
        marks = self.marks()
        found = list(spread(self._row, marks.items(), workers=_READERS))
        return sorted(found, key=lambda row: row.get("last") or 0.0, reverse=True)

    def version(self) -> str:
        """Return what changes when any row does."""
        marks = self.marks()
        going = [name for name in marks if _going(self._rows.get(name, ("", {}))[1])]
        states = [f"{name} {self._row((name, marks[name])).get('state')}" for name in going]
        return hashlib.sha256(json.dumps([marks, states]).encode()).hexdigest()[:16]

    def _row(self, item: tuple[str, str]) -> Facts:
        name, mark = item
        known = self._rows.get(name) or self._kept(name)
        if known is not None and known[0] == mark and not _going(known[1]):
            self._rows[name] = known
            return known[1]
        try:
            facts = self._read(name, going=known is not None and _going(known[1]))
        except StorageError as error:
            return {"sweep": name, "fault": str(error)}
        except Exception as error:  # one journal that nobody can read must not hide all others
            return {"sweep": name, "fault": f"its journal cannot be read: {error}"}
        self._rows[name] = (mark, facts)
        if not _going(facts):
            self._keep(name, mark, facts)
        return facts

    def _read(self, name: str, *, going: bool) -> Facts:
        """Return a sweep's facts: of one that has ended without keeping its trials in memory."""
        if not going and name not in self._index.known():
            told = Told(Sweep(), [])
            for record in sweep_journal(self._home.store, name).stream():
                told.sweep.apply(record)
                told.hear(record)
            if not told.sweep.running:
                return facts_of(told, results_of(told.sweep))
        with self._index.sweep(name) as followed:
            return facts_now(followed)

    def _kept(self, name: str) -> tuple[str, Facts] | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((self._folder / f"{name}.json").read_text())
            if kept["schema"] == _SCHEMA and kept["store"] == self._home.store.address:
                return str(kept["mark"]), dict(kept["facts"])
        return None

    def _keep(self, name: str, mark: str, facts: Facts) -> None:
        """Write a row; a full or read-only disk only makes the next start slower."""
        content = {"schema": _SCHEMA, "store": self._home.store.address}
        with suppress(OSError, ValueError):
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = self._folder / f".{name}.{threading.get_ident()}"
            fresh.write_text(json.dumps({**content, "mark": mark, "facts": facts}))
            fresh.replace(self._folder / f"{name}.json")

    @property
    def _folder(self) -> Any:
        return self._home.local / "dashboard" / "sweeps"


def _going(facts: Facts) -> bool:
    """Say whether a sweep may change without a new segment: its driver may die."""
    return facts.get("state") == "RUNNING"


def found_in(rows: Iterable[Facts], words: str, states: Iterable[str]) -> list[Facts]:
    """Return the rows that hold all words, in one of the states."""
    sought, wanted = words.lower().split(), set(states)
    return [
        row
        for row in rows
        if all(
            word in f"{row['sweep']} {row.get('dataset')} {row.get('question')}".lower()
            for word in sought
        )
        and (not wanted or row.get("state", "FAILED") in wanted)
    ]
