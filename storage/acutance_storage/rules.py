"""Rules that turn each picture of a source into those that a dataset keeps.

They are applied in this order, each to what the one before left:

    min_side       a picture whose shorter side is below this many pixels is left out
    centre_square  the middle square of its shorter side is cut out
    resize         its shorter side becomes this many pixels; never enlarged: smaller ones stay out
    sub_pictures   squares of `size` pixels every `step` pixels, the last ones flush with the bottom
                   and right edges; pictures that hold none stay out

A dataset keeps the rules of each addition, so that a training set of a paper is one line that can
be read again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from acutance_storage.errors import DatasetError, PictureUnreadable

Pixels = NDArray[np.uint8]


class Resize(Protocol):
    """Shrinks a picture; its name is kept with the rules."""

    __name__: str

    def __call__(self, picture: NDArray[Any], *, size: tuple[int, int]) -> NDArray[Any]:
        """Return `picture`, (H, W, 3) in uint8, with `size` = height and width in pixels."""


@final
@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is cut from each picture, see above; without arguments each is kept as it is.

    Args:
        min_side: Pixels.
        centre_square: Whether only the middle square stays.
        resize: Pixels of the shorter side.
        sub_pictures: Size and step in pixels.
        resize_with: How `resize` is done; needed with it.

    Raises:
        DatasetError: If a number makes no sense.
    """

    min_side: int | None = None
    centre_square: bool = False
    resize: int | None = None
    sub_pictures: tuple[int, int] | None = None
    resize_with: Resize | None = None

    def __post_init__(self) -> None:
        numbers = [self.min_side, self.resize, *(self.sub_pictures or ())]
        if any(number is not None and number < 1 for number in numbers):
            raise DatasetError(f"{self.described()}: sides and steps are 1 pixel or more")
        if self.resize is not None and self.resize_with is None:
            raise DatasetError(f"resize={self.resize}: say with what (resize_with)")
        size, step = self.sub_pictures or (1, 1)
        if step > size:
            raise DatasetError(
                f"sub_pictures={self.sub_pictures}: a step above the size leaves pixels out"
            )
        if self.sub_pictures and self.resize is not None and self.resize < size:
            raise DatasetError(
                f"resize={self.resize} leaves no sub-picture of {size} pixels; mend one of them"
            )

    def __bool__(self) -> bool:
        return self != Rules()

    def described(self) -> dict[str, Any]:
        """Return the rules that say something, in their order, as plain data."""
        said: dict[str, Any] = {}
        if self.min_side is not None:
            said["min_side"] = self.min_side
        if self.centre_square:
            said["centre_square"] = True
        if self.resize is not None:
            said["resize"] = self.resize
            said["resize_with"] = self.resize_with.__name__ if self.resize_with else None
        if self.sub_pictures is not None:
            said["sub_pictures"] = list(self.sub_pictures)
        return said


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """What the rules made of a picture, or one of several."""

    pixels: Pixels
    """Shape (H, W, 3), uint8."""
    suffix: str
    """To be added to the picture's name; empty for a picture's only part."""
    note: str
    """What was done; empty for nothing."""


def parts(pixels: Pixels, rules: Rules) -> Iterator[Part]:
    """Yield what a dataset keeps of a picture.

    Args:
        pixels: Shape (H, W, 3), uint8.
        rules: What is kept.

    Raises:
        PictureUnreadable: If nothing is; the reason says why.
    """
    short, notes = min(pixels.shape[:2]), list[str]()
    if rules.min_side is not None and short < rules.min_side:
        raise PictureUnreadable(f"{_size(pixels)} is below the rule's min_side {rules.min_side}")
    if rules.centre_square and pixels.shape[0] != pixels.shape[1]:
        notes.append(f"middle square of {_size(pixels)}")
        top, left = ((side - short) // 2 for side in pixels.shape[:2])
        pixels = pixels[top : top + short, left : left + short]
    if rules.resize is not None and rules.resize_with is not None:
        pixels = _resized(pixels, rules.resize, rules.resize_with, notes)
    if rules.sub_pictures is None:
        yield Part(pixels=np.ascontiguousarray(pixels), suffix="", note="; ".join(notes))
        return
    size, step = rules.sub_pictures
    if min(pixels.shape[:2]) < size:
        raise PictureUnreadable(f"{_size(pixels)} holds no sub-picture of {size} pixels")
    notes.append(f"part of {_size(pixels)}")
    for top in _starts(pixels.shape[0], size, step):
        for left in _starts(pixels.shape[1], size, step):
            cut = np.ascontiguousarray(pixels[top : top + size, left : left + size])
            yield Part(pixels=cut, suffix=f"_y{top:04d}x{left:04d}", note="; ".join(notes))


def _resized(pixels: Pixels, side: int, resize: Resize, notes: list[str]) -> Pixels:
    height, width = pixels.shape[:2]
    short = min(height, width)
    if short < side:
        raise PictureUnreadable(f"{_size(pixels)} would have to be enlarged to {side} pixels")
    if short == side:
        return pixels
    size = (round(height * side / short), round(width * side / short))
    notes.append(f"resized from {_size(pixels)}")
    return resize(pixels, size=size)


def _starts(length: int, size: int, step: int) -> list[int]:
    """Return where sub-pictures begin on one axis; the last one ends at the edge."""
    found = list(range(0, length - size + 1, step))
    return found if found[-1] == length - size else [*found, length - size]


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[0]}x{pixels.shape[1]}"
