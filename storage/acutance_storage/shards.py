"""Decoded pictures on their way into a store: spooled to a local file, published shard by shard.

What became of each file is noted beside the pictures, so that whoever adds the same source again
after an interruption, `kill -9` and a full disk included, goes on where it broke off. Shards that
were stored before a dataset names them are held by a ref of the kind ``ingests``.
"""

import json
import shutil
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from acutance_storage.blobs import BlobStore, local_folder
from acutance_storage.contents import has_blob, put_blob_file
from acutance_storage.dataset import pixel_hash
from acutance_storage.errors import DatasetError, StorageError
from acutance_storage.folder import storage_errors
from acutance_storage.garbage import HELD
from acutance_storage.images import PictureWriter, rows_of_torn
from acutance_storage.outcomes import Outcome, outcome_of
from acutance_storage.records import Place
from acutance_storage.refs import delete_ref, set_ref
from acutance_storage.sources import Identity

SHARD_BYTES = 128 * 1024 * 1024
"""A shard ends after the picture that reaches this size."""

_SCHEMA = 1


@final
class ShardSpool:
    """Collects pictures in shards of limited size below ``ACUTANCE_LOCAL/spool``.

    Use it as a context manager. The spool is gone when the block ends well or refuses what it was
    given; after any other error it stays for whoever comes back with the same `key`. A place is
    provisional: it names a shard by number until `publish` says which blob that is.

    Args:
        store: Where the shards are published.
        key: What is being added, in letters and digits: with the same key the same pictures.
        limit: Size in bytes after which a shard ends.

    Raises:
        StoreFull: If it does not fit; from any method.
    """

    def __init__(self, store: BlobStore, *, key: str, limit: int = SHARD_BYTES) -> None:
        self._store, self._key, self._limit = store, key, limit
        self._writer: PictureWriter | None = None
        self._blobs: dict[str, str] = {}
        self._known: dict[str, tuple[Identity, Outcome]] = {}
        self._shards = 0
        spool = local_folder() / "spool"
        with storage_errors(spool):
            spool.mkdir(parents=True, exist_ok=True)
            _remove_stale(spool)
            self._folder, self._alive = _taken(spool, key)
            self._folder.mkdir(exist_ok=True)
        self._log = self._folder / "log.jsonl"
        try:
            self._recover()
        except BaseException:
            self._alive.release()
            raise

    @property
    def scratch(self) -> Path:
        """A folder for files that are needed for a moment."""
        return self._folder

    def __enter__(self) -> "ShardSpool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None or isinstance(error, DatasetError):
                self._forget()
            elif self._writer is not None:
                self._writer.abandon()
        finally:
            self._alive.release()
            if not self._folder.exists():
                Path(self._alive.lock_file).unlink(missing_ok=True)

    def known(self, name: str, identity: Identity) -> Outcome | None:
        """Return what an interrupted ingest found in a file, if it is still the same file."""
        was, outcome = self._known.get(name, (None, None))
        return outcome if was == identity else None

    def add(self, pixels: NDArray[np.uint8]) -> Place:
        """Spool a picture or map, (H, W, depth) in uint8, and return its provisional place."""
        if self._writer is not None and self._writer.bytes >= self._limit:
            self._end_shard()
        if self._writer is None:
            self._writer = PictureWriter(self._folder / str(self._shards))
        row = self._writer.append(pixels, depth=pixels.shape[2])
        return Place(shard=str(self._shards), row=row)

    def note(self, name: str, identity: Identity, outcome: Outcome) -> None:
        """Write down what was found in a file, after its pixels were added."""
        self._write({"file": name, "identity": identity, "outcome": outcome.as_data()})

    def publish(self) -> dict[str, str]:
        """Store the last shard; return the blob of each provisional shard."""
        self._end_shard()
        return dict(self._blobs)

    def _end_shard(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        shard, path = str(self._shards), self._writer.path
        sha = put_blob_file(self._store, path)
        self._blobs[shard] = sha
        self._hold()
        self._write({"shard": shard, "blob": sha})
        path.unlink()
        self._writer, self._shards = None, self._shards + 1

    def _hold(self) -> None:
        """Keep the shards that no dataset names yet from being collected as garbage."""
        set_ref(self._store, "ingests", self._key, {"shards": sorted(self._blobs.values())})

    def _write(self, record: dict[str, Any]) -> None:
        line = json.dumps({"v": _SCHEMA, **record}) + "\n"
        with storage_errors(self._log), self._log.open("a") as log:
            log.write(line)

    def _forget(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._blobs:
            with suppress(StorageError):  # after a week it holds nothing
                delete_ref(self._store, "ingests", self._key)

    def _recover(self) -> None:
        """Take over what an interrupted ingest of the same key left, as far as it is sound."""
        blobs, known = _read_log(self._log)
        self._blobs = {shard: sha for shard, sha in blobs.items() if has_blob(self._store, sha)}
        self._shards = max((int(shard) + 1 for shard in blobs), default=0)
        wanted = defaultdict[str, dict[int, str]](dict)
        for _, outcome in known.values():
            for picture in outcome.pictures:
                for place, sha in picture.places():
                    wanted[place.shard][place.row] = sha
        rows = self._recovered_rows(wanted[str(self._shards)])

        def sound(place: Place) -> bool:
            last = place.shard == str(self._shards) and place.row < rows
            return last or place.shard in self._blobs or len(place.shard) == _SHA_DIGITS

        self._known = {
            name: (identity, outcome)
            for name, (identity, outcome) in known.items()
            if all(sound(place) for picture in outcome.pictures for place, _ in picture.places())
        }
        self._rewrite_log()

    def _recovered_rows(self, wanted: dict[int, str]) -> int:
        """Copy the sound pictures of the shard that broke off into a new file; return how many."""
        path = self._folder / str(self._shards)
        torn = path.with_suffix(".torn")
        if not wanted:
            return 0
        if not torn.exists() and path.exists():
            path.replace(torn)
        self._writer = PictureWriter(path)
        for row, pixels in enumerate(rows_of_torn(torn) if torn.exists() else ()):
            named = wanted.get(row)
            if row > max(wanted) or (named is not None and pixel_hash(pixels) != named):
                break
            self._writer.append(pixels, depth=pixels.shape[2])
        torn.unlink(missing_ok=True)
        return self._writer.rows

    def _rewrite_log(self) -> None:
        """Drop what is not sound from the log, and the line that was torn."""
        with storage_errors(self._log):
            self._log.unlink(missing_ok=True)
        for shard, sha in self._blobs.items():
            self._write({"shard": shard, "blob": sha})
        for name, (identity, outcome) in self._known.items():
            self.note(name, identity, outcome)


_SHA_DIGITS = 64  # a place that names a blob was stored by an earlier version


def _read_log(
    log: Path,
) -> tuple[dict[str, str], dict[str, tuple[Identity, Outcome]]]:
    """Return stored shards and what became of each file, up to the first unreadable line."""
    blobs: dict[str, str] = {}
    known: dict[str, tuple[Identity, Outcome]] = {}
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        for line in log.read_text().splitlines():
            record = json.loads(line)
            if record["v"] != _SCHEMA:
                break  # of another acutance: starting over costs time alone
            if "shard" in record:
                blobs[record["shard"]] = record["blob"]
            else:
                known[record["file"]] = (record["identity"], outcome_of(record["outcome"]))
    return blobs, known


def _taken(spool: Path, key: str) -> tuple[Path, FileLock]:
    """Return the folder for a key and its lock; another one where a living process has it."""
    for name in (key, f"{key}-{uuid.uuid4().hex[:8]}"):
        folder = spool / f"ingest-{name}"
        lock = _lock_of(folder)
        with suppress(Timeout):
            lock.acquire()  # before the folder is there: without its lock it is nobody's
            return folder, lock
    raise AssertionError("a name of one's own is free")


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(".lock"), timeout=0)


def _remove_stale(spool: Path) -> None:
    """Remove what was broken off a week ago: the system lets go of a dead process's lock."""
    for folder in {path.with_suffix("") for path in spool.glob("ingest-*")}:
        lock = _lock_of(folder)
        with suppress(Timeout, OSError), lock:
            files = [folder, *folder.glob("*")] if folder.exists() else []
            if max((file.stat().st_mtime for file in files), default=0) < time.time() - HELD:
                shutil.rmtree(folder, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
