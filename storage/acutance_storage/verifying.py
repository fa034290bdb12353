"""Checking that datasets are what they were when they were added, and fetching them beforehand."""

from collections.abc import Callable

from acutance_storage.blobs import BlobStore
from acutance_storage.contents import blob_path, check_blob
from acutance_storage.dataset import SHORT, ImageDataset, open_dataset, pixel_hash
from acutance_storage.errors import DatasetError, StorageError
from acutance_storage.records import Place


def pull_dataset(
    store: BlobStore, name: str, progress: Callable[[int, int], object] | None = None
) -> int:
    """Bring all shards of a dataset to this machine, where they are not here already.

    Args:
        store: Where it lies; a folder has nothing to be fetched.
        name: ``NAME`` or ``NAME@VERSION``.
        progress: Called with shards done and shards in all, first and after each one.

    Returns:
        Bytes of its files on this machine.

    Raises:
        DatasetError: If there is no such dataset or version.
        StoreFull: If it does not fit; shards that came before stay, and the next call goes on.
    """
    report = progress or (lambda done, total: None)
    shards, size = open_dataset(store, name).shards, 0
    report(0, len(shards))
    for done, shard in enumerate(shards, start=1):
        size += blob_path(store, shard).stat().st_size
        report(done, len(shards))
    return size


def verify_dataset(store: BlobStore, name: str) -> list[str]:
    """Hash everything that a dataset consists of, and return what is damaged.

    Every shard is hashed as a file, then every picture's pixels, so that a damaged shard also
    says which pictures it hurts.

    Returns:
        One line per damaged thing; empty for a sound dataset.

    Raises:
        DatasetError: If there is no such dataset or version.
    """
    try:
        dataset = open_dataset(store, name)
    except DatasetError:
        raise
    except StorageError as error:
        return [f"index: {error}"]
    parts = [
        (f"{what} {picture.name}", place, sha)
        for index, picture in enumerate(dataset.pictures)
        for what, place, sha in dataset.parts(index)
    ]
    damage = []
    for shard in sorted({place.shard for _, place, _ in parts}):
        try:
            check_blob(store, shard)
        except StorageError as error:
            damage.append(f"shard: {error}")
    for part in parts:
        damage += _damage(dataset, *part)
    return damage


def _damage(dataset: ImageDataset, what: str, place: Place, sha256: str) -> list[str]:
    where = f"{what} (shard {place.shard[:SHORT]})"
    try:
        if pixel_hash(dataset.pixels(place)) != sha256:
            return [f"{where}: its pixels are not those that were added"]
    except (StorageError, IndexError) as error:
        return [f"{where}: {error}"]
    return []
