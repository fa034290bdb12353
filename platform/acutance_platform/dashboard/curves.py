"""Learning curves of a sweep: at most two hundred, and which ones is said."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.points import better
from acutance_platform.dashboard.trial_query import Query
from acutance_platform.dashboard.trial_table import TrialTable
from acutance_platform.recipe import refuse
from acutance_platform.report.data import family
from acutance_platform.report.words import label
from acutance_platform.search.course import Course
from acutance_platform.search.fold import Sweep
from acutance_platform.search.points import front_points
from acutance_platform.search.trial import Trial

MOST: Final = 200
"""Curves that are drawn at once."""
_FINE: Final = 240
"""Points of a curve that are sent: more than a figure has pixels for a curve to turn in."""

_NAME: Final = re.compile(r"(?<![^\s,])(t\d{4,9})(?=[\s,]|$),?")

Over = Literal["steps", "cpu", "gpu"]
CHOICES: Final = {
    "best": "the best",
    "front": "on the front",
    "running": "that run now",
    "newest": "asked for last",
    "stopped": "stopped, held back or failed",
}
"""Which trials are drawn, and the words for it."""


def curves(
    known: Followed, *, metric: str, over: Over, choice: str, q: str, most: int
) -> dict[str, Any]:
    """Return learning curves as columns.

    Args:
        known: The sweep.
        metric: Name; empty for the first objective.
        over: What the curves run over: steps, or the hours that each trial has cost.
        choice: One of `CHOICES`.
        q: What a trial has to be besides, as the table of trials is filtered; names of trials in
            it are alternatives.
        most: Curves at most, up to `MOST`.

    Raises:
        RecipeErrors: If no trial has that metric, or an argument cannot be read.
    """
    sweep = known.told.sweep
    metrics = _metrics(sweep)
    metric = metric or (sweep.search.objective if sweep.search else next(iter(metrics), "psnr_y"))
    if metrics and metric not in metrics:
        raise refuse("metric", metric, "no trial has it", f"They have {', '.join(metrics)}.")
    if choice not in CHOICES:
        raise refuse("choice", choice, "no such choice", f"One of {', '.join(CHOICES)}.")
    asked = _asked(known, q)
    chosen = _chosen(sweep, asked, metric, choice)
    shown = chosen[: max(1, min(most, MOST))]
    return {
        "version": known.version,
        "metric": metric,
        "label": label(metric),
        "metrics": {name: label(name) for name in metrics},
        "over": over,
        "gpu": sweep.gpu_hours > 0,
        "better": _way(sweep, metric),
        "choice": CHOICES[choice],
        "trials": len(sweep.trials),
        "asked": len(asked),
        "chosen": len(chosen),
        "best": sweep.best,
        "baseline": known.told.baseline.get(metric),
        "rungs": sorted({rung for t in sweep.trials.values() for rung in t.rungs}),
        "curves": [_curve(known, trial, metric, over) for trial in shown],
    }


def _asked(known: Followed, q: str) -> list[Trial]:
    """Return the trials that have reported and meet a filter."""
    names = set(_NAME.findall(q))
    query = Query(q=_NAME.sub(" ", q))
    sweep = known.told.sweep
    table = known.heard(TrialTable).refresh(sweep, known.version)
    rows = table.chosen(query.terms(table.known), (), "trial", descending=False)
    trials = list(sweep.trials.values())
    found = (trials[row] for row in rows)
    return [t for t in found if t.reports and (not names or t.name in names)]


def _chosen(sweep: Sweep, asked: Sequence[Trial], metric: str, choice: str) -> list[Trial]:
    """Return the trials of a choice, those to be drawn first at the front."""
    if choice == "newest":
        return list(asked)[::-1]
    found: Iterator[Trial] = iter(asked)
    if choice == "front":
        names = [entry["trial"] for entry in front_points(sweep)]
        parents = {p for n in names if n in sweep.between for p in sweep.between[n].parents}
        found = (t for t in asked if t.name in parents or t.name in names)
    elif choice == "running":
        found = (t for t in asked if sweep.state_of(t) == "RUNNING")
    elif choice == "stopped":
        found = (t for t in asked if sweep.state_of(t) in ("STOPPED", "PAUSED", "FAILED"))
    sign = 1.0 if _way(sweep, metric) == "min" else -1.0
    best = sweep.best

    def place(trial: Trial) -> tuple[bool, bool, float]:
        value = trial.reports[trial.step].get(metric, math.nan)
        loss = sign * value if math.isfinite(value) else math.inf
        return trial.name != best, trial.ended != "COMPLETE", loss

    return sorted(found, key=place)


def _way(sweep: Sweep, metric: str) -> str:
    own = sweep.search.objectives.get(metric) if sweep.search else None
    return own or better(metric)


def _curve(known: Followed, trial: Trial, metric: str, over: Over) -> dict[str, Any]:
    sweep = known.told.sweep
    steps = list(trial.reports)
    places: Sequence[float] = steps
    if over != "steps":
        places = known.heard(Course).spent(trial.name)[("cpu", "gpu").index(over)]
    told = zip(steps, places, trial.reports.values(), strict=False)
    points = sorted((step, place, metrics.get(metric, math.nan)) for step, place, metrics in told)
    points = [point for point in points if math.isfinite(point[2])]
    marks = {step for step, _, _ in points if step in trial.promoted}
    points = _thinned(points, marks)
    return {
        "trial": trial.name,
        "state": sweep.state_of(trial),
        "family": family({"recipe": trial.recipe}),
        "x": [_short(place) for _, place, _ in points],
        "y": [value for _, _, value in points],
        "promoted": [i for i, (step, _, _) in enumerate(points) if step in marks],
        "by": trial.stopped_by,
    }


def _thinned(
    points: list[tuple[int, float, float]], marks: set[int]
) -> list[tuple[int, float, float]]:
    """Return enough points for a figure, with those that carry a mark and the last one."""
    every = -(-len(points) // _FINE)
    last = len(points) - 1
    return [p for i, p in enumerate(points) if i % every == 0 or i == last or p[0] in marks]


def _short(place: float) -> float:
    return place if isinstance(place, int) else float(f"{place:.6g}")


def _metrics(sweep: Sweep) -> list[str]:
    """Return the metrics that trials report: objectives first, terms of losses last."""
    seen = dict.fromkeys(sweep.search.objectives if sweep.search else ())
    for trial in sweep.trials.values():
        if trial.reports:
            seen.update(dict.fromkeys(trial.reports[trial.step]))
    return sorted(seen, key=lambda name: "/" in name)
