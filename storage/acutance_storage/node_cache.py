"""What a node has of a far store: files named by the SHA-256 of their content.

A file is there whole and verified or not at all, and however many processes want one, one of them
fetches it while the others wait. What was not used for longest goes first when room is needed; a
process that maps a file keeps its pages, whether the file still has its name or not.

Nothing waits for the disk: a file that was not used since the machine started is hashed before it
is used again, because a crash may have kept its name and lost its bytes.
"""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from filelock import FileLock

from acutance_storage.errors import StorageError, StoreFull
from acutance_storage.folder import file_sha256, storage_errors
from acutance_storage.keys import blob_of

LIMIT = "ACUTANCE_CACHE_LIMIT"
"""Environment variable: bytes that the cache may hold, such as ``200GB``; no limit unless set."""
FLOOR = "ACUTANCE_DISK_FLOOR"
"""Environment variable: bytes that stay free on the cache's disk, such as ``5GB``."""

_UNITS = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1, "": 1}
_CLOCKS = 60.0  # seconds by which the disk's clock may be ahead of ours
_SHARE, _MOST = 20, 10**9  # unless said otherwise: a 20th of the disk stays free, at most 1 GB


@final
@dataclass(frozen=True)
class NodeCache:
    """Files below one folder of this machine's own disk.

    Args:
        root: The folder; made when it is needed.
        limit: Bytes that it may hold; None takes what `LIMIT` says.
        floor: Bytes that stay free on its disk; None takes what `FLOOR` says, else a twentieth of
            the disk, or 1 GB where that is less.
    """

    root: Path
    limit: int | None = None
    floor: int | None = None

    def path(self, sha256: str) -> Path:
        """Return where the content with this hash is or would be."""
        return self.root / sha256[:2] / sha256

    def fetch(self, sha256: str, size: Callable[[], int], fill: Callable[[Path], None]) -> Path:
        """Return the file with this content, filled by `fill` if it is not there.

        Args:
            sha256: Of the content, in hex.
            size: Returns how many bytes it has; asked only where it is not there.
            fill: Writes the content into an existing file and raises unless it has this hash.

        Raises:
            StoreFull: If it does not fit.
            StorageError: If a variable says no size.
            StoreUnreachable: If the folder cannot be used.
        """
        target = self.path(sha256)
        if self._used(target):
            return target
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            # The system lets go of a lock when its process dies; the cache is on a local disk.
            with FileLock(target.with_suffix(".lock")):
                if not self._used(target) and not self._whole(target, sha256):
                    self._publish(target, size(), fill)
        return target

    def _used(self, target: Path) -> bool:
        """Say whether it is there and can be trusted, and note that it was wanted now."""
        try:
            if not _started() < target.stat().st_mtime <= time.time() + _CLOCKS:
                return False
            os.utime(target)
        except FileNotFoundError:
            return False
        except OSError:
            pass  # another user's: then it only looks older than it is
        return True

    def _whole(self, target: Path, sha256: str) -> bool:
        """Say whether a file that may have lived through a crash has its content."""
        if not target.is_file() or file_sha256(target) != sha256:
            return False
        with suppress(OSError):
            os.utime(target)
        return True

    def _publish(self, target: Path, size: int, fill: Callable[[Path], None]) -> None:
        for dead in target.parent.glob(f".tmp-{target.name}-*"):
            dead.unlink(missing_ok=True)  # of a process that died: this one has the lock
        temporary = target.parent / f".tmp-{target.name}-{secrets.token_hex(4)}"
        try:
            with self._room(size), temporary.open("xb") as file:
                file.truncate(size)  # others see at once what it is going to take
            fill(temporary)
            temporary.chmod(0o444)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    @contextmanager
    def _room(self, size: int) -> Iterator[None]:
        """Delete what was not used for longest until `size` bytes fit; nobody else does meanwhile.

        Raises:
            StoreFull: If they do not fit even then.
        """
        limit = self.limit if self.limit is not None else bytes_said(LIMIT)
        with FileLock(self.root / "room.lock"):
            files = sorted(self._files(), key=lambda found: found[1].st_mtime)
            held = sum(stat.st_size for _, stat in files)
            coming = sum(max(0, stat.st_size - 512 * stat.st_blocks) for _, stat in files)
            free = shutil.disk_usage(self.root).free - coming - size - self._floor()
            over = max(0 if limit is None else held + size - limit, -free)
            whole = [(path, stat) for path, stat in files if not path.name.startswith(".")]
            lacking = over - sum(stat.st_size for _, stat in whole)
            if lacking > 0:  # then nothing is deleted in vain
                raise StoreFull(self._too_much(size, lacking))
            for path, stat in whole:
                if over <= 0:
                    break
                path.unlink(missing_ok=True)
                over -= stat.st_size
            yield

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.root.glob("*/*"):
            if blob_of(f"blobs/{path.parent.name}/{path.name}") or path.name.startswith(".tmp-"):
                with suppress(FileNotFoundError):
                    yield path, path.stat()

    def _floor(self) -> int:
        said = self.floor if self.floor is not None else bytes_said(FLOOR)
        return min(shutil.disk_usage(self.root).total // _SHARE, _MOST) if said is None else said

    def _too_much(self, size: int, over: int) -> str:
        return (
            f"{size} bytes do not fit into the node cache {self.root}: {over} bytes too much, even "
            f"with nothing else in it. {LIMIT} says how much it may hold, {FLOOR} how much of its "
            "disk stays free; or let ACUTANCE_LOCAL name a folder on a larger disk"
        )


def _started() -> float:
    """Return when this machine started; later than it did where it slept in between."""
    return time.time() - time.monotonic()


def bytes_said(variable: str) -> int | None:
    """Return the number of bytes that an environment variable says; None where it is not set.

    Raises:
        StorageError: If it says something else.
    """
    said = os.environ.get(variable, "").strip().upper()
    number = said.rstrip("KMGTB")
    unit = said.removeprefix(number)
    if not said:
        return None
    if unit in _UNITS and number.strip().replace(".", "", 1).isdecimal():
        return int(float(number) * _UNITS[unit])
    raise StorageError(
        f"{variable}={os.environ[variable]!r} is no size. Write a number of bytes with a unit, "
        "such as 200GB, 500MB or 0"
    )
