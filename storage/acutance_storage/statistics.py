"""Numbers about the pictures of a dataset, from what its index says of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageStat

from acutance_storage.records import Entry
from acutance_storage.rules import Pixels


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """All pictures of a dataset together.

    Args:
        pixels: HR pixels.
        smallest: Shortest side, HR pixels.
        largest: Longest side, HR pixels.
        shards: Files that hold them.
        mean: Of red, green and blue over all pixels, 0 to 255; nothing where a picture was added
            before that was kept.
        deviation: Standard deviation of each, likewise.
    """

    pixels: int
    smallest: int
    largest: int
    shards: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def channel_statistics(pixels: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel of a picture, 0 to 255."""
    found = ImageStat.Stat(Image.fromarray(pixels))
    return tuple(found.mean), tuple(found.stddev)


def statistics(entries: Sequence[Entry]) -> Statistics:
    """Return the numbers of all `entries`, of which there is at least one."""
    sizes = [(entry.picture.height, entry.picture.width) for entry in entries]
    areas = [height * width for height, width in sizes]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    if all(entry.mean and entry.deviation for entry in entries):
        mean = tuple(_weighted([entry.mean[c] for entry in entries], areas) for c in range(3))
        squares = (
            _weighted([e.deviation[c] ** 2 + e.mean[c] ** 2 for e in entries], areas)
            for c in range(3)
        )
        deviation = tuple(
            math.sqrt(max(0.0, square - middle**2))
            for square, middle in zip(squares, mean, strict=True)
        )
    return Statistics(
        pixels=sum(areas),
        smallest=min(map(min, sizes)),
        largest=max(map(max, sizes)),
        shards=len({place.shard for entry in entries for place in entry.places()}),
        mean=mean,
        deviation=deviation,
    )


def _weighted(values: Sequence[float], weights: Sequence[int]) -> float:
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
