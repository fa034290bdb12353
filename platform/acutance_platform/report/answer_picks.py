"""Which of a sweep's trials wins under each rule, by means over its seeds."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from acutance_platform.search.constraints import Table as Rules
from acutance_platform.search.constraints import rules_of
from acutance_platform.search.front import Direction


def picked(
    rows: Mapping[Any, Sequence[Any]], picks: Mapping[str, Rules], by: Mapping[str, Direction]
) -> dict[str, Any]:
    """Return the name of each pick -> the key of the row that wins it; None where none may.

    Only rows with the most trainings count: the best of many single trainings was lucky.

    Args:
        rows: Key -> trials, of which each is a training with another seed.
        picks: Name -> metric -> rule, as constraints are written; the row's mean has to meet them.
        by: The one metric whose mean is to be `max` or `min`.
    """
    most = max(map(len, rows.values()), default=0)
    several = {key: trials for key, trials in rows.items() if len(trials) == most}
    ((metric, direction),) = by.items()
    sign = 1.0 if direction == "max" else -1.0
    found: dict[str, Any] = {}
    for name, rules in picks.items():
        fits = [
            key
            for key, trials in several.items()
            if _mean(trials, metric) is not None
            and all(_holds(rule, _mean(trials, rule.metric)) for rule in rules_of(rules))
        ]
        means = {key: sign * (_mean(several[key], metric) or 0.0) for key in fits}
        found[name] = max(fits, key=means.__getitem__, default=None)
    return found


def _holds(rule: Any, value: float | None) -> bool:
    return value is not None and bool(rule.holds(value))


def _mean(trials: Sequence[Any], metric: str) -> float | None:
    """Return a metric's mean; None where a training has none."""
    told = [trial["values"].get(metric) for trial in trials]
    return None if None in told else statistics.fmean(told)
