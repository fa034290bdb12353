"""Which trials meet the constraints, and which one comes closest; pure reading of a sweep."""

import math
from collections.abc import Mapping
from typing import Any

from acutance_platform.search.constraints import feasible, violations
from acutance_platform.search.fold import Sweep
from acutance_platform.search.numbers import plain
from acutance_platform.search.trial import Trial


def shown(sweep: Sweep, metrics: Mapping[str, float | None]) -> dict[str, Any]:
    """Return what documents say of some metrics: `feasible` and `violations`.

    `feasible` is None where a constrained metric was not measured yet. A violation is told as a
    share of its bound's size, None where the metric was not finite.
    """
    rules = sweep.search.rules if sweep.search is not None else ()
    missed = {name: plain(amount) for name, amount in violations(rules, metrics).items()}
    return {"feasible": feasible(rules, metrics), "violations": missed}


def nearest(sweep: Sweep) -> str | None:
    """Return the COMPLETE trial that is least far from meeting the constraints, if none meets them.

    Of equal distances the one with the better first objective counts; None where there is a best
    one, or none is COMPLETE.
    """
    if sweep.search is None or not sweep.search.rules or sweep.best is not None:
        return None
    rules, sign = sweep.search.rules, 1.0 if sweep.search.direction == "min" else -1.0
    complete = [t for t in sweep.trials.values() if t.ended == "COMPLETE" and t.reports]

    def distance(trial: Trial) -> tuple[float, float, int]:
        metrics = trial.reports[trial.step]
        lacking = any(rule.metric not in metrics for rule in rules)
        amount = math.inf if lacking else sum(violations(rules, metrics).values())
        first = trial.values.get(trial.end, (math.inf * sign,))[0]
        return amount, sign * first, trial.ordinal

    return min(complete, key=distance).name if complete else None
