"""The means that a network takes over the whole picture, where it is shown the picture in tiles.

A tile's own means make it a little lighter or darker than its neighbours. So the tiles are first
gone through for the means alone: those of all tiles together, which in the next pass stand in for
each tile's own. The means of a layer rest on those of the layers before, so that a pass brings
them nearer to the picture's and not at once to them; passes end when they hardly change.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.ensemble import turn
from acutance_models.interfaces import Generator

_PASSES = 8
_SETTLED = 0.01
"""Of a layer's means, the change in a pass below which no further one is made."""

Rectangle = tuple[slice, slice]


@final
class PooledMeans:
    """What the poolings over everything in a network come to, gathered tile by tile.

    Args:
        pools: The poolings; without any, nothing is gathered or replaced.
    """

    def __init__(self, pools: Sequence[nn.Module]) -> None:
        self._pools = pools
        self._sums: dict[tuple[int, int], torch.Tensor] = {}
        self._area = 0.0
        self._means: dict[tuple[int, int], torch.Tensor] = {}

    @contextmanager
    def used(self, made: torch.Tensor | None = None) -> Iterator[None]:
        """Let the poolings give the means of all tiles, where these are known, inside the block.

        Args:
            made: (1, 1, h, w) of LR pixels that the network sees, 1 where no other tile counts
                them: gathers there. In the block the network sees one tile; again, in the further
                orientations of `ensemble.ORIENTATIONS`.
        """
        calls = [0] * len(self._pools)

        def hook(pool: int) -> Callable[..., torch.Tensor | None]:
            def look(_: nn.Module, inputs: tuple[Any, ...], __: torch.Tensor) -> Any:
                place = (pool, calls[pool])
                calls[pool] += 1
                if made is not None:
                    self._gather(place, inputs[0], made)
                return self._means.get(place)

            return look

        handles = [m.register_forward_hook(hook(i)) for i, m in enumerate(self._pools)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        self._area += float(made.sum()) if made is not None else 0.0

    def settle(self) -> float:
        """Take over what was gathered; return the largest change of a layer's means, of 1."""
        fresh = {place: total / self._area for place, total in self._sums.items()}
        changes = [
            float((mean - self._means[place]).norm() / mean.norm().clamp_min(1e-12))
            for place, mean in fresh.items()
            if place in self._means
        ]
        self._means, self._sums, self._area = fresh, {}, 0.0
        return max(changes, default=1.0)

    def _gather(self, place: tuple[int, int], features: torch.Tensor, made: torch.Tensor) -> None:
        share = turn(made, place[1]).to(features)
        if share.shape[2:] != features.shape[2:]:
            share = F.interpolate(share, features.shape[2:], mode="nearest")
            share = share * (made.sum() / share.sum())
        total = (features.float() * share.float()).sum((2, 3), keepdim=True)
        self._sums[place] = self._sums.get(place, 0.0) + total


def settled_means(
    generator: Generator | None,
    tiles: Sequence[tuple[Rectangle, Rectangle]],
    show: Callable[[int], object],
) -> PooledMeans:
    """Return the means of a picture that is seen in tiles.

    Args:
        generator: The network. Its poolings are `AdaptiveAvgPool2d` to one pixel; one that looks at
            the whole picture in another way keeps to its tiles.
        tiles: Of each tile, what of the picture is seen, and what of it no other tile makes.
        show: Lets the network see the tile of this number.

    Returns:
        Means of nothing where there is one tile, or the network sees no more than around a pixel.
    """
    if generator is None or generator.receptive_field is not None or len(tiles) < 2:
        return PooledMeans([])
    pools = [module for module in generator.modules() if isinstance(module, nn.AdaptiveAvgPool2d)]
    means = PooledMeans(pools)
    for _ in range(_PASSES if pools else 0):
        for number, (seen, made) in enumerate(tiles):
            with means.used(_inside(seen, made)):
                show(number)
        if means.settle() < _SETTLED:
            break
    return means


def _inside(seen: Rectangle, made: Rectangle) -> torch.Tensor:
    """Return 1 for the pixels that are made, 0 for others that are seen; (1, 1, h, w)."""
    share = torch.zeros(1, 1, *(side.stop - side.start for side in seen))
    rows, columns = (
        slice(its.start - all_.start, its.stop - all_.start)
        for all_, its in zip(seen, made, strict=True)
    )
    share[:, :, rows, columns] = 1.0
    return share
