"""How many steps a sweep takes under its scheduler, and how many hours are left."""

import functools
import json
from collections.abc import Sequence
from itertools import islice
from typing import Final

from acutance_platform.search.fold import Sweep
from acutance_platform.search.grid import grid_points
from acutance_platform.search.schedulers import Scheduler
from acutance_platform.search.schema import Search
from acutance_platform.search.trial import Trial

LATER: Final = 1.6
"""Promotions are asynchronous: up to so many times the halving rule's number go on."""
USUALLY: Final = 1.3
"""How many times it is in most sweeps."""
_MANY: Final = 10_000
_STEADY: Final = 0.25
"""By what share the time of a step may still change: other recipes, other work on the machine."""


def halving_steps(
    scheduler: Scheduler, rungs: Sequence[int], trials: int, *, generous: float, before: int = 0
) -> float:
    """Return the steps of so many trials, of which each rung lets the best go on.

    Args:
        scheduler: Says how many of a rung may go on.
        rungs: Absolute steps, the end last.
        trials: How many start.
        generous: How many times the rule's number go on.
        before: Steps that are not counted: those of stages before the last one.
    """
    total, reached = 0.0, trials
    for rung in rungs:
        total += reached * (rung - before)
        before = rung
        reached = max(1, min(reached, round(scheduler.promotable(reached) * generous)))
    return total


def remaining(sweep: Sweep, now: float | None = None) -> dict[str, float] | None:
    """Return the wall hours that are left as `low`, `expected` and `high`.

    From what was really spent: steps of the halving rule that were not computed yet, at the time
    that a step has taken so far, what came before each session's first report left out.

    Args:
        sweep: Everything that is journalled.
        now: Seconds since the epoch; None takes the last record's time.

    Returns:
        None for a sweep that has ended, before its first steps, and where only hours limit it.
    """
    spent = sweep.wall_hours(now)
    if sweep.finished not in (None, "INTERRUPTED") or not sweep.executed or spent <= 0:
        return None
    seconds, done = sweep.warm_up
    pace = spent / sweep.executed
    if sweep.executed > done and spent > seconds / 3600:
        pace = (spent - seconds / 3600) / (sweep.executed - done)
    hours = {}
    for name, generous, rate in (
        ("low", 1.0, 1 - _STEADY),
        ("expected", USUALLY, 1.0),
        ("high", LATER, 1 + _STEADY),
    ):
        steps = _all_steps(sweep, generous)
        if steps is None:
            return None
        left = max(0.0, steps - sweep.executed) * rate * pace
        hours[name] = min(left, _wall_left(sweep, spent))
    return hours


def _all_steps(sweep: Sweep, generous: float) -> float | None:
    """Return the steps that all trials will take; None where their number is not known."""
    trials = [trial for trial in sweep.trials.values() if trial.rungs]
    if not trials:
        return None
    if sweep.search is None:
        return float(trials[0].end)
    budget, count = sweep.search.budget, _trials(sweep)
    if count is None:
        return None if budget.steps is None else float(budget.steps)
    before = trials[0].stages[-2][1] if len(trials[0].stages) > 1 else 0
    scheduler = sweep.search.build_scheduler()
    rungs = trials[0].rungs
    last = halving_steps(scheduler, rungs, count, generous=generous, before=before)
    total = last + _prefixes(trials) * count * before
    return total if budget.steps is None else min(total, budget.steps)


def _trials(sweep: Sweep) -> int | None:
    """Return how many trials there will be; None where only other limits end them."""
    assert sweep.search is not None
    limit = sweep.search.budget.trials
    if limit is None and sweep.search.sampler.get("kind") == "grid":
        return _grid_size(json.dumps(sweep.spec, sort_keys=True))
    return limit


@functools.lru_cache(maxsize=8)
def _grid_size(spec: str) -> int | None:
    """Return the number of a grid's points; None where counting them would take long."""
    recipe = json.loads(spec)
    space = Search.model_validate(recipe.pop("search")).build_space()
    count = sum(1 for _ in islice(grid_points(space, recipe), _MANY))
    return count if count < _MANY else None


def _prefixes(trials: Sequence[Trial]) -> float:
    """Return how many distinct chains of earlier stages there are per trial."""
    keys = {trial.stages[-2][0] for trial in trials if len(trial.stages) > 1}
    return len(keys) / len(trials)


def _wall_left(sweep: Sweep, spent: float) -> float:
    limit = sweep.search.budget.wall_hours if sweep.search is not None else None
    return float("inf") if limit is None else max(0.0, limit - spent)
