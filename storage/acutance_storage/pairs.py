"""Real pairs: which LR picture belongs to which HR picture, and whether they really fit.

**Names.** Extensions and upper or lower case do not matter. ``_HR`` or ``-HR`` at the end of an HR
name is left out of the comparison. For an HR picture ``b`` at scale 2 the LR picture is called

    b    bx2    b_x2    b-x2    b_LR    b_LR2    b_LRx2    x2_b    x2b

It is looked for in the same sub-folder first, then in all of the LR folder.

**Sizes.** The LR picture is floor(H / scale) x floor(W / scale). The HR picture is cropped at the
bottom and right to exactly scale times that.

**Alignment.** The HR picture, reduced by averaging scale x scale areas, is compared with the LR
picture moved by -1, 0 and 1 LR pixels each way. The unmoved one must correlate best.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import final

import numpy as np
from numpy.typing import NDArray

_ALIKE = 0.5
"""Correlation below which an LR picture shows something else than its HR picture."""

_BETTER = 1e-3
"""By how much a moved picture must correlate better to count as misaligned: less is rounding."""

_SMALLEST = 8  # LR pixels: below this a shift by one says nothing
_FLAT = 2.0  # grey levels of standard deviation: below this there is nothing to align


@final
class NamesBeside:
    """Finds files of given stems beside a picture, and remembers which were never asked for.

    Args:
        files: Name and path of every file of the other folder.
    """

    def __init__(self, files: Sequence[tuple[str, Path]]) -> None:
        self.paths = dict(files)
        self._by_place: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in self.paths:
            folder, stem = _place(name)
            self._by_place[folder, stem].append(name)
            self._by_stem[stem].append(name)
        self._left = set(self.paths)

    def find(self, name: str, stems: Sequence[str]) -> list[str]:
        """Return the files of these stems: those in the sub-folder of `name`, or else all."""
        folder, _ = _place(name)
        here = [file for stem in stems for file in self._by_place[folder, stem]]
        found = here or [file for stem in stems for file in self._by_stem[stem]]
        self._left -= set(found)
        return found

    def left(self) -> list[tuple[str, Path]]:
        """Return the files that were never found, by name."""
        return [(name, self.paths[name]) for name in sorted(self._left)]


@final
class LrNames:
    """Finds the LR file of an HR name, and remembers which were never asked for.

    Args:
        files: Name and path of every file of the LR folder.
        scale: HR pixels per LR pixel.
    """

    def __init__(self, files: Sequence[tuple[str, Path]], scale: int) -> None:
        self.scale = scale
        self._beside = NamesBeside(files)

    def find(self, name: str) -> tuple[Path | None, str]:
        """Return the LR file of the HR picture `name`, or None and what is wrong."""
        stems = _lr_stems(_place(name)[1], self.scale)
        found = self._beside.find(name, stems)
        if not found:
            return None, f"{name}: no LR picture; looked for {', '.join(stems)}"
        if len(found) > 1:
            return None, f"{name}: several LR pictures fit: {', '.join(sorted(found))}"
        return self._beside.paths[found[0]], ""

    def left(self) -> list[tuple[str, Path]]:
        """Return the files that no HR name asked for, by name."""
        return self._beside.left()


def _place(name: str) -> tuple[str, str]:
    path = PurePosixPath(name.lower())
    return str(path.parent), path.stem


def _lr_stems(stem: str, scale: int) -> list[str]:
    base = stem.removesuffix("_hr").removesuffix("-hr")
    ends = ["", f"x{scale}", f"_x{scale}", f"-x{scale}", "_lr", f"_lr{scale}", f"_lrx{scale}"]
    return [*(base + end for end in ends), f"x{scale}_{base}", f"x{scale}{base}"]


def crop_to_lr(
    hr: NDArray[np.uint8], lr: NDArray[np.uint8], scale: int
) -> tuple[NDArray[np.uint8] | None, str]:
    """Return the part of `hr` that `lr` shows, or None and what is wrong.

    Args:
        hr: Shape (H, W, 3).
        lr: Shape (h, w, 3).
        scale: HR pixels per LR pixel.

    Returns:
        Shape (scale * h, scale * w, 3), a view of `hr`.
    """
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    if lr.shape[:2] != (height, width):
        return None, (
            f"HR is {hr.shape[0]}x{hr.shape[1]}, LR is {lr.shape[0]}x{lr.shape[1]}; "
            f"at scale {scale} it must be {height}x{width}"
        )
    cropped = hr[: height * scale, : width * scale]
    problem = _misaligned(cropped, lr, scale)
    return (None, problem) if problem else (cropped, "")


def _misaligned(hr: NDArray[np.uint8], lr: NDArray[np.uint8], scale: int) -> str:
    """Return what is wrong with the alignment; nothing for pictures that cannot tell."""
    height, width = lr.shape[:2]
    if min(height, width) < _SMALLEST:
        return ""
    grey = hr.mean(axis=2, dtype=np.float32)
    small = grey.reshape(height, scale, width, scale).mean(axis=(1, 3))
    other = lr.mean(axis=2, dtype=np.float32)
    if small.std() < _FLAT and other.std() < _FLAT:
        return ""
    middle = small[1:-1, 1:-1]
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    scores = {
        (y, x): _correlation(middle, other[1 + y : height - 1 + y, 1 + x : width - 1 + x])
        for y, x in shifts
    }
    if scores[0, 0] < _ALIKE and max(scores.values()) < _ALIKE:
        return f"HR and LR show different pictures (correlation {scores[0, 0]:.2f})"
    best = max(shifts, key=lambda shift: scores[shift])
    if scores[best] <= scores[0, 0] + _BETTER:
        return ""
    return (
        f"LR is moved by about {best[0]} pixels down and {best[1]} right (correlation "
        f"{scores[best]:.4f} there, {scores[0, 0]:.4f} in place)"
    )


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0
