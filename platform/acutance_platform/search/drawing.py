"""Draws from random numbers: from a stream of them, or one number in [0, 1) per variable."""

from collections.abc import Mapping
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
        return distribution.snap(float(np.exp(self._rng.uniform(*_log_cells(low, high, step)))))

    def real(self, name: str, distribution: Real) -> float:
        """Return a member, uniform in value or in logarithm."""
        low, high, step = distribution.low, distribution.high, distribution.step
        if distribution.log:
            return float(np.exp(self._rng.uniform(*_log_cells(low, high, step or 0.0))))
        if step is None:
            return float(self._rng.uniform(low, high))
        return low + step * int(self._rng.integers(round((high - low) / step) + 1))


@final
class UnitDraw:
    """Draws what a number in [0, 1) stands for: as likely as with `RandomDraw`.

    Args:
        units: Variable name -> number; those of variables that are not reached are not used.
    """

    def __init__(self, units: Mapping[str, float]) -> None:
        self._units = units

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the index of an option."""
        return self._member(name, len(distribution.options))

    def integer(self, name: str, distribution: Integer) -> int:
        """Return a member."""
        low, high, step = distribution.low, distribution.high, distribution.step
        if not distribution.log:
            return low + step * self._member(name, (high - low) // step + 1)
        bottom, top = _log_cells(low, high, step)
        return distribution.snap(float(np.exp(bottom + self._units[name] * (top - bottom))))

    def real(self, name: str, distribution: Real) -> float:
        """Return a member."""
        low, high, step = distribution.low, distribution.high, distribution.step
        if distribution.log:
            bottom, top = _log_cells(low, high, step or 0.0)
            return float(np.exp(bottom + self._units[name] * (top - bottom)))
        if step is None:
            return low + self._units[name] * (high - low)
        return low + step * self._member(name, round((high - low) / step) + 1)

    def _member(self, name: str, count: int) -> int:
        return min(int(self._units[name] * count), count - 1)


def _log_cells(low: float, high: float, step: float) -> tuple[float, float]:
    """Return the logarithms between which what is snapped to steps is drawn uniformly.

    Each member owns the interval of half a step around it; the lowest one's ends above 0.
    """
    return float(np.log(low - min(step, low) / 2)), float(np.log(high + step / 2))
