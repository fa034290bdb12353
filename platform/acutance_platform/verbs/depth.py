"""Pictures that are enlarged in as many bits as their files have."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from acutance_platform.recipe import Problem, RecipeErrors
from acutance_storage.decode import Decoded
from acutance_storage.deep import ROUNDED

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
"""Whole numbers of 8 or 16 bits, of which the largest is white."""

DEEP_FORMATS: Final = frozenset({".png", ".tif", ".tiff"})
"""Suffixes of formats that are written in 16 bits."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A picture as it is enlarged."""

    pixels: Pixels
    """(h, w, 3)."""
    alpha: Pixels | None
    """(h, w), of the same bits; None where every pixel is opaque."""
    grey: bool
    """Whether the file held one channel."""
    treatment: str
    """What was done to get there."""


def at_depth(decoded: Decoded, target: Path, bits: int | None) -> Taken:
    """Return a picture in the bits in which its enlargement is written.

    Args:
        decoded: The picture.
        target: Where the enlargement is written; a format that has no 16 bits takes 8.
        bits: 8, 16, or None for those that the file has.
    """
    notes = decoded.treatment.split("; ")
    deep = decoded.deep
    if bits == 8 or target.suffix.lower() not in DEEP_FORMATS or (deep is None and bits is None):
        pixels: Pixels = decoded.pixels
        alpha: Pixels | None = decoded.alpha
    elif deep is None:
        pixels = decoded.pixels.astype(np.uint16) * np.uint16(257)  # 255 becomes 65535
        alpha = None if decoded.alpha is None else decoded.alpha.astype(np.uint16) * np.uint16(257)
    else:
        notes = [note for note in notes if note != ROUNDED]
        pixels, alpha = deep[:, :, :3], deep[:, :, 3] if deep.shape[2] == 4 else None
    return Taken(pixels=pixels, alpha=alpha, grey=decoded.grey, treatment="; ".join(notes))


def refuse_shallow(targets: Sequence[Path], bits: int | None) -> None:
    """Refuse 16 bits of a format that has none.

    Raises:
        RecipeErrors: If 16 are asked for, and a target's format has no more than 8.
    """
    problems = [
        Problem("--depth", "16", f"{target} would have 8: its format", "Write PNG or TIFF.")
        for target in targets
        if bits == 16 and target.suffix.lower() not in DEEP_FORMATS
    ]
    if problems:
        raise RecipeErrors(problems)


def bits_of(pixels: NDArray[np.generic]) -> int:
    """Return in how many bits the enlargement of a picture is given."""
    return 16 if pixels.dtype == np.uint16 else 8


def white(pixels: NDArray[np.generic]) -> int:
    """Return the number that means white: 65535 of 16 bits, else 255."""
    return 65535 if pixels.dtype == np.uint16 else 255
