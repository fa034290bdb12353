"""Chains of degradations without rounding, where that leaves something linear."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acutance_models.degradations.step import Picture, Step
from acutance_models.resize import matlab_resize

_AS_IS = frozenset(
    {"blur_anisotropic", "blur_isotropic", "blur_kernel", "box", "matlab_bicubic_float"}
    | {"torch_bicubic"}
)
"""Steps that are linear, and take and give floating-point numbers."""
_PILLOW = {
    "pil_bicubic": Image.Resampling.BICUBIC,
    "pil_lanczos": Image.Resampling.LANCZOS,
}

Shrink = Callable[[Picture], Picture]
"""HR size -> LR size, floating point of any range; nothing is rounded or clipped."""


def linear_chain(
    chain: Sequence[Mapping[str, Any]], steps: Sequence[Step], scale: int
) -> Shrink | None:
    """Return a chain as a linear function; None where it draws numbers or is not linear.

    Args:
        chain: Specs of the steps.
        steps: The steps.
        scale: HR pixels per LR pixel.
    """
    rng = np.random.default_rng(0)  # nothing is drawn from it
    parts: list[Shrink] = []
    for spec, step in zip(chain, steps, strict=True):
        kind = str(spec["kind"])
        if kind == "matlab_bicubic":
            parts.append(partial(matlab_resize, scale=1 / scale))
        elif kind in _PILLOW:
            parts.append(partial(_pillow, scale=scale, kernel=_PILLOW[kind]))
        elif kind in _AS_IS and not step.random:
            parts.append(partial(step, rng=rng))
        else:
            return None

    def shrink(picture: Picture) -> Picture:
        for part in parts:
            picture = part(picture)
        return picture

    return shrink


def _pillow(picture: Picture, scale: int, kernel: Image.Resampling) -> NDArray[np.float32]:
    """Return what Pillow makes of each channel in f32, without its rounding between passes."""
    height, width = (side // scale for side in picture.shape[:2])
    planes = [
        Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize((width, height), kernel)
        for plane in np.moveaxis(picture, 2, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)
