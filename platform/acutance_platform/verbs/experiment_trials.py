"""What an experiment keeps of its sweeps: trials with their values and curves, costs, fronts."""

from collections.abc import Iterator
from typing import Any

from acutance_platform.report.answer_values import steps_past
from acutance_platform.search.numbers import plain
from acutance_platform.verbs.journals import Told
from acutance_platform.verbs.looking import front_of, status_of


def trials_of(stem: str, told: Told) -> Iterator[dict[str, Any]]:
    """Yield each trial as `results.json` has it; `stem` is that of its sweep file."""
    spec_seed = told.sweep.spec["seed"]
    for entry in status_of(told)["trials"]:
        trial = told.sweep.trials[entry["trial"]]
        values = {
            "steps": trial.step,
            "executed": trial.executed,
            "cpu_seconds": trial.cpu_seconds,
            "steps_to_bicubic": steps_past(trial.reports, *_bar(told)),
        }
        yield {
            "sweep": stem,
            "trial": trial.name,
            "repeats": trial.repeats,
            "state": entry["state"],
            "error": (entry["error"] or "").strip().splitlines()[-1:],
            "settings": dict(trial.recipe),
            "seed": trial.seed if trial.seed is not None else spec_seed,
            "weights": trial.weights,
            "values": {**values, **entry["metrics"]},
            "reports": {
                str(step): {name: plain(value) for name, value in metrics.items()}
                for step, metrics in sorted(trial.reports.items())
            },
        }


def _bar(told: Told) -> tuple[str, str, float | None]:
    """Return the first objective, which way is better, and what bicubic reaches."""
    assert told.sweep.search is not None
    metric, direction = next(iter(told.sweep.search.objectives.items()))
    return metric, direction, told.baseline.get(metric)


def cost_of(told: Told) -> dict[str, Any]:
    """Return what a sweep has cost."""
    status = status_of(told)
    kept = ("steps_requested", "steps_executed", "cpu_hours", "gpu_hours", "wall_hours", "state")
    return {
        "name": told.sweep.name,
        "trials": len(told.sweep.trials),
        **{name: status[name] for name in kept},
    }


def front_points(told: Told) -> list[dict[str, Any]]:
    """Return the points of the front of a sweep of several objectives."""
    if len(told.sweep.search.objectives if told.sweep.search else ()) < 2:
        return []
    kept = ("trial", "alpha", "parents", "metrics")
    return [{k: p[k] for k in kept if k in p} for p in front_of(told)["points"]]
