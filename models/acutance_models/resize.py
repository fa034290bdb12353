"""Resizing, in the variants the field's data was made with.

`matlab_resize` reproduces the pictures that older MATLABs wrote: Keys' cubic with a = -0.5, widened
by 1/scale when shrinking (antialiasing), borders replicated, vertical pass first. On 8-bit pictures
it rounds after each pass; on floating-point pictures it never rounds. Newer MATLABs and most Python
ports mirror the border instead, which differs in the outer one or two pixels.
"""

import functools
import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from torch.nn import functional as F

from acutance_models.color import require_picture, round_to_uint8
from acutance_models.errors import PictureError

_KEYS_A = -0.5  # of MATLAB's and Pillow's bicubic
_KEYS_WIDTH = 4.0


def matlab_resize(
    picture: NDArray[Any],
    *,
    scale: float | tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Return a picture resized as MATLAB's `imresize(picture, ..., 'bicubic')` does.

    Args:
        picture: Shape (H, W) or (H, W, C); uint8, or floating point of any range.
        scale: Factor on both sides, or on height and width; the result has ceil(scale * side)
            pixels.
        size: Height and width of the result: instead of `scale`, or with it, where the way back
            from a rounded-up size must keep the factor (9 pixels shrunk by 2 are 5, and come back
            as 9 by a factor of 2).

    Returns:
        The same dtype; uint8 is rounded between the passes and at the end, floating point is
        computed in float64 and never rounded or clipped.

    Raises:
        PictureError: If neither scale nor size is given, or the picture is unusable.

    Source:
        Keys, IEEE ASSP 1981; border and rounding measured on the distributed Set5 and Set14 LR
        pictures, which come out equal in every pixel.
    """
    if picture.ndim not in (2, 3) or 0 in picture.shape:
        raise PictureError(f"The picture has shape {picture.shape}; it takes (H, W) or (H, W, C).")
    height, width = picture.shape[:2]
    if scale is None and size is None:
        raise PictureError("Give scale, size or both.")
    if scale is not None:
        factors = scale if isinstance(scale, tuple) else (scale, scale)
        size = size or resized_size((height, width), factors)
    else:
        assert size is not None
        factors = (size[0] / height, size[1] / width)
    if min(size) < 1:
        raise PictureError(f"A result of {size[0]}x{size[1]} has no pixel; {scale=}.")
    eight_bits = picture.dtype == np.uint8
    once = _vertical(picture, size[0], factors[0], eight_bits)
    # The second pass is the first one on the transposed picture.
    twice = _vertical(once.swapaxes(0, 1), size[1], factors[1], eight_bits).swapaxes(0, 1)
    return np.ascontiguousarray(twice, dtype=picture.dtype)


def bicubic_upscale(lr: NDArray[Any], scale: int) -> NDArray[Any]:
    """Return the picture enlarged by MATLAB's bicubic: the baseline called `bicubic`.

    Args:
        lr: Shape (h, w, 3) or (h, w); uint8 or floating point.
        scale: SR pixels per LR pixel.

    Returns:
        Shape (scale * h, scale * w, ...), same dtype.
    """
    return matlab_resize(lr, scale=scale)


def pil_resize(
    picture: NDArray[np.uint8], size: tuple[int, int], kernel: Literal["bicubic", "lanczos"]
) -> NDArray[np.uint8]:
    """Return an 8-bit RGB picture resized by Pillow, which antialiases too.

    Args:
        picture: Shape (H, W, 3).
        size: Height and width of the result.
        kernel: `bicubic` (a = -0.5) or `lanczos` (three lobes).

    Returns:
        Shape (*size, 3); Pillow rounds to 8 bits between its passes (horizontal first).
    """
    require_picture(picture)
    resample = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}[kernel]
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.array(image.resize((size[1], size[0]), resample))


def torch_resize(picture: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a picture resized by torch's antialiased bicubic (a = -0.5), not rounded.

    Args:
        picture: Shape (H, W, 3), any range.
        size: Height and width of the result.
    """
    require_picture(picture)
    tensor = torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1)[None]
    made = F.interpolate(tensor, size=size, mode="bicubic", antialias=True, align_corners=False)
    return np.ascontiguousarray(made[0].permute(1, 2, 0).numpy())


