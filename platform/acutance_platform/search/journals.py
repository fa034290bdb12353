"""Finding the sweeps of a store and reading their journals."""

from acutance_platform.search.fold import Sweep
from acutance_storage import BlobStore, Journal

_FOLDER = "sweeps"


def sweep_journal(store: BlobStore, name: str) -> Journal:
    """Return the journal of a sweep, which may be empty."""
    return Journal(store, f"{_FOLDER}/{name}")


def open_sweep(store: BlobStore, name: str) -> Sweep:
    """Return a sweep as its journal tells it.

    Raises:
        JournalDamaged: If the journal cannot be trusted.
    """
    return Sweep.of(sweep_journal(store, name).read())


def sweep_names(store: BlobStore) -> list[str]:
    """Return the names of all sweeps and single trainings of a store, sorted."""
    folder = f"journals/{_FOLDER}/"
    keys = (key.removeprefix(folder) for key in store.list(folder))
    return sorted({key.rpartition("/")[0] for key in keys})
