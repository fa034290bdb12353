"""Independent draws from a keyed stream of random numbers."""

from typing import final

import numpy as np

from acutance_platform.search.distributions import Choice, Integer, Real


@final
class RandomDraw:
    """Draws from a generator of random numbers."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the index of an option, each as likely."""
        return int(self._rng.integers(len(distribution.options)))

    def integer(self, name: str, distribution: Integer) -> int:
        """Return a member, each as likely; where `log`, as likely as its share of the logarithm."""
        low, high, step = distribution.low, distribution.high, distribution.step
        if not distribution.log:
            return low + step * int(self._rng.integers((high - low) // step + 1))
        # Each whole number owns the interval of half a unit around it.
        drawn = np.exp(self._rng.uniform(np.log(low - 0.5), np.log(high + 0.5)))
        return int(min(max(round(float(drawn)), low), high))

    def real(self, name: str, distribution: Real) -> float:
        """Return a member, uniform in value or in logarithm."""
        low, high = distribution.low, distribution.high
        if distribution.log:
            return float(np.exp(self._rng.uniform(np.log(low), np.log(high))))
        if distribution.step is None:
            return float(self._rng.uniform(low, high))
        return low + distribution.step * int(
            self._rng.integers(round((high - low) / distribution.step) + 1)
        )
