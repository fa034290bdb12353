"""Enlarging pictures that are too large for one pass, tile by tile."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from acutance_models.errors import PictureError
from acutance_models.interfaces import Generator
from acutance_models.pooled_means import settled_means

_OVERLAP_UNBOUNDED = 32
"""LR pixels around a tile where a network looks at the whole picture; then tiling changes the
result, and more overlap changes it less."""


@dataclass(frozen=True)
class Tile:
    """A rectangle of LR pixels, and the larger one that the network sees to make it."""

    top: int
    bottom: int
    left: int
    right: int
    above: int
    """First row that is seen."""
    below: int
    """Row after the last one that is seen."""
    before: int
    """First column that is seen."""
    after: int
    """Column after the last one that is seen."""

    @property
    def seen(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that the network sees."""
        return slice(self.above, self.below), slice(self.before, self.after)

    @property
    def made(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that it makes."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def inside(self, scale: int) -> tuple[slice, slice]:
        """Rows and columns of what it makes, inside the SR pixels of what it sees."""
        rows = slice((self.top - self.above) * scale, (self.bottom - self.above) * scale)
        columns = slice((self.left - self.before) * scale, (self.right - self.before) * scale)
        return rows, columns

    def reached(self, down: slice, right: slice) -> "Tile":
        """Return the tile that makes these rows and columns of what it sees."""
        made = (down.start, down.stop, right.start, right.stop)
        return Tile(*made, self.above, self.below, self.before, self.after)

    def enlarged(self, scale: int) -> "Tile":
        """Return the same rectangle in SR pixels."""
        sides = (self.top, self.bottom, self.left, self.right)
        seen = (self.above, self.below, self.before, self.after)
        return Tile(*(side * scale for side in (*sides, *seen)))


def tiles(
    height: int, width: int, *, tile: int | None, overlap: int, multiple: int = 1
) -> Iterator[list[Tile]]:
    """Give the tiles of a picture, row by row; they end at the picture's edges, as what is seen.

    Args:
        height: Rows of the LR picture.
        width: Columns.
        tile: Side of a tile in LR pixels; None = one tile.
        overlap: LR pixels that are seen around each tile.
        multiple: Tiles begin at multiples of this, and tile and overlap are rounded up to one.
    """
    side = max(height, width) if tile is None else tile
    side, overlap = (-(-each // multiple) * multiple for each in (side, overlap))
    for top in range(0, height, side):
        bottom = min(top + side, height)
        rows = (max(top - overlap, 0), min(bottom + overlap, height))
        row = []
        for left in range(0, width, side):
            right = min(left + side, width)
            columns = (max(left - overlap, 0), min(right + overlap, width))
            row.append(Tile(top, bottom, left, right, *rows, *columns))
        yield row


def reach(generator: Generator) -> int:
    """Return the LR pixels around a tile that the network has to see.

    Half its receptive field; where that is the whole picture, 32, and the result differs a little.
    """
    field = generator.receptive_field
    return _OVERLAP_UNBOUNDED if field is None else field // 2


def faded(start: int, end: int, length: int, fade: int, scale: int) -> tuple[slice, torch.Tensor]:
    """Return how far a tile reaches along one axis, and its share of each SR pixel there.

    Neighbours are blended over `fade` LR pixels on both sides of the line between them; their
    shares are one together.

    Args:
        start: First LR pixel of the tile.
        end: The one after its last.
        length: LR pixels of the picture along the axis.
        fade: At most half a tile.
        scale: SR pixels per LR pixel.

    Returns:
        The LR pixels that it has a share of, and the shares, one for each of their SR pixels.
    """
    reached = slice(max(start - fade, 0), min(end + fade, length))
    share = torch.ones((reached.stop - reached.start) * scale)
    if fade:
        place = torch.arange(reached.start * scale, reached.stop * scale) + 0.5
        if start > 0:
            share = share.minimum(place / (2 * fade * scale) - (start - fade) / (2 * fade))
        if end < length:
            share = share.minimum((end + fade) / (2 * fade) - place / (2 * fade * scale))
    return reached, share


def fade_of(generator: Generator, tile: int, overlap: int) -> int:
    """Return over how many LR pixels neighbouring tiles are blended, see `faded`.

    None where tiles are equal to the whole picture. A network that looks at all of its input makes
    each tile a little lighter or darker, which shows as lines where tiles meet hard.
    """
    return min(overlap, tile // 2) if generator.receptive_field is None else 0


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
            unbounded network it is 32, neighbours are blended there, and the result differs a
            little, although its poolings are given means of the whole picture (`pooled_means`),
            for which it goes through the tiles a few times more, at most eight.
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
    around = reach(generator) if overlap is None else overlap
    sr = _in_tiles(generator, padded, tile, around, condition)
    return sr[:, : height * generator.scale, : width * generator.scale]


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
    tile: int | None,
    overlap: int,
    condition: torch.Tensor | None,
) -> torch.Tensor:
    """Return the enlarged picture, put together from tiles that lie on the size multiple."""
    scale, (height, width) = generator.scale, lr.shape[1:]
    sr = lr.new_zeros(generator.channels, height * scale, width * scale, dtype=torch.float32)
    fade = fade_of(generator, max(height, width) if tile is None else tile, overlap)
    rows = tiles(height, width, tile=tile, overlap=overlap, multiple=generator.size_multiple)
    found = [each for row in rows for each in row]

    def enlarged(each: Tile) -> torch.Tensor:
        seen = [lr[:, *each.seen][None]]
        if condition is not None:
            seen.append(condition[:, *each.enlarged(scale).seen][None])
        made: torch.Tensor = generator(*seen)[0].float()
        return made

    places = [(each.seen, each.made) for each in found]
    means = settled_means(generator, places, lambda number: enlarged(found[number]))
    for each in found:
        with means.used():
            made = enlarged(each)
        down, rows_share = faded(each.top, each.bottom, height, fade, scale)
        right, columns_share = faded(each.left, each.right, width, fade, scale)
        share = (rows_share[:, None] * columns_share).to(made.device)
        place = each.reached(down, right)
        sr[:, *place.enlarged(scale).made] += made[:, *place.inside(scale)] * share
    return sr


def _pad_to_multiple(lr: torch.Tensor, multiple: int) -> torch.Tensor:
    """Return the picture with its last row and column repeated up to a multiple."""
    down, right = (-side % multiple for side in lr.shape[1:])
    if not down and not right:
        return lr
    return F.pad(lr[None], (0, right, 0, down), mode="replicate")[0]
