"""What a few trainings with different seeds say about the next one's mean."""

import math
import statistics
from collections.abc import Sequence

from acutance_platform.search.front import Direction

_CONFIDENCE = 0.95


def pessimistic(values: Sequence[float], direction: Direction) -> float:
    """Return the one-sided 95 % confidence bound of the mean, on its worse side.

    mean - t s / sqrt(n) where large is good, mean + t s / sqrt(n) where small is, with s the
    standard deviation (n - 1) and t the 95 % quantile of Student's distribution with n - 1 degrees
    of freedom: with two values 6.31, with three 2.92. One value stands for itself.

    Args:
        values: One or more, of trainings that differ in their seed alone.
        direction: Whether they are to be large (`max`) or small (`min`).

    Source:
        Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean
    # Here, as importing scipy costs every command that reads a journal a tenth of a second.
    from scipy.special import stdtrit

    t = float(stdtrit(len(values) - 1, _CONFIDENCE))
    margin = t * statistics.stdev(values) / math.sqrt(len(values))
    return mean - margin if direction == "max" else mean + margin
