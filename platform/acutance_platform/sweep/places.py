"""Where a node keeps its own things, and how it hears that it is to save and stop."""

import os
import secrets
import time
from pathlib import Path
from typing import final

import psutil

from acutance_storage import BlobStore, local_folder, open_store

DRAIN = "drain"
"""File in a node's folder whose being there asks all trials on the node to save and stop."""
_DRAINED = 60.0
"""Seconds for which no leg begins on a node after its last chance to save."""
_LEGS = "legs"
_CLOCKS = 10.0
"""Seconds by which the times of files and of processes may differ."""
_SECONDS_BETWEEN_CALLS = 5.0


def node_folder(local: str | None) -> Path:
    """Return the folder of the node that this process runs on.

    Args:
        local: The driver's own folder, where this process is sure to run on its machine; else
            the node's ACUTANCE_LOCAL is taken, or a folder of its user.
    """
    if local is not None:
        return Path(local)
    named = os.environ.get("ACUTANCE_LOCAL")
    return local_folder() if named else Path.home() / ".cache" / "acutance"


def ask_to_drain(folder: Path, *, within: float) -> None:
    """Ask all legs on a node to save their state and stop, for so many seconds from now."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{DRAIN}.new"
    fresh.write_text(f"{time.time() + within + _DRAINED}\n")
    fresh.replace(folder / DRAIN)


def come(folder: Path) -> Path:
    """Count a leg of this process among those on a node; return the mark that it takes away."""
    (folder / _LEGS).mkdir(parents=True, exist_ok=True)
    mark = folder / _LEGS / f"{os.getpid()}-{secrets.token_hex(4)}"
    mark.touch()
    return mark


def legs_on(folder: Path) -> int:
    """Return how many legs run on a node; the marks of processes that died are taken away."""
    alive = 0
    for mark in (folder / _LEGS).glob("*-*"):
        if _lives(mark):
            alive += 1
        else:
            mark.unlink(missing_ok=True)
    return alive


def _lives(mark: Path) -> bool:
    """Say whether the process that made a mark lives.

    Numbers are used again, in a container that was restarted at once: a process that is younger
    than the mark is another one.
    """
    try:
        process = psutil.Process(int(mark.name.partition("-")[0]))
        return process.create_time() <= mark.stat().st_mtime + _CLOCKS
    except (psutil.Error, OSError):
        return False


def draining(file: Path) -> bool:
    """Say whether a drain file asks still; it names the second from which on it does not."""
    try:
        return time.time() < float(file.read_text())
    except (OSError, ValueError):
        return False


def drain(folder: Path | None = None, *, within: float) -> tuple[float, int]:
    """Ask all trials on this node to save their state and stop, and wait until they have.

    Ray may go on to place work here for as long as the node lives: what begins within a minute
    after it stops again at once.

    Args:
        folder: The node's own; None takes the one that its trials take.
        within: Seconds until whatever still runs is left to itself.

    Returns:
        The seconds that it took, and how many trials still run.
    """
    began, folder = time.monotonic(), folder or node_folder(None)
    ask_to_drain(folder, within=within)
    while (left := legs_on(folder)) and time.monotonic() - began < within:
        time.sleep(0.2)
    return time.monotonic() - began, left


@final
class Bell:
    """How a leg hears that it is to save its state and stop.

    Args:
        file: On the driver's machine: the driver asks.
        folder: The node's own: whoever takes the node away asks, see `DRAIN`.
        store: Address of the store, through which a driver on another machine asks.
        key: There.
    """

    def __init__(self, file: Path, folder: Path, store: str, key: str) -> None:
        self._file, self._drain = file, folder / DRAIN
        self._address, self._key = store, key
        self._store: BlobStore | None = None
        self._called = 0.0

    @property
    def draining(self) -> bool:
        """Whether the node is being taken away."""
        return draining(self._drain)

    def rings(self) -> bool:
        """Say whether somebody asks; cheap, but for a look at the store every few seconds."""
        if self._file.exists() or self.draining:
            return True
        if not self._key or time.monotonic() - self._called < _SECONDS_BETWEEN_CALLS:
            return False
        self._called = time.monotonic()
        try:
            self._store = self._store or open_store(self._address)
            return self._store.exists(self._key)
        except Exception:  # out of reach: the next look may tell
            return False
