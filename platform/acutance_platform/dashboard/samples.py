"""Opened datasets and small pictures of theirs; both are kept, for a version never changes."""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, TypeVar, final

from PIL import Image

from acutance_platform.verbs.home import Home
from acutance_storage import ImageDataset, get_ref, list_refs, open_dataset
from acutance_storage.dataset import check_name, dataset_names

SIDE: Final = 256
"""Pixels of a sample's longer side."""
_OPEN, _SMALL = 16, 1000  # datasets, and samples of some 10 kB

T = TypeVar("T")


@final
class _Kept(Generic[T]):
    """The last `most` things that were made; each is made once at a time."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._things: OrderedDict[object, T] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
        made = make()
        with self._lock:
            self._things[key] = made
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return made


_small: _Kept[bytes] = _Kept(_SMALL)


@final
class Datasets:
    """The datasets of a store.

    Args:
        home: Where they lie.
    """

    def __init__(self, home: Home) -> None:
        self._store = home.store
        self._open: _Kept[ImageDataset] = _Kept(_OPEN)

    def names(self) -> list[str]:
        """Return the names of all, sorted."""
        return dataset_names(self._store)

    def versions(self, name: str) -> list[str]:
        """Return the versions of a dataset, the newest first, the others by their digits."""
        newest = self._newest(name)
        known = [ref.partition("@")[2] for ref in list_refs(self._store, "datasets", f"{name}@")]
        return sorted(known, key=lambda version: (version != newest, version))

    def open(self, name: str) -> ImageDataset:
        """Return NAME or NAME@VERSION.

        Raises:
            DatasetError: If there is none.
            StorageError: If its index is damaged.
        """
        bare, at, version = name.partition("@")
        check_name(bare)
        wanted = version if at else self._newest(bare)
        if not wanted:
            return open_dataset(self._store, name)  # it says which there are
        address = f"{bare}@{wanted}"
        return self._open.get(address, partial(open_dataset, self._store, address))

    def _newest(self, name: str) -> str:
        ref = get_ref(self._store, "datasets", name)
        return "" if ref is None else str(ref["version"])


def thumbnail(dataset: ImageDataset, place: int) -> bytes:
    """Return a picture as WebP, its longer side at most `SIDE` pixels.

    Raises:
        StorageError: If its pixels cannot be read.
    """
    key = (dataset.name, dataset.version, place)
    return _small.get(key, partial(_thumbnail, dataset, place))


def _thumbnail(dataset: ImageDataset, place: int) -> bytes:
    pixels = dataset.hr(place)
    # Of a large picture every n-th pixel is read, so that memory stays small; enough is left to
    # average over.
    every = max(1, max(pixels.shape[:2]) // (4 * SIDE))
    picture = Image.fromarray(pixels[::every, ::every].copy())
    picture.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=80)
    return file.getvalue()
