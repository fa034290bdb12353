"""Luma of BT.601 in studio swing, as MATLAB's rgb2ycbcr computes it.

Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 with R, G, B in 0..255, hence 16 <= Y <= 235.
Every published super-resolution figure "on Y" means this Y.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models.errors import PictureError

_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
_BLACK = 16.0
_SWING = 219.0
_YCBCR = (
    np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]],
        dtype=np.float64,
    )
    / 255
)
_YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])


def require_picture(picture: NDArray[Any], name: str = "picture") -> None:
    """Refuse an array that is not an RGB picture (H, W, 3) with at least one pixel.

    Raises:
        PictureError: With the array's shape.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise PictureError(
            f"The {name} has shape {picture.shape}; an RGB picture has (height, width, 3). "
            "Convert grey or transparent pictures first."
        )


def rgb_to_y(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Return the luma of an RGB picture.

    Args:
        picture: Shape (H, W, 3), R, G, B in 0..255 (whole or fractional numbers).

    Returns:
        Shape (H, W), 16..235, not rounded.
    """
    require_picture(picture)
    y: NDArray[np.float64] = picture.astype(np.float64) @ _WEIGHTS + _BLACK
    return y


def rgb_to_grey(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Return an RGB picture in one channel, luma of BT.601 in full swing: grey stays what it is.

    Args:
        picture: Shape (H, W, 3), R, G, B in 0..255.

    Returns:
        Shape (H, W), 0..255, not rounded; equal to R = G = B where they are equal.
    """
    grey: NDArray[np.float64] = (rgb_to_y(picture) - _BLACK) * (255 / _SWING)
    return grey


def rgb_to_ycbcr(picture: NDArray[Any]) -> NDArray[np.float64]:
    """Return luma and the two colour differences of an RGB picture (BT.601, studio swing).

    Args:
        picture: Shape (H, W, 3), R, G, B in 0..255.

    Returns:
        Shape (H, W, 3), Y in 16..235, Cb and Cr in 16..240, not rounded.

    Source:
        ITU-R BT.601; the matrix is that of MATLAB's rgb2ycbcr.
    """
    require_picture(picture)
    planes: NDArray[np.float64] = picture.astype(np.float64) @ _YCBCR.T + _YCBCR_OFFSET
    return planes


def ycbcr_to_rgb(planes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the RGB picture of which `rgb_to_ycbcr` made the planes; (H, W, 3), 0..255."""
    picture: NDArray[np.float64] = (planes - _YCBCR_OFFSET) @ np.linalg.inv(_YCBCR).T
    return picture


def luma_planes(pictures: torch.Tensor) -> torch.Tensor:
    """Return what a network sees that knows luma alone.

    Args:
        pictures: Shape (B, 3, H, W), RGB in [0, 1].

    Returns:
        Shape (B, 1, H, W): BT.601 luma (16..235) over 255.
    """
    weights = torch.tensor(_WEIGHTS, dtype=pictures.dtype, device=pictures.device)
    return (pictures * weights.view(1, 3, 1, 1)).sum(1, keepdim=True) + _BLACK / 255


def round_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the nearest 8-bit values, halves up, clipped to 0..255, as MATLAB's uint8() does."""
    rounded: NDArray[np.uint8] = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return rounded


def truncate_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the next lower 8-bit values, clipped to 0..255."""
    cut: NDArray[np.uint8] = np.clip(np.floor(values), 0, 255).astype(np.uint8)
    return cut
