"""Which of two do people prefer? What votes say, and how surely.

Sources: Wilson 1927 (interval of a share), the exact binomial test.
"""

import math
from dataclasses import dataclass
from typing import Final

_Z: Final = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True, kw_only=True)
class Preference:
    """What votes between A and B say; votes of no difference count for neither."""

    first: int
    """Votes for A."""
    second: int
    """Votes for B."""
    neither: int
    """Votes that saw no difference."""
    share: float | None
    """A's share of the votes for either; None without any."""
    low: float
    """Lower end of the 95 % interval of that share."""
    high: float
    """Its upper end."""
    p: float
    """Chance of a share as far from one half or farther if nobody preferred either, two-sided."""


def preference(first: int, second: int, neither: int = 0) -> Preference:
    """Return what votes say.

    Args:
        first: Votes for A.
        second: Votes for B.
        neither: Votes that saw no difference.
    """
    low, high = wilson(first, first + second)
    decided = first + second
    return Preference(
        first=first,
        second=second,
        neither=neither,
        share=first / decided if decided else None,
        low=low,
        high=high,
        p=binomial_p(first, decided),
    )


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval of a share; all of [0, 1] where nothing was counted."""
    if not of:
        return 0.0, 1.0
    share, z2 = hits / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    spread = _Z / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return (0.0 if not hits else middle - spread), (1.0 if hits == of else middle + spread)


def binomial_p(hits: int, of: int) -> float:
    """Return the exact two-sided p of `hits` out of `of` at even odds; 1 where nothing counted."""
    tail = sum(math.comb(of, k) for k in range(min(hits, of - hits) + 1))
    return min(1.0, 2 * tail / (1 << of))
