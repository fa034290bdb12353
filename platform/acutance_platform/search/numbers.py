"""Metrics as a journal keeps them: JSON has no NaN and no infinity."""

import math
from typing import Any


def number(value: Any) -> float:
    """Return a journalled metric as a float; null stands for one that was not finite."""
    return math.nan if value is None else float(value)


def plain(value: float) -> float | None:
    """Return a metric as JSON can say it: null where it is not finite."""
    return float(value) if math.isfinite(value) else None
