"""Back-projection: what an SR picture lacks of its LR picture is added to it, again and again.

Irani and Peleg, "Improving resolution by image registration", CVGIP 1991. ZSSR does it to every
result, ESRGAN's authors to their entry for PIRM 2018 (20 times, MATLAB's bicubic both ways).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from acutance_models.errors import PictureError

Picture = NDArray[np.floating]


def back_project(
    sr: Picture,
    lr: Picture,
    *,
    down: Callable[[Picture], Picture],
    up: Callable[[Picture], Picture],
    iterations: int,
    clip: bool = True,
) -> Picture:
    """Return the SR picture after `sr += up(lr - down(sr))`, repeated.

    Args:
        sr: Shape (H, W) or (H, W, C), floating point.
        lr: Shape (h, w) or (h, w, C), floating point of the same range.
        down: HR size -> LR size, as the LR picture is taken to have been made.
        up: LR size -> HR size.
        iterations: How often; 0 gives the picture back.
        clip: Whether each result is clipped to [0, 1].

    Returns:
        The same shape as `sr`. A picture with `down(sr) == lr` stays as it is.

    Raises:
        PictureError: If `down` and `up` do not lead from one size to the other.
    """
    for _ in range(iterations):
        small = down(sr)
        if small.shape != lr.shape:
            raise PictureError(
                f"`down` makes {small.shape} of {sr.shape}; the LR picture is {lr.shape}."
            )
        missing = up(lr - small)
        if missing.shape != sr.shape:
            raise PictureError(f"`up` makes {missing.shape} of {lr.shape}; SR is {sr.shape}.")
        sr = sr + missing
        if clip:
            sr = np.clip(sr, 0.0, 1.0)
    return sr
