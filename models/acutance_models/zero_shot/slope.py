"""The learning rate of zero-shot training: lowered when the error's fall drowns in its scatter."""

import math
from collections.abc import Sequence
from typing import final

import numpy as np

_LEAST = 5
"""Errors without which no slope is judged."""


def fitted_slope(steps: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Return the slope of a fitted line and its standard deviation.

    The deviation's square is the residual sum of squares / (n - 4) / sum of (step - mean)^2. The
    n - 4 is what `numpy.polyfit(..., cov=True)` did in the authors' days; since numpy 1.16 it is
    n - 2, whose deviation is smaller by sqrt(3) at five points, which lowers rates later.

    Args:
        steps: Five or more, not all equal.
        errors: As many.
    """
    x, y = np.asarray(steps, np.float64), np.asarray(errors, np.float64)
    distance = x - x.mean()
    spread = float(distance @ distance)
    slope = float(distance @ y) / spread
    residual = y - y.mean() - slope * distance
    return slope, math.sqrt(float(residual @ residual) / (len(x) - 4) / spread)


@final
class SlopeRule:
    """Divides a learning rate by ten, again and again, until it is too small to go on.

    Iterations count from 0, as in the authors' code: the one that makes step n is n - 1.

    Args:
        lr: First learning rate.
        test_every: Iterations between two errors, the first one included.
        check_every: Iterations between two judgements.
        window: Iterations whose errors are judged.
        patience: Iterations after a change (or the start) before the next one.
        ratio: The rate falls when -ratio * slope is below the slope's deviation.
        min_lr: Below it the training ends.
    """

    def __init__(
        self,
        *,
        lr: float,
        test_every: int = 50,
        check_every: int = 60,
        window: int = 256,
        patience: int = 256,
        ratio: float = 1.5,
        min_lr: float = 9e-6,
    ) -> None:
        self._first, self._min, self._ratio = lr, min_lr, ratio
        self._test_every, self._check_every, self._patience = test_every, check_every, patience
        self._points = window // test_every
        self.drops = 0
        """How often the rate was divided."""
        self.changed = 0
        """Iteration of the last change."""
        self.errors: list[tuple[int, float]] = []
        """(iteration, error): those that the next judgement may need."""

    @property
    def lr(self) -> float:
        """The learning rate now."""
        return self._first / 10.0**self.drops

    @property
    def ended(self) -> bool:
        """Whether the rate is too small to go on."""
        return self.lr < self._min

    def wants_error(self, iteration: int) -> bool:
        """Return whether the error after this iteration is to be noted."""
        return iteration % self._test_every == 0

    def note(self, iteration: int, error: float) -> None:
        """Take the error after an iteration."""
        self.errors = [*self.errors, (iteration, error)][-self._points :]

    def judge(self, iteration: int) -> None:
        """Lower the rate after an iteration, where it is time and the slope is lost."""
        due = (iteration + 1) % self._check_every == 0
        if not due or iteration - self.changed <= self._patience or len(self.errors) < _LEAST:
            return
        steps, errors = zip(*self.errors, strict=True)
        if not all(map(math.isfinite, errors)):
            return
        slope, deviation = fitted_slope(steps, errors)
        if -self._ratio * slope < deviation:
            self.drops, self.changed = self.drops + 1, iteration
