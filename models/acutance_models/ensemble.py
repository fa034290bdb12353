"""Geometric self-ensemble: one network, eight orientations of its picture, one result.

Timofte et al., "Seven ways to improve example-based single image super resolution", CVPR 2016;
EDSR's "+" (Lim et al., CVPRW 2017) takes the mean, ZSSR (Shocher et al., CVPR 2018) the median.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch

from acutance_models.errors import PictureError

ORIENTATIONS = tuple(range(8))
"""The symmetries of a square: k % 4 quarter turns counter-clockwise, from 4 on mirrored left to
right afterwards."""


def turn(picture: torch.Tensor, orientation: int) -> torch.Tensor:
    """Return pictures in one of the eight orientations.

    Args:
        picture: Shape (..., H, W).
        orientation: 0 to 7, see `ORIENTATIONS`.

    Returns:
        Shape (..., H, W), or (..., W, H) where the orientation is odd.
    """
    turned = torch.rot90(picture, orientation % 4, (-2, -1))
    return turned.flip(-1) if orientation >= 4 else turned


def turn_back(picture: torch.Tensor, orientation: int) -> torch.Tensor:
    """Return pictures from one of the eight orientations in their own: the inverse of `turn`."""
    mirrored = picture.flip(-1) if orientation >= 4 else picture
    return torch.rot90(mirrored, -(orientation % 4), (-2, -1))


def self_ensemble(
    function: Callable[..., torch.Tensor],
    lr: torch.Tensor,
    how: Literal["mean", "median"] = "mean",
    orientations: Sequence[int] = ORIENTATIONS,
    then: Callable[[torch.Tensor], torch.Tensor] | None = None,
    beside: Sequence[torch.Tensor] = (),
) -> torch.Tensor:
    """Return what a function makes of its input, averaged over orientations.

    Args:
        function: Takes shape (..., h, w) and (..., w, h), and gives any size that turns with it,
            e.g. a generator, tiled or not.
        lr: Shape (..., h, w).
        how: `mean`, or `median`: of an even number the mean of the two in the middle.
        orientations: Which of the eight; those of even number leave height and width in place.
        then: Applied to each result after it was turned back, before the average.
        beside: Further arguments of `function` that turn with `lr`, e.g. a segmentation map.

    Returns:
        The same shape as `function(lr)`.

    Raises:
        PictureError: If there is no orientation, or one is unknown.
    """
    if not orientations or not set(orientations) <= set(ORIENTATIONS):
        raise PictureError(f"Orientations are numbers from 0 to 7, got {list(orientations)}.")
    finish = then or (lambda output: output)
    outputs = (
        finish(turn_back(function(*(turn(seen, each) for seen in (lr, *beside))), each))
        for each in orientations
    )
    if how == "mean":
        total = next(outputs)
        for output in outputs:
            total = total + output
        return total / len(orientations)
    ordered = torch.stack(list(outputs)).sort(dim=0).values
    count = len(orientations)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
