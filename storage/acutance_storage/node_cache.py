"""What a node has of a far store: files named by the SHA-256 of their content.

A file is there whole and verified or not at all, and however many processes want one, one of them
fetches it while the others wait.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from filelock import FileLock

from acutance_storage.folder import storage_errors


@final
@dataclass(frozen=True)
class NodeCache:
    """Files below one folder of this machine's own disk.

    Args:
        root: The folder; made when it is needed.
    """

    root: Path

    def path(self, sha256: str) -> Path:
        """Return where the content with this hash is or would be."""
        return self.root / sha256[:2] / sha256

    def fetch(self, sha256: str, fill: Callable[[Path], None]) -> Path:
        """Return the file with this content, filled by `fill` if it is not there.

        Args:
            sha256: Of the content, in hex.
            fill: Writes the content to a path and raises unless it has this hash.

        Raises:
            StoreFull: If it does not fit.
            StoreUnreachable: If the folder cannot be used.
        """
        target = self.path(sha256)
        if target.is_file():
            return target
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            # The system lets go of a lock when its process dies; the cache is on a local disk.
            with FileLock(target.with_suffix(".lock")):
                if not target.is_file():
                    self._publish(target, fill)
        return target

    def _publish(self, target: Path, fill: Callable[[Path], None]) -> None:
        for dead in target.parent.glob(f".tmp-{target.name}-*"):
            dead.unlink(missing_ok=True)  # of a process that died: this one has the lock
        temporary = target.parent / f".tmp-{target.name}-{secrets.token_hex(4)}"
        try:
            fill(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())  # a name that survives a crash without its bytes would lie
            temporary.chmod(0o444)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
