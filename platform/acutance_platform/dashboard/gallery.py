"""Pictures kept below ACUTANCE_LOCAL for as long as there is room, to be read in tiles.

    dashboard/pictures/KEY/0.raw     rows of RGB, 8 bits each
    dashboard/pictures/KEY/1.raw     the same at half its size, and so on until it fits into a tile
    dashboard/pictures/KEY/size      height and width; its time says when it was last looked at

KEY names the content, so a picture that is there never changes. One that is being made lies in
`making/SERVER/KEY` and is moved when it is whole.
"""

import io
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

TILE: Final = 256
"""Side of a tile in pixels of its level."""
MOST_BYTES: Final = 4 * 2**30
"""That all pictures together may take before those that nobody looked at for longest go."""
_LOOKED_AT = 60.0  # seconds within which a picture is not thrown away, nor its time set anew
_LEFT = 86400.0  # seconds after which what a server was making counts as left behind
_KEY = re.compile(r"[0-9a-f]{64}")


def gallery_of(local: Path) -> Path:
    """Return where the pictures of a dashboard lie."""
    return local / "dashboard" / "pictures"


def is_key(text: str) -> bool:
    """Say whether a text can be the key of a picture."""
    return _KEY.fullmatch(text) is not None


@final
class Pyramid:
    """One picture in files: as it is, and halved until it fits into a tile.

    Args:
        folder: Where the files lie, or will.
        size: Height and width in pixels.
        writable: Whether the files are made anew.
    """

    def __init__(self, folder: Path, size: tuple[int, int], *, writable: bool = False) -> None:
        self.folder, self.size = folder, size
        mode: Literal["w+", "r"] = "w+" if writable else "r"
        self.levels: list[Pixels] = [
            np.memmap(folder / f"{level}.raw", np.uint8, mode, shape=(*shape, 3))
            for level, shape in enumerate(_shapes(size))
        ]

    def put(self, top: int, left: int, pixels: Pixels) -> None:
        """Put a part of the picture into every level."""
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        self.levels[0][top:bottom, left:right] = pixels
        for finer, coarser in zip(self.levels, self.levels[1:], strict=False):
            top, left, bottom, right = top // 2, left // 2, -(-bottom // 2), -(-right // 2)
            part = finer[2 * top : 2 * bottom, 2 * left : 2 * right]
            coarser[top:bottom, left:right] = _halved(part)

    def tile(self, level: int, row: int, column: int) -> bytes | None:
        """Return a tile as PNG, None where there is none."""
        if not 0 <= level < len(self.levels):
            return None
        top, left = row * TILE, column * TILE
        part = self.levels[level][top : top + TILE, left : left + TILE]
        if top < 0 or left < 0 or not part.size:
            return None
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(part)).save(file, "PNG", compress_level=1)
        return file.getvalue()


@final
class Gallery:
    """The pictures of one dashboard.

    Args:
        folder: Where they lie.
        server: Which of several dashboards with one local folder this is.
        most_bytes: See `MOST_BYTES`.
    """

    def __init__(self, folder: Path, server: str, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._making = folder, folder / "making" / server
        self._most_bytes = most_bytes

    def has(self, key: str) -> bool:
        """Say whether a picture is there, whole."""
        return (self._folder / key / "size").exists()

    def open(self, key: str) -> Pyramid | None:
        """Return a whole picture, None where it is not there (any more)."""
        place = self._folder / key
        try:
            found = _opened(place)
            if time.time() - (place / "size").stat().st_mtime > _LOOKED_AT:
                os.utime(place / "size")
        except (OSError, ValueError):
            return None
        return found

    def unfinished(self, key: str) -> Pyramid | None:
        """Return a picture that is being made: what is not done yet is black."""
        with suppress(OSError, ValueError):
            return _opened(self._making / key)
        return None

    def begin(self, key: str, size: tuple[int, int]) -> Pyramid:
        """Return an empty picture to be filled."""
        place = self._making / key
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        made = Pyramid(place, size, writable=True)
        (place / "size").write_text(json.dumps(size))
        return made

    def publish(self, key: str) -> None:
        """Show a picture that is whole, and make room for it."""
        with suppress(OSError):  # another server's painter was first: the content is the same
            (self._making / key).rename(self._folder / key)
        self.forget(key)
        self._make_room()

    def forget(self, key: str) -> None:
        """Drop a picture that will not be finished."""
        shutil.rmtree(self._making / key, ignore_errors=True)

    def _make_room(self) -> None:
        for left in (self._folder / "making").iterdir():  # by servers that are gone
            if time.time() - left.stat().st_mtime > _LEFT:
                shutil.rmtree(left, ignore_errors=True)
        kept = sorted(self._kept())
        taken = sum(size for _, size, _ in kept)
        for looked_at, size, place in kept:
            if taken <= self._most_bytes or time.time() - looked_at < _LOOKED_AT:
                return
            (place / "size").unlink(missing_ok=True)  # from here on it is not there
            shutil.rmtree(place, ignore_errors=True)
            taken -= size

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        for place in self._folder.iterdir():
            if is_key(place.name):
                with suppress(OSError):
                    looked_at = (place / "size").stat().st_mtime
                    yield looked_at, sum(file.stat().st_size for file in place.iterdir()), place


def _opened(place: Path) -> Pyramid:
    height, width = json.loads((place / "size").read_text())
    return Pyramid(place, (height, width))


def _shapes(size: tuple[int, int]) -> list[tuple[int, int]]:
    shapes = [size]
    while max(shapes[-1]) > TILE:
        height, width = shapes[-1]
        shapes.append((-(-height // 2), -(-width // 2)))
    return shapes


def _halved(part: Pixels) -> Pixels:
    """Return means of 2x2 pixels, rounded; an odd edge counts twice."""
    down, right = part.shape[0] % 2, part.shape[1] % 2
    if down or right:
        part = np.pad(part, ((0, down), (0, right), (0, 0)), mode="edge")
    wide = part.astype(np.uint16)
    rows = wide[0::2] + wide[1::2]
    mean: Pixels = ((rows[:, 0::2] + rows[:, 1::2] + 2) // 4).astype(np.uint8)
    return mean
