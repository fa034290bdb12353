"""A sweep as the JSON that people script against: `status --json` and `front --json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from acutance_platform.search.constraints import bound_of
from acutance_platform.search.feasibility import nearest, shown
from acutance_platform.search.fold import Sweep
from acutance_platform.search.forecast import remaining
from acutance_platform.search.front import hypervolume
from acutance_platform.search.numbers import plain
from acutance_platform.search.points import Entry, front_points, objective_values
from acutance_platform.search.schema import COSTS
from acutance_platform.search.seeds import over_seeds
from acutance_platform.search.spending import budget_of
from acutance_platform.search.trial import Trial


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
        "constraints": dict(sweep.search.constraints) if sweep.search else {},
        "nearest": nearest(sweep),
        "refused": len(sweep.refused),
        "steps_requested": sweep.requested,
        "steps_executed": sweep.executed,
        "gpu_hours": sweep.gpu_hours,
        "cpu_hours": sweep.cpu_hours,
        "wall_hours": sweep.wall_hours(),
        "forecast": remaining(sweep),
        "budget": budget_of(sweep),
        "trials": [_trial(sweep, trial) for trial in sweep.trials.values()],
    }


def front_summary(
    sweep: Sweep,
    baseline: Mapping[str, float] | None = None,
    *,
    among: Sequence[Entry] | None = None,
) -> dict[str, Any]:
    """Return the document of `acutance front --json`.

    Args:
        sweep: Everything that is journalled.
        baseline: Metric -> what bicubic reaches: the reference where `search.reference` has none.
            A cost's is its constraint's bound. Without a reference for each objective, the
            hypervolume is None.
        among: The sweep's candidates, where the caller has them already.
    """
    objectives = dict(sweep.search.objectives) if sweep.search else {}
    given = dict(sweep.search.reference) if sweep.search else {}
    measured = {name: value for name, value in (baseline or {}).items() if name in objectives}
    known = measured | _bounds(sweep) | given
    points = front_points(sweep, among)
    volume = None
    if objectives and len(known) == len(objectives):
        values = objective_values(points, list(objectives))
        reference = [known[name] for name in objectives]
        volume = hypervolume(values, list(objectives.values()), reference)
    return {
        "objectives": objectives,
        "reference": known,
        "hypervolume": volume,
        "points": points,
        "constraints": dict(sweep.search.constraints) if sweep.search else {},
        "nearest": nearest(sweep),
    }


def _trial(sweep: Sweep, trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.name,
        "state": sweep.state_of(trial),
        "recipe": dict(trial.recipe),
        "metrics": _metrics(trial),
        **shown(sweep, _last(trial)),
        "steps": trial.step,
        "run_id": trial.run_id,
        "weights": trial.weights,
        "failures": trial.failures,
        "error": trial.errors[-1] if trial.errors else None,
        "notes": notes_of(trial),
        "repeats": trial.repeats,
        **over_seeds(sweep, trial),
    }


def _bounds(sweep: Sweep) -> dict[str, float]:
    """Return what constraints allow of each objective that is a cost of the recipe."""
    if sweep.search is None:
        return {}
    costs = {name: d for name, d in sweep.search.objectives.items() if name in COSTS}
    found = {name: bound_of(sweep.search.rules, name, way) for name, way in costs.items()}
    return {name: bound for name, bound in found.items() if bound is not None}


def notes_of(trial: Trial) -> list[str]:
    """Return what was wrong with a trial, one line each, with the steps that said so."""
    return [
        f"step {first}: {note}" if first == last else f"steps {first} to {last}: {note}"
        for note, (first, last) in trial.notes.items()
    ]


def _last(trial: Trial) -> dict[str, float]:
    return trial.reports[trial.step] if trial.reports else {}


def _metrics(trial: Trial) -> dict[str, float | None]:
    """Return the last report; null stands for a metric that was not finite."""
    return {name: plain(value) for name, value in _last(trial).items()}
