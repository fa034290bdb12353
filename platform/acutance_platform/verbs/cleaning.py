"""`gc`: what nothing in the store needs any more, and deleting it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from acutance_platform.search.journals import sweep_journal, sweep_names
from acutance_platform.verbs.home import Home, open_home
from acutance_storage import (
    Blob,
    BlobStore,
    KeyMissing,
    delete_blob,
    delete_ref,
    list_refs,
    unreachable,
)

_DAY = 86400.0
GRACE = 1.0
"""Days for which a blob is kept that nothing names: its writer may be about to."""


@dataclass(frozen=True)
class Garbage:
    """What nothing needs."""

    stages: list[str]
    """Keys of stages whose states no sweep or training names."""
    states: list[str]
    """Refs of those states."""
    blobs: list[Blob]
    """Blobs that no ref, journal or ledger names."""
    leftovers: int
    """Writes that were killed half-way and left something."""
    deleted: bool
    """Whether they are gone."""

    @property
    def bytes(self) -> int:
        """Size of the blobs together."""
        return sum(blob.size for blob in self.blobs)


def gc(
    *,
    dry_run: bool = False,
    older_than: float = 7.0,
    grace: float = GRACE,
    home: Home | None = None,
) -> Garbage:
    """Delete the blobs that nothing reaches, and states of stages that no sweep names.

    Whatever a dataset, feature file, model, sweep or training names is kept, and so are the states
    of every stage in a chain that some journal holds, whether its sweep runs, rests or is done.

    Args:
        dry_run: Only tell.
        older_than: Days since the newest state of a stage that no journal names; younger ones stay.
        grace: Days since a blob was written; younger ones stay.
        home: Store and local folder; None takes what the environment says.

    Raises:
        StorageError: If a journal or an index cannot be read; then nothing is deleted.
    """
    store = (home or open_home()).store
    now = time.time()
    stages = _forgotten_stages(store, now - older_than * _DAY)
    states = [name for key in stages for name in list_refs(store, "stages", f"{key}/")]
    keys = {f"refs/stages/{name}.json" for name in states}
    blobs = unreachable(store, before=now - grace * _DAY, without=keys)
    leftovers = store.leftovers(now - grace * _DAY, delete=not dry_run)
    if dry_run:
        return Garbage(stages, states, blobs, leftovers, deleted=False)
    # Refs first: interrupted here, blobs without a name are left, never names without a blob.
    for name in states:
        delete_ref(store, "stages", name)
    for blob in blobs:
        delete_blob(store, blob.sha256)
    return Garbage(stages, states, blobs, leftovers, deleted=True)


def _forgotten_stages(store: BlobStore, before: float) -> list[str]:
    """Return the keys of stages that no journal names, whose newest state is from before then."""
    newest: dict[str, float] = {}
    for name in list_refs(store, "stages"):
        key = name.partition("/")[0]
        try:
            written = store.stat(f"refs/stages/{name}.json").time
        except KeyMissing:
            continue  # a training has dropped this state meanwhile
        newest[key] = max(written, newest.get(key, 0.0))
    # Journals last: a sweep names a stage before it works on it.
    named = set(_named_stages(store))
    return sorted(key for key, time_ in newest.items() if time_ < before and key not in named)


def _named_stages(store: BlobStore) -> Iterator[str]:
    for name in sweep_names(store):
        for record in sweep_journal(store, name).read():
            for key, _ in record.get("stages") or ():
                yield key
