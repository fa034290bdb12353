"""Datasets: reading and listing them.

A version of a dataset is an index (Parquet) that points at shards (Arrow), all of them blobs. Two
refs name it: ``datasets/NAME@VERSION`` for ever, ``datasets/NAME`` while it is the newest.
"""

import hashlib
import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from acutance_storage.blobs import BlobStore
from acutance_storage.contents import blob_path, get_blob
from acutance_storage.errors import DatasetError, StorageError
from acutance_storage.images import Pictures
from acutance_storage.images_index import Index, load_index
from acutance_storage.maps import shares
from acutance_storage.records import SPLITS, Picture, Place
from acutance_storage.refs import get_ref, list_refs
from acutance_storage.statistics import Statistics, statistics

SHORT = 12
"""Hex digits of a version that suffice in NAME@VERSION, where they fit only one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@final
class ImageDataset:
    """One version of a dataset. Opening it reads the index; pixels stay on disk until asked for.

    It can be pickled and used from many processes, which share the pages of the memory map.

    Args:
        store: Where it lies.
        index: What it holds.
    """

    def __init__(self, *, store: BlobStore, index: Index) -> None:
        self._store = store
        self._index = index
        self._shards: dict[str, Pictures] = {}
        self.name = index.name
        self.version = index.version
        self.lr_scale = index.lr_scale
        self.classes = index.classes
        self.lineage = index.lineage
        self.pictures: tuple[Picture, ...] = tuple(entry.picture for entry in index.entries)

    def __len__(self) -> int:
        return len(self.pictures)

    def __reduce__(self) -> tuple[Any, tuple[BlobStore, str]]:
        return open_dataset, (self._store, f"{self.name}@{self.version}")

    def __repr__(self) -> str:
        return f"ImageDataset({self.name}@{self.version[:SHORT]}, {len(self)} pictures)"

    @property
    def licence(self) -> str:
        """The licences of its pictures, each once, joined by ``"; "``."""
        return "; ".join(sorted({p.licence for p in self.pictures if p.licence}))

    @property
    def source(self) -> str:
        """The sources of its pictures, each once, joined by ``"; "``."""
        return "; ".join(sorted({p.source for p in self.pictures if p.source}))

    @property
    def statistics(self) -> Statistics:
        """Sizes and colours of all its pictures together."""
        return statistics(self._index.entries)

    @property
    def shards(self) -> list[str]:
        """The blobs that hold its pixels, in the order of its pictures."""
        return list(dict.fromkeys(p.shard for e in self._index.entries for p in e.places()))

    def hr(self, index: int) -> NDArray[np.uint8]:
        """Return a picture: shape (H, W, 3), uint8, a read-only view of the memory map.

        Raises:
            IndexError: If there is no such picture.
            BlobCorrupt: If its shard cannot be read.
        """
        return self.pixels(self._index.entries[index].place)

    def lr(self, index: int) -> NDArray[np.uint8]:
        """Return the stored LR picture of a pair: shape (H / lr_scale, W / lr_scale, 3), uint8.

        Raises:
            DatasetError: If the dataset has no pairs.
        """
        lr = self._index.entries[index].lr
        if lr is None:
            raise DatasetError(
                f"dataset {self.name!r} holds no LR pictures. Add pairs with --lr FOLDER "
                "--scale N, or let a degradation make LR from HR"
            )
        return self.pixels(lr.place)

    def has_map(self, index: int) -> bool:
        """Say whether a segmentation map was stored with the picture."""
        return self._index.entries[index].map is not None

    def map(
        self, index: int, rows: slice = slice(None), columns: slice = slice(None)
    ) -> NDArray[np.uint8]:
        """Return the segmentation map of a picture, or a part of it.

        Returns:
            Shape (H, W, classes), uint8: probabilities, once divided by their sum over the
            classes. A picture without a map is background, class 0, everywhere.

        Raises:
            DatasetError: If the dataset has no maps.
        """
        if self.classes is None:
            raise DatasetError(
                f"dataset {self.name!r} holds no segmentation maps. Add them with --maps FOLDER"
            )
        stored = self._index.entries[index].map
        if stored is None:
            return shares(np.zeros_like(self.hr(index)[rows, columns, :1]), self.classes)
        return shares(self.pixels(stored.place)[rows, columns], self.classes)

    def indices(self, split: str) -> list[int]:
        """Return the positions of the pictures of a split, or of `all` of them, ascending.

        Raises:
            DatasetError: If there is no split of that name.
        """
        if split not in (*SPLITS, "all"):
            raise DatasetError(f"unknown split {split!r}; known: {', '.join(SPLITS)}, all")
        return [i for i, picture in enumerate(self.pictures) if split in (picture.split, "all")]

    def parts(self, index: int) -> list[tuple[str, Place, str]]:
        """Return a word, place and hash for all pixels of a picture: HR, then LR and map if any."""
        entry = self._index.entries[index]
        found = [("HR picture", entry.place, entry.picture.sha256)]
        for what, stored in (("LR picture", entry.lr), ("map of", entry.map)):
            if stored:
                found.append((what, stored.place, stored.sha256))
        return found

    def prefetch(self) -> None:
        """Begin to bring every shard to this machine, in a thread.

        Whoever needs a shard that is on its way waits for it; what goes wrong is told there.
        """
        shards = {place.shard for i in range(len(self)) for _, place, _ in self.parts(i)}

        def bring() -> None:
            with suppress(StorageError):
                for shard in sorted(shards):
                    blob_path(self._store, shard)

        threading.Thread(target=bring, name="prefetch", daemon=True).start()

    def pixels(self, place: Place) -> NDArray[np.uint8]:
        """Return what lies at a place, shape (H, W, depth), a view of the memory map."""
        if place.shard not in self._shards:
            self._shards[place.shard] = Pictures(blob_path(self._store, place.shard))
        return self._shards[place.shard][place.row]


@dataclass(frozen=True, kw_only=True)
class DatasetSummary:
    """One line of `list_datasets`.

    Args:
        name: The dataset's name.
        version: Its newest version, in full.
        pictures: How many it holds.
        splits: How many are in each split.
        lr_scale: HR pixels per LR pixel of its pairs; None without pairs.
        licence: Its licences.
        problem: Why it cannot be opened; empty for a sound one.
        classes: Classes of its segmentation maps; None without maps.
    """

    name: str
    version: str
    pictures: int
    splits: dict[str, int]
    lr_scale: int | None
    licence: str
    problem: str = ""
    classes: int | None = None


def open_dataset(store: BlobStore, name: str) -> ImageDataset:
    """Return a dataset.

    Args:
        store: Where it lies.
        name: ``NAME`` for its newest version, or ``NAME@VERSION``; of the version, the first
            twelve or more digits suffice.

    Raises:
        DatasetError: If there is no such dataset or version.
        BlobCorrupt: If its index is damaged.
    """
    return ImageDataset(store=store, index=read_index(store, name))


def read_index(store: BlobStore, name: str) -> Index:
    """Return the index of ``NAME`` or ``NAME@VERSION``; raises as `open_dataset` does."""
    bare, at, version = name.partition("@")
    check_name(bare)
    if not at:
        newest = get_ref(store, "datasets", bare)
        if newest is None:
            raise DatasetError(f"no dataset {bare!r} in {store.address}; {_known(store)}")
        version = str(newest["version"])
    return load_index(get_blob(store, str(_version(store, bare, version)["index"])))


def list_datasets(store: BlobStore) -> list[DatasetSummary]:
    """Return every dataset with its newest version, by name; a damaged one says so."""
    return [_summary(store, name) for name in dataset_names(store)]


def dataset_names(store: BlobStore) -> list[str]:
    """Return the names of all datasets, sorted."""
    return [name for name in list_refs(store, "datasets") if "@" not in name]


def pixel_hash(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256, in hex, of a picture's shape and pixels.

    Args:
        pixels: Shape (H, W, depth), uint8.
    """
    height, width, depth = pixels.shape
    digest = hashlib.sha256(f"{height}x{width}x{depth} uint8\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def check_name(name: str) -> str:
    """Return `name` if a dataset can have it.

    Raises:
        DatasetError: If it cannot.
    """
    if _NAME.fullmatch(name):
        return name
    raise DatasetError(
        f"{name!r} cannot name a dataset: up to 100 letters, digits, _ - and . are allowed, a "
        "letter or digit first"
    )


def _version(store: BlobStore, name: str, version: str) -> dict[str, Any]:
    """Return the ref of a version, given at least its first digits."""
    full = get_ref(store, "datasets", f"{name}@{version}") if len(version) == 64 else None
    if full is not None:
        return full
    known = [ref.partition("@")[2] for ref in list_refs(store, "datasets", f"{name}@")]
    fitting = [v for v in known if len(version) >= SHORT and v.startswith(version)]
    found = get_ref(store, "datasets", f"{name}@{fitting[0]}") if len(fitting) == 1 else None
    if found is not None:
        return found
    shorts = ", ".join(v[:SHORT] for v in known) or "none"
    raise DatasetError(
        f"no version {version!r} of dataset {name!r} in {store.address}: at least the first "
        f"{SHORT} digits are needed; known: {shorts}"
    )


def _known(store: BlobStore) -> str:
    names = ", ".join(dataset_names(store))
    return f"known: {names}" if names else "there is none yet: acutance data add NAME FOLDER"


def _summary(store: BlobStore, name: str) -> DatasetSummary:
    try:
        dataset = open_dataset(store, name)
    except StorageError as error:
        return DatasetSummary(
            name=name, version="", pictures=0, splits={}, lr_scale=None, licence="",
            problem=str(error),
        )  # fmt: skip
    counts = Counter(picture.split for picture in dataset.pictures)
    return DatasetSummary(
        name=name,
        version=dataset.version,
        pictures=len(dataset),
        splits={split: counts[split] for split in SPLITS},
        lr_scale=dataset.lr_scale,
        licence=dataset.licence,
        classes=dataset.classes,
    )
