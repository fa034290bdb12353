"""Decoded pictures on their way into a store: spooled to local files, then published as blobs."""

import shutil
import uuid
from pathlib import Path
from types import TracebackType
from typing import final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from acutance_storage.blobs import BlobStore, local_folder
from acutance_storage.contents import put_blob_file
from acutance_storage.folder import storage_errors
from acutance_storage.images import PictureWriter
from acutance_storage.records import Place

SHARD_BYTES = 256 * 1024 * 1024
"""A shard ends after the picture that reaches this size."""


@final
class ShardSpool:
    """Collects pictures in shards of limited size below ``ACUTANCE_LOCAL/spool``.

    Use it as a context manager; the spool is gone when the block ends. Until `publish` the store
    is not touched, and a place is provisional: it names the spooled file instead of a blob.

    Args:
        store: Where the shards will be published.
        limit: Size in bytes after which a shard ends.
    """

    def __init__(self, store: BlobStore, *, limit: int = SHARD_BYTES) -> None:
        self._store = store
        self._limit = limit
        self._writer: PictureWriter | None = None
        self._paths: list[Path] = []
        spool = local_folder() / "spool"
        with storage_errors(spool):
            spool.mkdir(parents=True, exist_ok=True)
            _remove_stale(spool)
            self._folder = spool / f"ingest-{uuid.uuid4().hex}"
            self._alive = _lock_of(self._folder)
            self._alive.acquire()  # before the folder is there: without its lock it is nobody's
            self._folder.mkdir()

    def __enter__(self) -> "ShardSpool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._end_shard()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._alive.release()
            Path(self._alive.lock_file).unlink(missing_ok=True)

    def add(self, pixels: NDArray[np.uint8]) -> Place:
        """Spool a picture or map, (H, W, depth) in uint8, and return its provisional place.

        Raises:
            StoreFull: If it does not fit.
        """
        if self._writer is None:
            path = self._folder / f"{len(self._paths)}"
            self._writer = PictureWriter(path)
            self._paths.append(path)
        place = Place(
            shard=self._writer.path.name, row=self._writer.append(pixels, depth=pixels.shape[2])
        )
        if self._writer.bytes >= self._limit:
            self._end_shard()
        return place

    def publish(self) -> dict[str, str]:
        """Store every shard; return the blob of each spooled file's name."""
        self._end_shard()
        return {path.name: put_blob_file(self._store, path) for path in self._paths}

    def _end_shard(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(".lock"), timeout=0)


def _remove_stale(spool: Path) -> None:
    """Remove what killed processes left behind: the system lets go of a dead process's lock."""
    for entry in {path.with_suffix("") for path in spool.glob("ingest-*")}:
        lock = _lock_of(entry)
        try:
            with lock:
                shutil.rmtree(entry, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
        except Timeout:
            continue  # its process lives
