"""The exact non-dominated set of some points, and the volume that it dominates."""

import math
from collections.abc import Sequence
from typing import Literal

Direction = Literal["max", "min"]
Point = Sequence[float]


def front(points: Sequence[Point], directions: Sequence[Direction]) -> list[int]:
    """Return the indices of the points that no other point dominates, in the order given.

    A point dominates another if it is at least as good in every objective and better in one.
    Points with equal values do not dominate each other: all of them are on the front, or none.
    A point with NaN anywhere is on no front and dominates nothing.

    Args:
        points: One value per objective, in the metrics' own units.
        directions: `max` or `min` per objective.
    """
    losses = {i: _losses(point, directions) for i, point in enumerate(points)}
    known = {i: loss for i, loss in losses.items() if not any(map(math.isnan, loss))}
    kept: list[tuple[float, ...]] = []
    # In lexicographic order nothing that comes later can dominate what came before; of two
    # objectives the one kept last has the least second loss, so that nobody else need be asked.
    for loss in sorted(set(known.values())):
        asked = kept[-1:] if len(directions) == 2 else kept
        if not any(_at_least_as_good(other, loss) for other in asked):
            kept.append(loss)
    chosen = set(kept)
    return [i for i, loss in known.items() if loss in chosen]


def hypervolume(
    points: Sequence[Point], directions: Sequence[Direction], reference: Point
) -> float:
    """Return the exact volume between the points and a reference, 0 without a better point.

    Args:
        points: One value per objective, in the metrics' own units; NaN counts for nothing.
        directions: `max` or `min` per objective.
        reference: What a point has to beat in every objective to count.

    Returns:
        The volume in the product of the metrics' units; by slices of the last objective, which
        costs n^(k-1) for n points and k objectives.
    """
    bound = _losses(reference, directions)
    losses = (_losses(point, directions) for point in points)
    inside = [loss for loss in losses if all(x < b for x, b in zip(loss, bound, strict=True))]
    return _volume(inside, bound)


def _volume(points: Sequence[tuple[float, ...]], bound: tuple[float, ...]) -> float:
    """Return the volume of the union of the boxes from each point up to the bound."""
    if not points:
        return 0.0
    if len(bound) == 1:
        return bound[0] - min(points)[0]
    heights = sorted({point[-1] for point in points})
    total = 0.0
    for low, high in zip(heights, [*heights[1:], bound[-1]], strict=True):
        slab = [point[:-1] for point in points if point[-1] <= low]
        total += (high - low) * _volume(slab, bound[:-1])
    return total


def _losses(point: Point, directions: Sequence[Direction]) -> tuple[float, ...]:
    """Return the values with every objective turned so that less is better."""
    if len(point) != len(directions):
        raise ValueError(f"a point has one value per objective, got {point} for {directions}")
    pairs = zip(point, directions, strict=True)
    return tuple(-value if direction == "max" else value for value, direction in pairs)


def _at_least_as_good(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(first, second, strict=True))
