"""Enlarging pictures that are too large for one pass, tile by tile."""

import torch
from torch.nn import functional as F

from acutance_models.errors import PictureError
from acutance_models.interfaces import Generator

_OVERLAP_UNBOUNDED = 32
"""LR pixels around a tile where a network looks at the whole picture; then tiling changes the
result, and more overlap changes it less."""


@torch.no_grad()
def upscale(
    generator: Generator,
    lr: torch.Tensor,
    *,
    tile: int | None = None,
    overlap: int | None = None,
    condition: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return one enlarged picture.

    Args:
        generator: In evaluation mode or not: its mode is left alone.
        lr: Shape (3, h, w), any size from 1x1, RGB in [0, 1], on the generator's device.
        tile: Side in LR pixels of the squares that are enlarged one at a time; None = the whole
            picture at once. The network sees up to `tile + 2 * overlap`.
        overlap: LR pixels seen around each tile. The default reaches as far as the network looks
            (half its receptive field), which makes the result equal to the untiled one; for an
            unbounded network it is 32, and the result differs a little.
        condition: Segmentation map for a generator that takes one, shape (classes, scale * h,
            scale * w), see `Generator.condition_classes`; None = background everywhere.

    Returns:
        Shape (3, scale * h, scale * w), float32, not clipped.

    Raises:
        PictureError: If the shape, tile or overlap cannot be used.
    """
    if lr.ndim != 3 or lr.shape[0] != generator.channels or 0 in lr.shape:
        raise PictureError(
            f"upscale takes one picture ({generator.channels}, height, width), got "
            f"{tuple(lr.shape)}. Enlarge the pictures of a batch one by one."
        )
    if tile is not None and tile < 1:
        raise PictureError(f"A tile has at least 1 pixel, got {tile=}. Leave it out for no tiles.")
    if overlap is not None and overlap < 0:
        raise PictureError(f"An overlap is 0 or more pixels, got {overlap=}.")
    height, width = lr.shape[1:]
    _check_condition(generator, lr, condition)
    padded = _pad_to_multiple(lr, generator.size_multiple)
    if condition is not None:
        condition = _pad_to_multiple(condition, generator.size_multiple * generator.scale)
    side = max(padded.shape[1:]) if tile is None else tile
    around = _reach(generator) if overlap is None else overlap
    sr = _in_tiles(generator, padded, side, around, condition)
    return sr[:, : height * generator.scale, : width * generator.scale]


def _reach(generator: Generator) -> int:
    """Return how far, in LR pixels, an SR pixel looks to each side."""
    field = generator.receptive_field
    return _OVERLAP_UNBOUNDED if field is None else field // 2


def _check_condition(
    generator: Generator, lr: torch.Tensor, condition: torch.Tensor | None
) -> None:
    """Refuse a segmentation map that is not this picture's, or that the generator does not take."""
    if condition is None:
        return
    if generator.condition_classes is None:
        raise PictureError("This generator takes no segmentation map. Leave the condition out.")
    sides = [side * generator.scale for side in lr.shape[1:]]
    wanted = (generator.condition_classes, *sides)
    if tuple(condition.shape) != wanted:
        raise PictureError(
            f"The segmentation map of this picture has the shape {wanted} (classes, HR height, HR "
            f"width), got {tuple(condition.shape)}."
        )


def _in_tiles(
    generator: Generator,
    lr: torch.Tensor,
    tile: int,
    overlap: int,
    condition: torch.Tensor | None,
) -> torch.Tensor:
    """Return the enlarged picture, put together from tiles that lie on the size multiple."""
    scale, multiple = generator.scale, generator.size_multiple
    tile, overlap = (-(-each // multiple) * multiple for each in (tile, overlap))
    height, width = lr.shape[1:]
    sr = lr.new_empty(generator.channels, height * scale, width * scale, dtype=torch.float32)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            # Windows end at the picture's edge, so that the network's own padding acts there.
            above, before = max(top - overlap, 0), max(left - overlap, 0)
            seen = [lr[:, above : bottom + overlap, before : right + overlap][None]]
            if condition is not None:
                rows = slice(above * scale, (bottom + overlap) * scale)
                columns = slice(before * scale, (right + overlap) * scale)
                seen.append(condition[:, rows, columns][None])
            made = generator(*seen)[0].float()
            sr[:, top * scale : bottom * scale, left * scale : right * scale] = made[
                :,
                (top - above) * scale : (bottom - above) * scale,
                (left - before) * scale : (right - before) * scale,
            ]
    return sr


def _pad_to_multiple(lr: torch.Tensor, multiple: int) -> torch.Tensor:
    """Return the picture with its last row and column repeated up to a multiple."""
    down, right = (-side % multiple for side in lr.shape[1:])
    if not down and not right:
        return lr
    return F.pad(lr[None], (0, right, 0, down), mode="replicate")[0]
