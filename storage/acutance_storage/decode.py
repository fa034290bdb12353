"""Any picture file to uint8 RGB, with a word for everything that was done to it.

| what the file holds        | what becomes of it                                            |
|----------------------------|---------------------------------------------------------------|
| grey, black and white      | copied to three channels                                      |
| palette                    | expanded to its colours                                       |
| 16 bits per channel        | v * 255 / 65535, rounded; not the high byte, which darkens    |
| alpha, transparent colour  | composited on white; dropped where it is opaque everywhere    |
| CMYK and other colours     | Pillow's conversion to RGB, without colour profiles           |
| EXIF orientation           | applied                                                       |
| several frames             | the first                                                     |
| truncated, damaged, empty, not a picture, no permission | unreadable, with the reason      |
| a side below `MIN_SIDE`, more than `MAX_PIXELS`         | unreadable, with the reason      |
| 32-bit integers above 65535, floats | unreadable: nothing says which range means white     |

White, because the colours below transparent pixels are arbitrary (often black, often noise) and
would teach a network edges that nobody ever sees, while white is what most viewers show.
"""

import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from acutance_storage.deep import ROUNDED, Deep, loses_bits, rounded_to_8, sixteen_bits
from acutance_storage.errors import PictureUnreadable
from acutance_storage.records import GREY

MIN_SIDE = 8
"""HR pixels: below this a picture has no pixel of its own at scale 8."""

MAX_PIXELS = 178_956_970
"""Twice Pillow's own limit (512 MiB as RGB): more is a decompression bomb or needs cutting."""

# Raster formats that Pillow reads by itself. Not EPS, for which it would start Ghostscript.
FORMATS = (
    "PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF", "PSD", "SGI",
)  # fmt: skip

_ORIENTATION = 0x0112  # EXIF tag


@dataclass(frozen=True, eq=False, kw_only=True)
class Decoded:
    """A picture as pixels.

    Args:
        pixels: Shape (H, W, 3), uint8.
        treatment: What was done to get there, parts joined by ``"; "``; empty for plain RGB.
        alpha: Shape (H, W), uint8; None where every pixel is opaque.
        deep: Shape (H, W, 3), or (H, W, 4) where there is alpha, uint16, never composited: the same
            before it was rounded to 8 bits; None where the file has no more than these.
    """

    pixels: NDArray[np.uint8]
    treatment: str
    alpha: NDArray[np.uint8] | None
    deep: Deep | None = None

    @property
    def grey(self) -> bool:
        """Whether the file held one channel."""
        return GREY in self.treatment


def decode_picture(path: Path, *, flatten: bool = True, min_side: int = MIN_SIDE) -> Decoded:
    """Return the picture in a file.

    Args:
        path: The file.
        flatten: Composite transparent pictures on white. False keeps their colours as stored,
            for who treats `alpha` apart.
        min_side: The smallest height and width in pixels that is accepted.

    Raises:
        PictureUnreadable: If the file is no picture that can be used; the reason says why.
    """
    try:
        _check_file(path)
        with warnings.catch_warnings():
            # Odd metadata is no reason to lose a picture; the pixel limit is checked here.
            warnings.simplefilter("ignore")
            return _decode(path, flatten, min_side)
    except PictureUnreadable:
        raise
    except UnidentifiedImageError:
        raise PictureUnreadable(f"not a picture (known: {', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise PictureUnreadable(f"more than {MAX_PIXELS:,} pixels: cut it into pieces") from None
    except PermissionError:
        raise PictureUnreadable("may not be read (permission denied)") from None
    except Exception as error:
        # Decoders of damaged files raise anything from SyntaxError to IndexError.
        raise PictureUnreadable(f"damaged: {error or type(error).__name__}") from error


def thumbnail(pixels: NDArray[np.uint8], *, height: int, width: int) -> NDArray[np.uint8]:
    """Return a small grey version, each pixel the mean of the area it covers.

    Args:
        pixels: Shape (H, W, 3).
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        Shape (height, width), uint8.
    """
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((width, height), Image.Resampling.BOX))


