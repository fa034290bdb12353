"""The journals of sweeps and trainings: which there are, what they say, who may write."""

import json
import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from filelock import FileLock, Timeout

from acutance_platform.recipe import refuse
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.journals import sweep_journal, sweep_names
from acutance_platform.verbs.home import Home
from acutance_storage import BlobStore
from acutance_storage.leases import Leases

TAKEN_OVER = 24.0
"""Seconds for which the driver of a sweep may be silent before another machine's takes over."""
TRAINING = "t0000"
"""The one trial of a training that is not a search."""


@final
class Log:
    """A journal that the driver and its recorder's thread write together."""

    def __init__(self, store: BlobStore, name: str) -> None:
        self._journal = sweep_journal(store, name)
        self._lock = threading.Lock()
        self._records: list[Record] | None = None

    def append(self, *records: Record) -> None:
        """Write the records durably, all or none."""
        with self._lock:
            known = self._known()
            self._journal.append(*records)
            known += json.loads(json.dumps(records))

    def read(self) -> list[Record]:
        """Return every record from the first on; what was read or written here is not read anew."""
        with self._lock:
            known = self._known()
            known += self._journal.read_new()
            return list(known)

    def _known(self) -> list[Record]:
        if self._records is None:
            self._records = self._journal.read()
        return self._records

    def fold(self) -> None:
        """Spare later readers of a long journal its many segments."""
        with self._lock:
            self._journal.fold()


@dataclass
class Told:
    """What a journal says: the fold of the search, and what only people want to know."""

    sweep: Sweep
    """Trials, values, spendings."""
    records: list[Record]
    """Every record."""
    baseline: dict[str, float] = field(default_factory=dict)
    """Metric -> what bicubic reaches on the same pictures."""
    question: str = ""
    """What the experiment asks."""
    shipped: bool = False
    """Whether MLflow has everything that came before the last driver ended."""

    def hear(self, record: Record) -> None:
        """Take in what a record says beside the search."""
        if record["do"] == "baseline":
            self.baseline = dict(record["metrics"])
        elif record["do"] == "about":
            self.question = record["question"]
        elif record["do"] in ("start", "shipped"):
            self.shipped = record["do"] == "shipped"


def tell(records: list[Record]) -> Told:
    """Return what the records of a journal say."""
    told = Told(Sweep.of(records), records)
    for record in records:
        told.hear(record)
    return told


def open_sweep(store: BlobStore, name: str) -> Told:
    """Return what the journal of a sweep or training says.

    Raises:
        RecipeErrors: If there is none of that name.
    """
    if not is_name(name):
        raise refuse("SWEEP", name, "this cannot be the name of a sweep", _known(store))
    records = Log(store, name).read()
    if not records:
        raise refuse("SWEEP", name, "there is no sweep of this name", _known(store))
    return tell(records)


def _known(store: BlobStore) -> str:
    return f"Sweeps here: {', '.join(sweep_names(store)) or 'none yet'}."


def is_name(name: str) -> bool:
    """Say whether a name can be a folder, a journal and an experiment alike."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is not None


def finished(told: Told) -> bool:
    """Return whether nothing is left to do."""
    return told.sweep.finished not in (None, "INTERRUPTED")


def check_name(name: str) -> None:
    """Refuse a name that cannot be a folder, a journal and an experiment alike.

    Raises:
        RecipeErrors: If it cannot.
    """
    if not is_name(name):
        rule = "a name has letters, digits, '.', '_' and '-', and begins with a letter or digit"
        raise refuse("--name", name, rule, "Choose another name with --name.")


def seen_from(home: Home, told: Told) -> Told:
    """Return what a journal says, without the running of a driver that died.

    A driver that was killed could not write that it ended. Here the system let go of its lock; on
    another machine it gives no signs of life.
    """
    if told.sweep.running and not _driven(home, told.sweep.name):
        told.sweep.running = False
        told.sweep.reason = "Its driver is gone."
    return told


def _driven(home: Home, name: str) -> bool:
    """Say whether a sweep may have a live driver, as far as this machine can see."""
    lock, mark = home.local / "sweeps" / name / "driver.lock", home.local / "machine"
    try:
        if lock.exists():
            with FileLock(lock, timeout=0):
                pass
    except Timeout:
        return True
    mine = mark.read_text() if mark.exists() else ""
    if Leases(home.store, mine, patience=TAKEN_OVER).held_by_another(_lease(name)):
        return True
    return not lock.exists() and not home.store.exists(f"leases/{_lease(name)}.json")


def _drivers(home: Home) -> Leases:
    return Leases(home.store, _machine(home.local), patience=TAKEN_OVER)


def _lease(name: str) -> str:
    return f"drivers/{name}"


@contextmanager
def sole_driver(home: Home, name: str) -> Iterator[None]:
    """Keep other drivers of a sweep or training away while the block runs.

    On this machine a lock does, which the system lets go of when its process dies; on others a
    lease in the store: whoever finds one waits for a sign of life, or until it lapses for want of
    any, at most `TAKEN_OVER` seconds. Neither is needed for the journal to be whole: a driver that
    lost it is told so when it next writes.

    Raises:
        RecipeErrors: If another process is the driver.
    """
    folder = home.local / "sweeps" / name
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "driver.lock", timeout=0, is_singleton=True)
    try:
        # Who looks at the sweep takes it for an instant to see whether it is held: wait that out.
        lock.acquire(timeout=1)
    except Timeout:
        way_out = f"Follow it with `acutance status {name}`, or end it first."
        raise refuse("--name", name, "it runs in another process", way_out) from None
    try:
        leases, key = _drivers(home), _lease(name)
        if not leases.silent(key):
            rule = "it runs on another machine, which gives signs of life"
            way_out = f"Follow it with `acutance status {name}`, or end it there first."
            raise refuse("--name", name, rule, way_out)
        leases.take(key)
        with leases.beating():
            yield
    finally:
        lock.release()


def _machine(local: Path) -> str:
    """Return the mark of whoever shares this local folder, and so its locks."""
    path = local / "machine"
    if not path.exists():
        fresh = local / f".machine-{uuid.uuid4().hex}"
        fresh.write_text(uuid.uuid4().hex)
        with suppress(FileExistsError):  # another process was first
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text()
