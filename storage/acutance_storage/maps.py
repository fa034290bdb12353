"""Segmentation maps: which class each HR pixel of a picture belongs to.

The map of the picture ``b.png`` is one of two files below the folder of maps, of the picture's own
size, in the same sub-folder or alone with that name:

    b.png    a label picture: 8 bits, grey or palette; the value (or palette index) is the class
    b.npz    probabilities: array ``prob_u8`` (classes, H, W) in uint8, or ``prob`` in floats

Class 0 is background, and a picture without a map is background everywhere. Probabilities are kept
in 8 bits and mean shares of their sum over the classes, which need not be 255.

A picture that its EXIF orientation turns can have no map here: nothing says whether the map was
made of the picture as stored or as shown.
"""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acutance_storage.decode import MAX_PIXELS, Decoded
from acutance_storage.errors import PictureUnreadable
from acutance_storage.pairs import NamesBeside

MAX_CLASSES = 256
DEFAULT_CLASSES = 8
"""SFTGAN's: background, sky, water, grass, mountain, building, plant, animal."""

_SUFFIXES = (".png", ".npz")

Planes = NDArray[np.uint8]


@final
class MapFolder:
    """The maps of a folder, asked for picture by picture; remarks on all that is wrong.

    Args:
        files: Name and path of every file of the folder.
        classes: Classes of every map, if that is known; otherwise known after `finish`.
    """

    def __init__(self, files: Sequence[tuple[str, Path]], classes: int | None) -> None:
        self.classes = classes
        self._maps = NamesBeside([file for file in files if _is_map(file[0])])
        self._depths: list[tuple[str, int]] = []
        self._highest: list[tuple[str, int]] = []
        self.noted: tuple[str, int, int] | None = None
        """What `note` was given for the last map that was read."""
        self.problems: list[str] = []
        self.skipped = [
            (f"map {name}", "neither .png nor .npz") for name, _ in files if not _is_map(name)
        ]

    def find(self, name: str) -> Path | None:
        """Return the map of the picture `name`, or None if there is none, or several."""
        found = self._maps.find(name, [PurePosixPath(name.lower()).stem])
        if len(found) > 1:
            self.problems.append(f"{name}: several maps fit: {', '.join(sorted(found))}")
        return self._maps.paths[found[0]] if len(found) == 1 else None

    def read(self, name: str, path: Path, picture: Decoded) -> Planes | None:
        """Return the map of a picture, see `read_map`, or None after a remark."""
        where = f"{name}, map {path.name}"
        try:
            planes = read_map(path)
        except PictureUnreadable as error:
            self.problems.append(f"{where}: {error.reason}")
            return None
        size, wanted = planes.shape[:2], picture.pixels.shape[:2]
        if "EXIF orientation" in picture.treatment:
            self.problems.append(
                f"{where}: the picture is turned by its EXIF orientation, and nothing says whether "
                "the map is; save the picture upright"
            )
        elif size != wanted:
            self.problems.append(
                f"{where}: the map is {size[0]}x{size[1]}, the picture {wanted[0]}x{wanted[1]}"
            )
        self.noted = (where, planes.shape[2], int(planes.max()))
        self.note(*self.noted)
        return planes if size == wanted else None

    def note(self, where: str, depth: int, highest: int) -> None:
        """Take account of a map of so many numbers per pixel and this highest one."""
        if depth == 1:
            self._highest.append((where, highest))
        else:
            self._depths.append((where, depth))

    def finish(self) -> None:
        """Settle the number of classes; remark on maps that do not fit it or have no picture."""
        self.problems += [f"map {name}: no picture of that name" for name, _ in self._maps.left()]
        classes = self.classes or next((depth for _, depth in self._depths), DEFAULT_CLASSES)
        self.classes = classes
        self.problems += [
            f"{where}: {depth} classes, where {classes} are wanted"
            for where, depth in self._depths
            if depth != classes
        ]
        self.problems += [
            f"{where}: class {highest}, where 0 to {classes - 1} are known"
            for where, highest in self._highest
            if highest >= classes
        ]


def read_map(path: Path) -> Planes:
    """Return the map in a file.

    Returns:
        Classes, shape (H, W, 1), or probabilities, shape (H, W, classes), both uint8.

    Raises:
        PictureUnreadable: If the file is no map; the reason says why.
    """
    try:
        return _probabilities(path) if path.suffix.lower() == ".npz" else _labels(path)
    except PictureUnreadable:
        raise
    except PermissionError:
        raise PictureUnreadable("may not be read (permission denied)") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PictureUnreadable(f"damaged: {error or type(error).__name__}") from None
    except (zipfile.BadZipFile, zlib.error, Image.DecompressionBombError) as error:
        raise PictureUnreadable(f"damaged: {error}") from None


def shares(planes: Planes, classes: int) -> Planes:
    """Return a map (or a part of one) as probabilities of every class.

    Args:
        planes: As `read_map` gives them.
        classes: Above every class in `planes`.

    Returns:
        Shape (H, W, classes), uint8; to be divided by their sum over the classes, above 0.
    """
    if planes.shape[2] > 1:
        return planes
    return np.where(planes == np.arange(classes, dtype=np.uint8), np.uint8(255), np.uint8(0))


def _is_map(name: str) -> bool:
    return PurePosixPath(name.lower()).suffix in _SUFFIXES


def _labels(path: Path) -> Planes:
    with Image.open(path, formats=("PNG",)) as image:
        if image.width * image.height > MAX_PIXELS:
            raise PictureUnreadable(f"more than {MAX_PIXELS:,} pixels: cut it into pieces")
        if image.mode not in ("1", "L", "P"):
            raise PictureUnreadable(
                f"a label picture has 8 bits, grey or palette, not mode {image.mode}: the value "
                "is the class"
            )
        return np.asarray(image).astype(np.uint8)[:, :, None]


def _probabilities(path: Path) -> Planes:
    # Not by its path: a file that is no archive would be left open.
    with path.open("rb") as file:
        arrays = np.load(file, allow_pickle=False)
        if isinstance(arrays, np.ndarray):
            raise PictureUnreadable("damaged: one array, and no archive of arrays")
        key = next((each for each in ("prob_u8", "prob") if each in arrays), None)
        if key is None:
            known = ", ".join(arrays) or "nothing"
            raise PictureUnreadable(f"neither prob_u8 nor prob is in it, but {known}")
        array = np.asarray(arrays[key])
    kind = np.uint8 if key == "prob_u8" else np.floating
    if array.ndim != 3 or not np.issubdtype(array.dtype, kind) or not array.size:
        raise PictureUnreadable(
            f"{key} has the shape {array.shape} in {array.dtype}; (classes, H, W) in "
            f"{'uint8' if key == 'prob_u8' else 'floats'} is needed"
        )
    if not 2 <= len(array) <= MAX_CLASSES:
        raise PictureUnreadable(f"{key} has {len(array)} classes; 2 to {MAX_CLASSES} are possible")
    if key == "prob":
        array = _in_eight_bits(array.astype(np.float64))
    empty = int((array.max(axis=0) == 0).sum())
    if empty:
        raise PictureUnreadable(f"{empty} pixels have no class: all their probabilities are 0")
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def _in_eight_bits(array: NDArray[np.float64]) -> Planes:
    if not np.isfinite(array).all() or float(array.min()) < 0:
        raise PictureUnreadable("prob holds negative or non-finite numbers")
    total = array.sum(axis=0, keepdims=True)
    return np.rint(255 * array / np.where(total > 0, total, 1)).astype(np.uint8)