def bicubic_enlarge(picture: torch.Tensor, scale: int) -> torch.Tensor:
    """Return pictures enlarged as `matlab_resize` does it without rounding, inside a network.

    Keys' cubic with a = -0.5, pixel centres at half pixels, borders replicated.

    Args:
        picture: Shape (B, C, h, w), floating point of any range.
        scale: Whole enlargement.

    Returns:
        Shape (B, C, scale * h, scale * w), same dtype.
    """
    for axis in (2, 3):
        size = picture.shape[axis]
        padding = (0, 0, 2, 2) if axis == 2 else (2, 2, 0, 0)
        padded = F.pad(picture, padding, mode="replicate")
        phases = []
        for phase in range(scale):
            terms = [
                padded.narrow(axis, tap + 2, size) * weight
                for tap, weight in bicubic_taps(scale, phase).items()
            ]
            phases.append(functools.reduce(torch.add, terms))
        picture = torch.stack(phases, axis + 1).flatten(axis, axis + 1)
    return picture


@functools.cache
def bicubic_taps(scale: int, phase: int) -> dict[int, float]:
    """Return the source pixels, counted from the one underneath, of one pixel of an enlargement.

    Args:
        scale: Whole enlargement.
        phase: Place of the pixel above its source pixel, 0 to scale - 1.

    Returns:
        Place from -2 to 2 -> weight, those that are not zero; together one.
    """
    centre = (phase + 0.5) / scale - 0.5
    weights = _keys(centre - np.arange(-2, 3, dtype=np.float64))
    return {tap: float(weight) for tap, weight in zip(range(-2, 3), weights, strict=True) if weight}


def crop_to_multiple(picture: NDArray[Any], scale: int) -> NDArray[Any]:
    """Return the picture without the rows and columns at its end that no LR pixel covers.

    Raises:
        PictureError: If nothing would be left.
    """
    height, width = (side // scale * scale for side in picture.shape[:2])
    if not height or not width:
        raise PictureError(
            f"A picture of {picture.shape[0]}x{picture.shape[1]} is smaller than {scale=}. "
            "Leave it out, or use a smaller scale."
        )
    return picture[:height, :width]


def resized_size(size: tuple[int, int], factors: tuple[float, float]) -> tuple[int, int]:
    """Return the height and width of a picture of this size after a resize by these factors."""
    # 99 * (1 / 3) is a hair above 33 in floating point; MATLAB would give 33 rows.
    height, width = (
        math.ceil(side * factor - 1e-9) for side, factor in zip(size, factors, strict=True)
    )
    return height, width


def _vertical(
    picture: NDArray[Any], rows: int, scale: float, eight_bits: bool
) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Return the picture with its first axis resized, in float64 or rounded to 8 bits."""
    flat = np.ascontiguousarray(picture, dtype=np.float64).reshape(picture.shape[0], -1)
    resized: NDArray[np.float64] = _taps(picture.shape[0], rows, scale) @ flat
    resized = resized.reshape(rows, *picture.shape[1:])
    return round_to_uint8(resized) if eight_bits else resized


@functools.lru_cache(maxsize=256)
def _taps(source: int, target: int, scale: float) -> sparse.csr_array:
    """Return the (target, source) matrix of one pass; each row sums to one."""
    widened = min(scale, 1.0)  # the kernel grows only when shrinking
    width = _KEYS_WIDTH / widened
    # 1-based centres of the target's pixels in the source, as in MATLAB.
    centre = np.arange(1, target + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / 2)
    index = first[:, None] + np.arange(math.ceil(width) + 2)
    weight = _keys((centre[:, None] - index) * widened)
    weight /= weight.sum(axis=1, keepdims=True)
    column = np.clip(index - 1, 0, source - 1).astype(np.int64)
    row = np.broadcast_to(np.arange(target)[:, None], column.shape)
    used = weight != 0
    matrix = sparse.coo_array((weight[used], (row[used], column[used])), shape=(target, source))
    return matrix.tocsr()  # sums the taps that clamping put on one pixel


def _keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' cubic convolution kernel."""
    d = np.abs(distance)
    near = (_KEYS_A + 2) * d**3 - (_KEYS_A + 3) * d**2 + 1
    far = _KEYS_A * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d <= 2, far, 0.0))
