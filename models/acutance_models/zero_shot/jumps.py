"""By which factors a picture is enlarged on the way to its scale."""

from dataclasses import dataclass

_PUBLISHED = (6, 6, 8, 10, 10, 12)
"""Back-projections per jump of the authors' gradual x2."""


@dataclass(frozen=True)
class Jump:
    """One enlargement of the LR picture, with its own training."""

    factors: tuple[float, float]
    """On height and width, counted from the LR picture."""
    back_projections: int
    """After each orientation of the ensemble, and again after their median."""


def jumps(scale: int, *, gradual: bool, back_projections: int = 10) -> list[Jump]:
    """Return the enlargements that lead to a scale, the last one at the scale itself.

    Args:
        scale: 2, 3 or 4.
        gradual: Width and height rise by a half in turn, as published for x2: (1, 1.5), (1.5, 1),
            (1.5, 1.5), (1.5, 2), (2, 1.5), (2, 2). Beyond x2 the pattern goes on, which is ours.
        back_projections: Of a single jump; a gradual way has its own numbers, 12 beyond the
            published ones, and none where this is 0.
    """
    if not gradual:
        return [Jump((float(scale), float(scale)), back_projections)]
    factors = []
    for low in (1 + half / 2 for half in range(2 * (scale - 1))):
        factors += [(low, low + 0.5), (low + 0.5, low), (low + 0.5, low + 0.5)]
    numbers = [*_PUBLISHED, *[_PUBLISHED[-1]] * len(factors)]
    return [
        Jump(pair, number if back_projections else 0)
        for pair, number in zip(factors, numbers, strict=False)
    ]
