"""Values of an experiment's trials by the names that tables and figures give them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acutance_platform.report.words import label


def values(trials: Sequence[Any], metric: str) -> list[float]:
    """Return the finite values of a metric."""
    found = [_value(trial, metric) for trial in trials]
    return [value for value in found if value is not None and math.isfinite(value)]


def _value(trial: Any, metric: str) -> float | None:
    name, _, step = metric.partition("@")
    told: Mapping[str, float | None] = trial["reports"].get(step, {}) if step else trial["values"]
    return told.get(name)


def steps_past(
    reports: Mapping[int, Mapping[str, float]], metric: str, direction: str, bar: float | None
) -> int | None:
    """Return the first step from which on every report is better than a value; None = never."""
    first = None
    for step, metrics in sorted(reports.items()):
        value = metrics.get(metric)
        if value is None or bar is None:
            continue
        past = value > bar if direction == "max" else value < bar
        first = (step if first is None else first) if past else None
    return first


def heading(metric: str) -> str:
    """Return a metric's name for people: of `NAME/METRIC` the metric's and the place."""
    metric, _, step = metric.partition("@")
    if step:
        return f"{heading(metric)}, step {step}"
    place, _, name = metric.rpartition("/")
    known = label(name)
    return f"{known}, {place}" if place and known != name else label(metric)