def _check_file(path: Path) -> None:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise PictureUnreadable("not a regular file")
    if status.st_size == 0:
        raise PictureUnreadable("the file is empty")


def _decode(path: Path, flatten: bool, min_side: int) -> Decoded:
    notes: list[str] = []
    with Image.open(path, formats=FORMATS) as image:
        _check_size(image, min_side)
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            notes.append(f"first of {frames} frames")
        orientation = image.getexif().get(_ORIENTATION, 1)
        loses = loses_bits(image)
        image.load()
        colour, alpha, deep = _channels(image, path, notes)
        if loses and deep is None:
            notes.append("cut to 8 bits")
        if orientation in _TURNS:
            notes.append(f"EXIF orientation {orientation} applied")
            # Pillow turns TIFF by itself while loading, and then drops the tag.
            if image.getexif().get(_ORIENTATION, 1) == orientation:
                colour = _TURNS[orientation](colour)
                alpha = None if alpha is None else _TURNS[orientation](alpha)
                deep = None if deep is None else _TURNS[orientation](deep)
    if alpha is not None and bool((alpha == 255).all()):
        notes.append("opaque alpha dropped")
        alpha = None
    if alpha is not None and flatten:
        notes.append("alpha composited on white")
        colour = _on_white(colour, alpha)
    pixels = np.ascontiguousarray(colour)
    if deep is not None:
        deep = np.ascontiguousarray(deep[:, :, : 3 if alpha is None else 4])
    alpha = None if alpha is None else np.ascontiguousarray(alpha)
    return Decoded(pixels=pixels, treatment="; ".join(notes), alpha=alpha, deep=deep)


def _check_size(image: Image.Image, min_side: int) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureUnreadable(
            f"{height}x{width} are more than {MAX_PIXELS:,} pixels: cut it into pieces"
        )
    if min(width, height) < min_side:
        raise PictureUnreadable(f"{height}x{width} is too small: sides from {min_side} pixels on")


def _channels(
    image: ImageFile.ImageFile, path: Path, notes: list[str]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None, Deep | None]:
    """Return colour (H, W, 3), alpha (H, W) or None and 16 bits of both; note what was done."""
    deep = sixteen_bits(image, path)
    if deep is not None:
        notes.append(ROUNDED)
    flat = _eight_bits(image, notes) if deep is None else rounded_to_8(deep)
    depth = flat.shape[2]
    alpha = flat[:, :, -1] if depth in (2, 4) else None
    if depth >= 3:
        return flat[:, :, :3], alpha, deep
    notes.append(GREY)
    three = [0, 0, 0, *range(1, depth)]
    return flat[:, :, three[:3]], alpha, None if deep is None else deep[:, :, three]


def _eight_bits(image: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    """Return the channels of an 8-bit picture: shape (H, W, 1 to 4), alpha last."""
    mode = image.mode
    if mode in ("F", "I"):
        raise PictureUnreadable(
            f"pixels are {'floats' if mode == 'F' else '32-bit integers'} and nothing says which "
            "value is white: convert it to 8 or 16 bits"
        )
    grey = mode in ("1", "L", "LA", "La")
    see_through = mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in image.info
    if mode in ("P", "PA"):
        notes.append("palette expanded")
    elif not grey and mode not in ("RGB", "RGBA"):
        notes.append(f"{mode} converted without a colour profile")
    # A transparent colour (PNG's tRNS) becomes alpha in the same conversion.
    target = ("LA" if grey else "RGBA") if see_through else ("L" if grey else "RGB")
    if mode == "1" and see_through:
        image = image.convert("L")
    plain = np.asarray(image if image.mode == target else image.convert(target))
    return plain[:, :, None] if plain.ndim == 2 else plain


def _on_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return round(c * a + 255 * (1 - a)) with a = alpha / 255."""
    opacity = alpha[:, :, None].astype(np.uint32)
    return ((colour * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)


# EXIF 2.3, tag 0x0112: what has to be done to a picture stored with that orientation.
_TURNS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
