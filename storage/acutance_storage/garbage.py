"""Which blobs a store still needs, and which nothing names any more.

Whatever stands in a ref, a journal or a ledger and looks like a SHA-256 counts as a name of a
blob: a reader of those documents may follow it, and one hash too many only keeps a file. What a
dataset's index points at counts too.
"""

import re
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from acutance_storage.blobs import BlobStore
from acutance_storage.contents import get_blob
from acutance_storage.errors import KeyMissing
from acutance_storage.images_index import load_index
from acutance_storage.refs import get_ref, list_refs

HELD = 7 * 86400.0
"""Seconds for which the shards of an interrupted ingest wait for it to go on."""

_NAMING = ("refs/", "journals/", "ledger/")
_SHA = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, order=True)
class Blob:
    """A blob as the store keeps it."""

    sha256: str
    """Its name."""
    size: int
    """Bytes."""


def reachable(store: BlobStore, *, without: Collection[str] = ()) -> set[str]:
    """Return the SHA-256 of every blob that something in the store names.

    Args:
        store: Where to look.
        without: Keys of documents that do not count, because they are to be deleted.

    Raises:
        StorageError: If a dataset's index cannot be read; then nothing may be deleted.
    """
    left_out, found = set(without), set[str]()
    for prefix in _NAMING:
        for key in store.list(prefix):
            if key not in left_out and not _given_up(store, key):
                with suppress(KeyMissing):  # a training drops its older states meanwhile
                    found |= {match.decode() for match in _SHA.findall(store.read(key))}
    for name in list_refs(store, "datasets"):
        found |= _shards(store, name)
    return found


def unreachable(store: BlobStore, *, before: float, without: Collection[str] = ()) -> list[Blob]:
    """Return the blobs that nothing names, those written lately left out.

    Args:
        store: Where to look.
        before: Seconds since the epoch; a blob written later may be about to be named.
        without: See `reachable`.

    Raises:
        StorageError: See `reachable`.
    """
    # Blobs first: one that comes while names are read is not on the list, whoever names it.
    keys = {key.rpartition("/")[2]: key for key in store.list("blobs/")}
    needed = reachable(store, without=without)
    found = []
    for sha, key in keys.items():
        if sha not in needed:
            written = store.stat(key)
            if written.time < before:
                found.append(Blob(sha, written.size))
    return sorted(found)


def _given_up(store: BlobStore, key: str) -> bool:
    """Say whether this is the ref of an ingest that nobody went on with."""
    if not key.startswith("refs/ingests/"):
        return False
    with suppress(KeyMissing):
        return store.stat(key).time < time.time() - HELD
    return True


def _shards(store: BlobStore, name: str) -> set[str]:
    """Return the blobs with the pixels of a dataset's version; its name alone points at one."""
    index = (get_ref(store, "datasets", name) or {}).get("index")
    if index is None:
        return set()
    found = set()
    for entry in load_index(get_blob(store, str(index))).entries:
        found |= {place.shard for place in entry.places()}
    return found
