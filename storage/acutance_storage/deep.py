"""Pictures of 16 bits per channel, of which Pillow keeps all bits for grey alone.

For colour it keeps the high byte of each pair. So a file is decoded once more, with the reader of
the other byte order, which keeps the low byte. Grey with alpha has no such reader in PNG, but its
four bytes can be read as four channels.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from acutance_storage.errors import PictureUnreadable

ROUNDED = "16-bit rounded to 8"
"""The treatment of such a picture where 8 bits are taken of it."""

Deep = NDArray[np.uint16]

_WHITE = 65535
_BITS, _PLANES = 258, 284  # TIFF: bits per sample, and 2 where channels lie one after the other
_NATIVE = "L" if sys.byteorder == "little" else "B"


def sixteen_bits(image: ImageFile.ImageFile, path: Path) -> Deep | None:
    """Return all 16 bits of a deep picture, alpha last, or None for another one.

    Args:
        image: Opened from the file and loaded.
        path: The file.

    Returns:
        Shape (H, W, 1 to 4).

    Raises:
        PictureUnreadable: If Pillow would read something else than what is there.
    """
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS, (8,))
        if image.mode.startswith("I;16") and bits[0] < 16:  # 12 bits in 16
            values = np.asarray(image).astype(np.uint32)[:, :, None]
            return (values * _WHITE // np.uint32(2 ** int(bits[0]) - 1)).astype(np.uint16)
        return _with_key(_grey(image), image) if len(bits) == 1 else _coloured_tiff(image, path)
    if image.format == "PNG":
        return _with_key(_png(image, path), image)
    return _grey(image)


def loses_bits(image: ImageFile.ImageFile) -> bool:
    """Return whether a picture that is not loaded yet has bits of which Pillow keeps eight only."""
    if image.format == "PPM" and image.mode == "RGB" and image.tile:
        arguments = image.tile[0].args
        return isinstance(arguments, tuple) and int(arguments[-1]) > 255
    bits = getattr(image, "tag_v2", {}).get(_BITS, (8,)) if image.format == "TIFF" else (8,)
    return max(bits) > 8


def rounded_to_8(deep: Deep) -> NDArray[np.uint8]:
    """Return v * 255 / 65535, rounded."""
    return ((deep.astype(np.uint32) * 255 + 32767) // _WHITE).astype(np.uint8)


def _grey(image: ImageFile.ImageFile) -> Deep | None:
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[:, :, None]
    if image.mode == "I":
        wide = np.asarray(image)
        fits = bool(wide.min() >= 0) and bool(wide.max() <= _WHITE)
        return wide.astype(np.uint16)[:, :, None] if fits else None
    return None


def _png(image: ImageFile.ImageFile, path: Path) -> Deep | None:
    grey = _grey(image)
    if grey is not None:
        return grey
    with Image.open(path, formats=("PNG",)) as again:
        raw = str(again.tile[0].args)
        if raw == "LA;16B":
            parts = _read_as(again, "RGBA")
            return _joined(parts[:, :, 0::2], parts[:, :, 1::2])
        if raw not in ("RGB;16B", "RGBA;16B"):
            return None
        return _joined(np.asarray(image), _read_as(again, raw.replace("16B", "16L")))


def _with_key(deep: Deep | None, image: Image.Image) -> Deep | None:
    """Return the picture with PNG's transparent colour as alpha, where it has one."""
    key = image.info.get("transparency")
    if deep is None or key is None or deep.shape[2] not in (1, 3):
        return deep
    seen = (deep != np.array(key, np.uint16)).any(axis=2, keepdims=True)
    return np.concatenate([deep, seen.astype(np.uint16) * np.uint16(_WHITE)], axis=2)


def _coloured_tiff(image: ImageFile.ImageFile, path: Path) -> Deep | None:
    with Image.open(path, formats=("TIFF",)) as again:
        arguments = again.tile[0].args
        raw = str(arguments[0] if isinstance(arguments, tuple) else arguments)
        tags = getattr(again, "tag_v2", {})
        if tags.get(_PLANES) == 2 and max(tags.get(_BITS, (8,))) > 8:
            raise PictureUnreadable("16-bit channels one after the other: save them interleaved")
    kind, _, depth = raw.partition(";16")
    if kind not in ("RGB", "RGBX", "RGBA", "RGBa") or not depth:
        return None
    order = _NATIVE if depth == "N" else depth
    other = {"L": "B", "B": "L"}[order]
    kind = kind.replace("a", "A")  # premultiplied: divided below, in 16 bits
    high, low = (_tiff_as(path, f"{kind};16{each}") for each in (order, other))
    deep = _joined(high, low)
    return _divided(deep) if raw.startswith("RGBa") else deep


def _tiff_as(path: Path, raw: str) -> NDArray[np.uint8]:
    with Image.open(path, formats=("TIFF",)) as again:
        return _read_as(again, raw)


def _divided(deep: Deep) -> Deep:
    """Return colours that are no longer multiplied by their alpha."""
    alpha = deep[:, :, 3:].astype(np.uint32)
    colour = (deep[:, :, :3].astype(np.uint32) * _WHITE + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([colour.clip(0, _WHITE).astype(np.uint16), deep[:, :, 3:]], axis=2)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> Deep:
    return high.astype(np.uint16) << np.uint16(8) | low.astype(np.uint16)


def _read_as(image: ImageFile.ImageFile, raw_mode: str) -> NDArray[np.uint8]:
    image.tile = [
        tile._replace(args=(raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode)
        for tile in image.tile
    ]
    image.load()
    return np.asarray(image)
