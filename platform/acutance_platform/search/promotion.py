"""Who may go on from a rung; asynchronous successive halving as pure functions of the journal."""

import math

from acutance_platform.search.fold import Sweep
from acutance_platform.search.ranks import order
from acutance_platform.search.schedulers import Scheduler
from acutance_platform.search.schema import Search
from acutance_platform.search.trial import Trial


def section(sweep: Sweep) -> Search:
    """Return the search section of a sweep that has one."""
    assert sweep.search is not None, "a single training has nothing to decide"
    return sweep.search


def ranking(sweep: Sweep, rung: int) -> list[Trial]:
    """Return the trials with a value on this rung, best first.

    Several objectives are compared by fronts, see `ranks.order`; what met the constraints at this
    rung stands before what did not. Ties go to the earlier trial.
    NaN comes last, and trials that ended keep their places: they were compared. Kept until the
    rung hears of another value: a decision asks several times.
    """
    if rung not in sweep.ranked:
        sweep.ranked[rung] = _ranked(sweep, rung)
    return sweep.ranked[rung]


def _ranked(sweep: Sweep, rung: int) -> list[Trial]:
    there = [trial for trial in sweep.trials.values() if rung in trial.values]
    points = [trial.values[rung] for trial in there]
    violations = [trial.violation(rung) for trial in there]
    return [there[i] for i in order(points, section(sweep).directions, violations)]


def candidate(sweep: Sweep, scheduler: Scheduler) -> tuple[Trial, int] | None:
    """Return the resting trial that may go on from its rung, the highest rung first."""
    for rung in _lower_rungs(sweep):
        ranked = ranking(sweep, rung)
        for trial in ranked[: scheduler.promotable(len(ranked))]:
            if _rests_on(trial, rung):
                return trial, rung
    return None


def last_hope(sweep: Sweep) -> tuple[Trial, int] | None:
    """Return the best trial of the highest rung, if no trial has completed.

    Whoever had a place above may have failed there. A sweep that has nothing else to do brings the
    best one that is left to its end, so that there is a winner.
    """
    if any(trial.ended == "COMPLETE" for trial in sweep.trials.values()):
        return None
    for rung in _lower_rungs(sweep):
        for trial in ranking(sweep, rung):
            if _rests_on(trial, rung):
                return trial, rung
    return None


def _lower_rungs(sweep: Sweep) -> list[int]:
    """Return all rungs below a trial's end, highest first."""
    return sorted({rung for t in sweep.trials.values() for rung in t.rungs[:-1]}, reverse=True)


def _rests_on(trial: Trial, rung: int) -> bool:
    """Say whether a trial rests on this rung with a value that can be compared."""
    rests = trial.ended is None and trial.target is None and max(trial.values, default=0) == rung
    return rests and not any(map(math.isnan, trial.values[rung]))
