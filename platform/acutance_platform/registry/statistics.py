"""Is the challenger better? Paired statistics over pictures, the same in every run.

An advantage is what a challenger's picture gained over the champion's, positive = better. Sources:
Efron and Tibshirani 1993 (bootstrap, percentile bound), Wilcoxon 1945, Holm 1979.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import wilcoxon

DRAWS: Final = 10_000
"""Bootstrap samples."""
LEVEL: Final = 0.05
"""Chance of promoting an equal, at most: 1 - 0.95, one-sided."""
FEWEST: Final = 8
"""Pictures from which on Wilcoxon's test is told: of 5 no outcome is below 0.03, of 8 0.004."""
TOO_FEW: Final = "too few pictures to test"
_CHUNK = 1_000_000  # picture numbers that are drawn at one time


@dataclass(frozen=True, kw_only=True)
class Advantage:
    """What one metric says of challenger against champion, on the same pictures."""

    mean: float
    """Mean advantage over the pictures, in the metric's unit."""
    bound: float
    """One-sided lower 95 % bound of that mean."""
    p: float
    """Share of the bootstrap's means that do not lie above -margin."""
    wilcoxon: float | str
    """p of the signed-rank test, one-sided; from `FEWEST` pictures on, else `TOO_FEW`."""
    pictures: int
    """How many there are."""


def advantage(gained: Sequence[float], *, margin: float = 0.0, seed: int = 0) -> Advantage:
    """Return what the pictures' advantages say about the mean of all such pictures.

    `p <= LEVEL` exactly where `bound > -margin`: both read the same draws.

    Args:
        gained: One per picture, finite, at least one.
        margin: What may be lost: the claim is that the mean advantage lies above -margin.
        seed: Of the draws; the same seed gives the same numbers.
    """
    values = np.asarray(gained, dtype=np.float64)
    means = bootstrap_means(values, seed=seed)
    return Advantage(
        mean=float(values.mean()),
        bound=float(means[int(LEVEL * len(means))]),
        p=float(np.mean(means <= -margin)),
        wilcoxon=signed_rank(values, margin=margin),
        pictures=len(values),
    )


def bootstrap_means(values: np.ndarray, *, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Return the means of samples with replacement, sorted, shape (draws,)."""
    random = np.random.Generator(np.random.Philox(seed))
    rows = max(1, _CHUNK // len(values))
    parts = []
    for start in range(0, draws, rows):
        picked = random.integers(0, len(values), (min(rows, draws - start), len(values)))
        parts.append(values[picked].mean(axis=1))
    # The mean of equal numbers may differ from them in the last bit; a tie must stay one.
    means = np.clip(np.concatenate(parts), values.min(), values.max())
    return np.sort(means)


def signed_rank(gained: Sequence[float] | np.ndarray, *, margin: float = 0.0) -> float | str:
    """Return the one-sided p of Wilcoxon's signed-rank test that advantages lie above -margin.

    Exact where no two are equally large and none is 0, else by the normal approximation.
    """
    values = np.asarray(gained, dtype=np.float64) + margin
    if len(values) < FEWEST:
        return TOO_FEW
    if not values.any():
        return 1.0
    sizes = np.abs(values)
    tied = len(np.unique(sizes)) < len(sizes) or bool((sizes == 0).any())
    method = "approx" if tied or len(values) > 50 else "exact"
    return float(wilcoxon(values, alternative="greater", method=method).pvalue)


def holm(p: Mapping[str, float], *, level: float = LEVEL) -> dict[str, bool]:
    """Return which claims hold, so that the chance of any false one is at most `level`.

    The smallest p is held against level / n, the next against level / (n - 1), ...; from the first
    that fails on, none holds.
    """
    held: dict[str, bool] = {}
    going_on = True
    for rank, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        going_on = going_on and value <= level / (len(p) - rank)
        held[name] = going_on
    return {name: held[name] for name in p}
