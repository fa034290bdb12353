"""What is told of a sweep as a whole: plain data for the list of sweeps and a sweep's head."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from acutance_platform.dashboard.trial_query import STATES
from acutance_platform.search.feasibility import nearest
from acutance_platform.search.fold import Sweep
from acutance_platform.search.forecast import remaining
from acutance_platform.search.numbers import plain
from acutance_platform.search.points import front_points
from acutance_platform.search.spending import budget_of
from acutance_platform.verbs.journals import Told

Facts = dict[str, Any]


@final
@dataclass(frozen=True)
class Results:
    """What takes long to find among many trials, and changes with results alone."""

    best: str | None = None
    """The best trial."""
    nearest: str | None = None
    """Who comes closest to the constraints, if nobody meets them."""
    front: frozenset[str] = frozenset()
    """Members of the front of several objectives."""
    values: dict[str, float] = field(default_factory=dict)
    """The best value of each objective by itself, of trials that stand."""


def results_of(sweep: Sweep) -> Results:
    """Return a sweep's results."""
    objectives = dict(sweep.search.objectives) if sweep.search is not None else {}
    members = [str(e["trial"]) for e in front_points(sweep)] if len(objectives) > 1 else []
    values = _values(sweep, objectives)
    return Results(sweep.best, nearest(sweep), frozenset(members), values)


def facts_of(told: Told, results: Results) -> Facts:
    """Return a sweep's facts.

    Args:
        told: What its journal says.
        results: Of the same sweep.
    """
    best = results.best
    sweep = told.sweep
    counts = Counter(sweep.state_of(trial) for trial in sweep.trials.values())
    objectives = dict(sweep.search.objectives) if sweep.search is not None else {}
    budget = budget_of(sweep)
    limit = budget["limit"].get("trials")
    return {
        "sweep": sweep.name,
        "kind": "sweep" if sweep.search is not None else "training",
        "state": sweep.state,
        "reason": sweep.reason,
        "question": told.question,
        "trials": len(sweep.trials),
        "states": {state: counts[state] for state in STATES if counts[state]},
        "objectives": objectives,
        "best": best,
        "nearest": results.nearest,
        "values": results.values,
        "shown": _shown(told, best or results.nearest, objectives),
        "baseline": {name: told.baseline.get(name) for name in objectives or told.baseline},
        "constraints": dict(sweep.search.constraints) if sweep.search is not None else {},
        "executed": sweep.executed,
        "requested": sweep.requested,
        "wall_hours": sweep.wall_hours(),
        "budget": budget,
        "forecast": remaining(sweep),
        "progress": _progress(sweep, counts, limit),
        "first": _first(sweep),
        "last": sweep.last or None,
        "dataset": (sweep.spec.get("data") or {}).get("dataset"),
        "refused": len(sweep.refused),
    }


def _values(sweep: Sweep, objectives: Mapping[str, str]) -> dict[str, float]:
    """Return the best value of each objective by itself, of trials that stand."""
    best: dict[str, float] = {}
    for trial in sweep.trials.values():
        if trial.repeats is None and sweep.stands(trial):
            for (name, way), value in zip(
                objectives.items(), trial.values[trial.end], strict=False
            ):
                if value == value:
                    choose = max if way == "max" else min
                    best[name] = choose(best.get(name, value), value)
    return best


def _shown(told: Told, name: str | None, objectives: Mapping[str, str]) -> dict[str, float | None]:
    """Return what the best trial, or the only one, reached last."""
    trials = told.sweep.trials
    if name is None and told.sweep.search is None:
        name = next(iter(trials), None)
    trial = trials.get(name or "")
    last = trial.reports[trial.step] if trial is not None and trial.reports else {}
    return {key: plain(value) for key, value in last.items() if not objectives or key in objectives}


def _progress(sweep: Sweep, counts: Counter[Any], limit: int | None) -> dict[str, Any]:
    """Return how far it is, as a share where that is known, and in words."""
    if sweep.search is None:
        step, end = sum(t.step for t in sweep.trials.values()), sweep.requested
        return {"share": step / end if end else None, "words": f"step {step:,} of {end:,}"}
    ended = counts["COMPLETE"] + counts["STOPPED"] + counts["FAILED"]
    budget = budget_of(sweep)
    shares = [
        used / most
        for name, most in budget["limit"].items()
        if most and name != "trials" and (used := budget["spent"][name]) is not None
    ]
    if limit is not None:
        extra = len(sweep.trials) - sweep.drawn
        done = sum(
            trial.ended is not None or trial.target is None for trial in sweep.trials.values()
        )
        shares.append(min(1.0, done / max(1, limit + extra)))
    finished = sweep.finished not in (None, "INTERRUPTED")
    share = 1.0 if finished else min(1.0, max(shares)) if shares else None
    drawn = f"{sweep.drawn:,} of {limit:,} trials drawn" if limit else f"{sweep.drawn:,} trials"
    return {"share": share, "words": f"{drawn}, {ended:,} ended"}


def _first(sweep: Sweep) -> float | None:
    """Return when its first driver started, as far as hours tell."""
    return sweep.last - sweep.wall_hours() * 3600 if sweep.last else None
