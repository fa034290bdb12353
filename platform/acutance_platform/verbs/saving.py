"""Enlarged pictures as files: written band by band, whole or not there."""

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from acutance_models import bicubic_upscale
from acutance_platform.recipe import refuse
from acutance_platform.verbs.depth import Pixels, Taken, white
from acutance_platform.verbs.joining import rounded
from acutance_storage import PngWriter, TiffWriter
from acutance_storage.decode import FORMATS

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's
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
    bands: Iterable[Pixels], target: Path, source: Path, taken: Taken, scale: int
) -> None:
    """Write an enlarged picture with what the network does not know of.

    PNG, and TIFF of 16 bits, are written as they come. Other formats are Pillow's, which holds a
    picture whole: a byte per pixel of grey, four of colour.

    Args:
        bands: RGB from top to bottom, each (rows, width, 3), of the picture's bits.
        target: The file.
        source: The picture it was made from: profile and EXIF data are taken from there.
        taken: Its content: grey stays grey, transparency is enlarged bicubically.
        scale: SR pixels per LR pixel.

    Raises:
        RecipeErrors: If the file cannot be written.
    """
    height, width = (side * scale for side in taken.pixels.shape[:2])
    suffix, deep = target.suffix.lower(), white(taken.pixels) > 255
    with_alpha = taken.alpha is not None and suffix not in (".jpg", ".jpeg")
    # Hardly a program, Pillow among them, reads a TIFF of grey with alpha in 16 bits.
    grey = taken.grey and not (deep and with_alpha and suffix != ".png")
    finished = _finished(bands, taken, scale, grey=grey, with_alpha=with_alpha)
    channels = (1 if grey else 3) + with_alpha
    with _fresh(target) as fresh:
        beside = _beside(source, "GRAY" if grey else "RGB ", (width, height))
        shape = (height, width, channels)
        if suffix == ".png":
            _save_png(finished, fresh, shape, 16 if deep else 8, beside)
        elif deep:
            _save_tiff(finished, fresh, shape, beside)
        else:
            mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
            _save_whole(finished, fresh, Image.new(mode, (width, height)), beside)


def _save_png(
    bands: Iterable[Pixels], fresh: Path, shape: tuple[int, int, int], bits: int, beside: Beside
) -> None:
    height, width, channels = shape
    with fresh.open("wb") as file:
        writer = PngWriter(
            file, height=height, width=width, channels=channels, bits=bits, icc=beside.icc,
            exif=beside.exif,
        )  # fmt: skip
        for band in bands:
            writer.write(band)
        writer.finish()


def _save_tiff(
    bands: Iterable[Pixels], fresh: Path, shape: tuple[int, int, int], beside: Beside
) -> None:
    height, width, channels = shape
    with fresh.open("wb") as file:
        writer = TiffWriter(
            file, height=height, width=width, channels=channels, icc=beside.icc, exif=beside.exif
        )
        for band in bands:
            writer.write(band.astype(np.uint16, copy=False))
        writer.finish()


def _save_whole(bands: Iterable[Pixels], fresh: Path, canvas: Image.Image, beside: Beside) -> None:
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
    bands: Iterable[Pixels], taken: Taken, scale: int, *, grey: bool, with_alpha: bool
) -> Iterator[Pixels]:
    """Give bands with transparency where it is kept; a grey picture's in one channel, or three."""
    top = 0
    for band in bands:
        rows = band.shape[0] // scale
        planes = _grey(band) if taken.grey else band
        if taken.grey and not grey:
            planes = planes.repeat(3, axis=2)
        if with_alpha and taken.alpha is not None:
            above = max(top - _REACH, 0)
            around = _enlarged(taken.alpha[above : top + rows + _REACH], scale)
            alpha = around[(top - above) * scale :][: band.shape[0], :, None]
            planes = np.concatenate([planes, alpha], axis=2)
        top += rows
        yield planes


def _grey(band: Pixels) -> Pixels:
    """Return luma (BT.601) in one channel; of equal channels their value."""
    if band.dtype == np.uint8:
        return np.asarray(Image.fromarray(band).convert("L"))[:, :, None]
    return rounded((band / 65535) @ _LUMA, 16)[:, :, None]


def _enlarged(alpha: Pixels, scale: int) -> Pixels:
    if alpha.dtype == np.uint8:
        return bicubic_upscale(alpha, scale)
    return rounded(bicubic_upscale(alpha / 65535, scale), 16)


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
