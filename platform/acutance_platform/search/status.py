"""A sweep as the JSON that people script against: `status --json` and `front --json`."""

import math
from collections.abc import Mapping
from typing import Any

from acutance_platform.search.fold import Sweep, Trial, plain
from acutance_platform.search.front import front, hypervolume


def summary(sweep: Sweep, baseline: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the document of `acutance status --json`.

    Args:
        sweep: Everything that is journalled.
        baseline: Metric -> what bicubic reaches.

    Returns:
        Plain data. Where the journal does not name runs, who knows them fills in `run_id`.
    """
    return {
        "sweep": sweep.name,
        "state": sweep.state,
        "reason": sweep.reason,
        "objectives": dict(sweep.search.objectives) if sweep.search else {},
        "baseline": dict(baseline or {}),
        "best": sweep.best,
        "steps_requested": sweep.requested,
        "steps_executed": sweep.executed,
        "gpu_hours": sweep.gpu_hours,
        "cpu_hours": sweep.cpu_hours,
        "wall_hours": sweep.wall_hours(),
        "trials": [_trial(sweep, trial) for trial in sweep.trials.values()],
    }


def front_summary(sweep: Sweep, reference: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return the document of `acutance front --json`.

    Args:
        sweep: Everything that is journalled.
        reference: Objective -> value that a point has to beat to count for the hypervolume;
            without one for each objective, the hypervolume is None.
    """
    objectives = dict(sweep.search.objectives) if sweep.search else {}
    trials = [t for t in sweep.trials.values() if t.ended == "COMPLETE" and t.reports]
    points = [[_last(t).get(name, math.nan) for name in objectives] for t in trials]
    directions = list(objectives.values())
    chosen = [trials[i] for i in front(points, directions)]
    if len(objectives) == 1:
        chosen = [t for t in trials if t.name == sweep.best]
    known = {name: value for name, value in (reference or {}).items() if name in objectives}
    volume = None
    if objectives and len(known) == len(objectives):
        volume = hypervolume(points, directions, [known[name] for name in objectives])
    return {
        "objectives": objectives,
        "reference": known,
        "hypervolume": volume,
        "points": [{"trial": t.name, "metrics": _metrics(t), "weights": t.weights} for t in chosen],
    }


def _trial(sweep: Sweep, trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.name,
        "state": sweep.state_of(trial),
        "recipe": dict(trial.recipe),
        "metrics": _metrics(trial),
        "steps": trial.step,
        "run_id": trial.run_id,
        "weights": trial.weights,
        "failures": trial.failures,
        "error": trial.errors[-1] if trial.errors else None,
    }


def _last(trial: Trial) -> dict[str, float]:
    return trial.reports[trial.step] if trial.reports else {}


def _metrics(trial: Trial) -> dict[str, float | None]:
    """Return the last report; null stands for a metric that was not finite."""
    return {name: plain(value) for name, value in _last(trial).items()}
