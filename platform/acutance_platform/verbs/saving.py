"""Enlarged pictures as files: written band by band, whole or not there."""

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acutance_models import bicubic_upscale
from acutance_platform.recipe import refuse
from acutance_storage import PngWriter
from acutance_storage.decode import FORMATS, Decoded

_REACH = 4  # LR rows around a band that its bicubic enlargement depends on, and one to spare
_ORIENTATION, _EXIF, _PIXEL_SIDES = 0x0112, 0x8769, {0xA002: 0, 0xA003: 1}
_KEPT = frozenset(
    {0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x8298}
    | {_EXIF, 0x8825}
    | set(range(0x9C9B, 0x9CA0))
)
"""Tags that tell of the photograph: what, who, when, where. Others are of the file it was in."""


@dataclass(frozen=True)
class Beside:
    """What a picture file holds beside its pixels."""

    icc: bytes | None
    """Colour profile of the pixels."""
    exif: bytes | None
    """EXIF data from the TIFF header on, upright, of the enlarged size."""


def save_bands(
    bands: Iterable[NDArray[np.uint8]], target: Path, source: Path, decoded: Decoded, scale: int
) -> None:
    """Write an enlarged picture with what the network does not know of.

    PNG is written as it comes. Other formats are Pillow's, which holds a picture whole: a byte per
    pixel of grey, four of colour.

    Args:
        bands: RGB from top to bottom, each (rows, width, 3).
        target: The file.
        source: The picture it was made from: profile and EXIF data are taken from there.
        decoded: Its content: grey stays grey, transparency is enlarged bicubically.
        scale: SR pixels per LR pixel.

    Raises:
        RecipeErrors: If the file cannot be written.
    """
    height, width = (side * scale for side in decoded.pixels.shape[:2])
    with_alpha = decoded.alpha is not None and target.suffix.lower() not in (".jpg", ".jpeg")
    finished = _finished(bands, decoded, scale, with_alpha=with_alpha)
    channels = (1 if decoded.grey else 3) + with_alpha
    with _fresh(target) as fresh:
        beside = _beside(source, "GRAY" if decoded.grey else "RGB ", (width, height))
        if target.suffix.lower() == ".png":
            _save_png(finished, fresh, (height, width, channels), beside)
        else:
            mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
            _save_whole(finished, fresh, Image.new(mode, (width, height)), beside)


def _save_png(
    bands: Iterable[NDArray[np.uint8]], fresh: Path, shape: tuple[int, int, int], beside: Beside
) -> None:
    height, width, channels = shape
    with fresh.open("wb") as file:
        writer = PngWriter(
            file, height=height, width=width, channels=channels, icc=beside.icc, exif=beside.exif
        )
        for band in bands:
            writer.write(band)
        writer.finish()


def _save_whole(
    bands: Iterable[NDArray[np.uint8]], fresh: Path, canvas: Image.Image, beside: Beside
) -> None:
    top = 0
    for band in bands:
        flat = band[:, :, 0] if band.shape[2] == 1 else band
        canvas.paste(Image.fromarray(np.ascontiguousarray(flat)), (0, top))
        top += band.shape[0]
    options: dict[str, Any] = {"icc_profile": beside.icc, "quality": 95, "subsampling": 0}
    if beside.exif is not None:
        options["exif"] = b"Exif\0\0" + beside.exif
    canvas.save(fresh, **options)  # formats pass over options that are not theirs


def _finished(
    bands: Iterable[NDArray[np.uint8]], decoded: Decoded, scale: int, *, with_alpha: bool
) -> Iterator[NDArray[np.uint8]]:
    """Give bands of one channel where the picture was grey, with transparency where it had any."""
    top = 0
    for band in bands:
        rows = band.shape[0] // scale
        planes = band
        if decoded.grey:
            planes = np.asarray(Image.fromarray(band).convert("L"))[:, :, None]
        if with_alpha and decoded.alpha is not None:
            above = max(top - _REACH, 0)
            around = bicubic_upscale(decoded.alpha[above : top + rows + _REACH], scale)
            alpha = around[(top - above) * scale :][: band.shape[0], :, None]
            planes = np.concatenate([planes, alpha], axis=2)
        top += rows
        yield planes


@contextmanager
def _fresh(target: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes the target when all went well."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        rule = f"this folder cannot be made: {error.strerror}"
        raise refuse(str(target.parent), None, rule, "Choose another -o.") from None
    fresh = target.with_name(f".{target.name}.new{target.suffix}")
    try:
        yield fresh
        os.replace(fresh, target)
    except (OSError, ValueError) as error:  # no space; a side that the format has no number for
        if not isinstance(error, OSError) and type(error) is not ValueError:
            raise  # ours, with a message of its own
        reason = getattr(error, "strerror", None) or str(error)
        rule = f"this file cannot be written: {reason}"
        raise refuse(str(target), None, rule, "Choose another -o, or the format PNG.") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _beside(source: Path, colours: str, size: tuple[int, int]) -> Beside:
    """Return the profile, where it is of these colours, and the EXIF data of a picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its size and its metadata; decoding has judged it
        opened = Image.open(source, formats=FORMATS)
    with opened:
        profile = opened.info.get("icc_profile")
        fits = isinstance(profile, bytes) and profile[16:20] == colours.encode()
        exif = None
        with suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = _exif(opened.getexif(), size)  # damaged, it is no reason to lose a picture
        return Beside(profile if fits else None, exif)


def _exif(found: Image.Exif, size: tuple[int, int]) -> bytes | None:
    """Return EXIF data without what held for the old file alone; None where nothing is left."""
    kept = Image.Exif()
    for tag in _KEPT & set(found):
        kept[tag] = found.get_ifd(tag) if tag in (_EXIF, 0x8825) else found[tag]
    if _EXIF in kept:
        inner = dict(kept[_EXIF])
        inner |= {tag: size[side] for tag, side in _PIXEL_SIDES.items() if tag in inner}
        kept[_EXIF] = inner
    return kept.tobytes().removeprefix(b"Exif\0\0") if len(kept) else None
