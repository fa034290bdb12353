"""A sweep's points as columns, the front of those that meet some rules, and one point's card."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.kept import Document
from acutance_platform.recipe import refuse
from acutance_platform.report.data import family
from acutance_platform.report.words import label, number, over_seeds, setting
from acutance_platform.search.constraints import Rule, parse_rule
from acutance_platform.search.course import Course
from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import Direction, front, hypervolume
from acutance_platform.search.points import Entry, candidates, knee, pick
from acutance_platform.search.schema import COSTS
from acutance_platform.search.status import front_summary

_Column = NDArray[np.float64]


class View(NamedTuple):
    """What somebody looks at."""

    x: str
    y: str
    objectives: tuple[tuple[str, Direction], ...]
    """What the front is over: the sweep's objectives, or the two axes."""
    rules: tuple[Rule, ...]
    by: str
    """What the picked point is best in; empty for the first objective."""


@final
class Points:
    """All points of a sweep at one version.

    Args:
        known: The sweep.
    """

    def __init__(self, known: Followed) -> None:
        sweep = known.told.sweep
        self.sweep_name, self.version = sweep.name, known.version
        self.entries = candidates(sweep)
        self.objectives: dict[str, Direction] = (
            dict(sweep.search.objectives) if sweep.search else {}
        )
        rules = sweep.search.rules if sweep.search else ()
        self.metrics = _shown_metrics(self.entries, self.objectives, rules)
        self.values = {name: _column(self.entries, name) for name in self.metrics}
        self.counted = np.array([bool(entry["feasible"]) for entry in self.entries], bool)
        self.better = {name: self.objectives.get(name) or better(name) for name in self.metrics}
        self.summary = front_summary(sweep, known.told.baseline, among=self.entries)
        self.own_front: list[Entry] = self.summary["points"]
        self.baseline = dict(known.told.baseline)
        self.course = _course(known, self.summary["reference"], self.objectives)
        self._texts = _texts(sweep, self.entries)

    @functools.cached_property
    def document(self) -> Document:
        """What the page of the front draws, as columns."""
        kept = {key: self.summary[key] for key in ("reference", "hypervolume", "constraints")}
        families = sorted(set(self._texts))
        at = {name: i for i, name in enumerate(families)}
        entries = list(enumerate(self.entries))
        columns = {
            "version": self.version,
            "objectives": self.objectives,
            "baseline": self.baseline,
            **kept,
            "metrics": {
                name: {"label": label(name), "better": self.better[name]} for name in self.metrics
            },
            "families": families,
            "points": {
                "name": [entry["trial"] for entry in self.entries],
                "family": [at[text] for text in self._texts],
                "feasible": self.counted.astype(int).tolist(),
                "values": {name: _plain(column) for name, column in self.values.items()},
            },
            "parents": {i: [*e["parents"], e["alpha"]] for i, e in entries if "parents" in e},
            "seeds": {
                i: {key: entry[key] for key in ("seeds", "mean", "spread")}
                for i, entry in entries
                if "mean" in entry
            },
            "course": self.course,
        }
        return Document(columns)

    def left(self, view: View) -> dict[str, Any]:
        """Return the exact front of the feasible points that meet the rules of a view."""
        keep = self.counted.copy()
        for rule in view.rules:
            keep &= _holds(rule, self.values.get(rule.metric), len(self.entries))
        names = [name for name, _ in view.objectives]
        places = np.flatnonzero(keep)
        points = list(zip(*(self.values[n][places].tolist() for n in names), strict=True))
        ways = [way for _, way in view.objectives]
        chosen = front(points, ways) if names else []
        sign = -1.0 if ways and ways[0] == "max" else 1.0
        chosen.sort(key=lambda i: sign * points[i][0])
        entries = [self.entries[places[i]] for i in chosen]
        bent = knee(entries, dict(view.objectives)) if len(entries) > 2 else None
        return {
            "version": self.version,
            "left": int(keep.sum()),
            "front": [int(places[i]) for i in chosen],
            "knee": bent["trial"] if bent else None,
            "hypervolume": self._volume([points[i] for i in chosen], names, ways),
            **self._picked(view),
        }

    def _volume(
        self, points: Sequence[Sequence[float]], names: list[str], ways: list[Direction]
    ) -> float | None:
        known: Mapping[str, float] = self.summary["reference"]
        if not names or any(name not in known for name in names):
            return None
        return hypervolume(points, ways, [known[name] for name in names])

    def _picked(self, view: View) -> dict[str, Any]:
        """Return what `acutance front --pick` answers to the same rules."""
        if not self.objectives:
            return {"picked": None, "command": None}
        by = view.by or next(iter(self.objectives))
        texts = [f"{rule.metric}{rule.op}{rule.bound!r}".removesuffix(".0") for rule in view.rules]
        try:
            found = pick(self.own_front, texts, by, self.objectives)
        except ValueError as error:
            rule = str(error)
            way_out = "Write where=METRIC>=NUMBER, and by=OBJECTIVE."
            raise refuse("where", " ".join(texts), rule, way_out) from None
        words = " ".join(f"--pick '{text}'" for text in texts)
        command = f"acutance front {self.sweep_name} {words} --by {by}".replace("  ", " ")
        return {"picked": found["trial"] if found else None, "command": command}


def read_view(points: Points, x: str, y: str, of: str, where: Sequence[str], by: str) -> View:
    """Return what an address asks for, with what it leaves open filled in.

    Raises:
        RecipeErrors: If it names what no point has, or a rule cannot be read.
    """
    x, y = x or first_axes(points)[0], y or first_axes(points)[1]
    for place, name in (("x", x), ("y", y)):
        if points.metrics and name not in points.metrics:
            known = ", ".join(points.metrics)
            raise refuse(place, name, "no point has this metric", f"They have {known}.")
    try:
        rules = tuple(map(parse_rule, where))
    except ValueError as error:
        raise refuse("where", " ".join(where), str(error), "Write METRIC>=NUMBER.") from None
    for rule in rules:
        if points.metrics and rule.metric not in points.metrics:
            known = ", ".join(points.metrics)
            raise refuse("where", str(rule), "no point has this metric", f"They have {known}.")
    if of not in ("", "objectives", "axes"):
        raise refuse("of", of, "a front is over objectives or axes", "Write of=axes.")
    both = len(points.objectives) > 1 if of == "" else of == "objectives"
    axes = {name: points.better[name] for name in (x, y) if name in points.better}
    over = points.objectives if both else axes
    return View(x, y, tuple(over.items()) if points.metrics else (), rules, by)


def first_axes(points: Points) -> tuple[str, str]:
    """Return the axes of a sweep's front unless others are asked for.

    The first two objectives; where there is one alone, it over what a model costs.
    """
    names = list(points.objectives) or points.metrics[:1] or ["psnr_y"]
    if len(names) > 1:
        return names[0], names[1]
    costs = [name for name in ("macs_per_pixel", "parameters") if name in points.metrics]
    others = [name for name in points.metrics if name != names[0]]
    return (costs or others or names)[0], names[0]


def better(metric: str) -> Direction:
    """Return whether more or less of a metric is better, as its class says; of costs less is."""
    from acutance_models.metrics import METRICS

    if metric in COSTS:
        return "min"
    way = getattr(METRICS[metric], "better", "max") if metric in METRICS else "max"
    return "min" if way == "min" or "loss" in metric else "max"


def card(known: Followed, point: str) -> dict[str, Any]:
    """Return what is said of one point: its metrics and its recipe, in words.

    Raises:
        RecipeErrors: If the sweep has no such point.
    """
    sweep = known.told.sweep
    between = sweep.between.get(point)
    trial = sweep.trials.get(between.parents[0] if between else point)
    if trial is None:
        raise refuse("POINT", point, f"{sweep.name} has no such trial or point", "See its table.")
    metrics = between.metrics if between else trial.reports.get(trial.step, {})
    entry = next((e for e in candidates_of(sweep, point) if e["trial"] == point), None)
    shown = [
        [label(name), number(name, value if math.isfinite(value) else None)]
        + ([over_seeds(name, entry)] if entry is not None and name in entry.get("mean", {}) else [])
        for name, value in metrics.items()
        if "/" not in name
    ]
    recipe = {} if between else {**trial.recipe, **trial.overrides}
    return {
        "point": point,
        "state": None if between else sweep.state_of(trial),
        "step": None if between else trial.step,
        "parents": [*between.parents, between.alpha] if between else None,
        "metrics": shown,
        "recipe": [[path, setting(value)] for path, value in recipe.items()],
        "violations": list(entry["violations"]) if entry is not None else [],
        "weights": between.weights if between else trial.weights,
    }


def candidates_of(sweep: Sweep, point: str) -> list[Entry]:
    """Return the entry of one point, as a list of one or none."""
    few = Sweep(search=sweep.search, repeated=sweep.repeated)
    few.trials = {point: sweep.trials[point]} if point in sweep.trials else {}
    few.between = {point: sweep.between[point]} if point in sweep.between else {}
    return candidates(few)


def _shown_metrics(
    entries: Sequence[Entry], objectives: Mapping[str, Direction], rules: Sequence[Rule]
) -> list[str]:
    """Return objectives first, then constraints and all else that is no term of a loss."""
    seen = dict.fromkeys(name for entry in entries for name in entry["metrics"])
    ordered = dict.fromkeys([*objectives, *(rule.metric for rule in rules), *seen])
    asked = {*objectives, *(rule.metric for rule in rules)}
    return [name for name in ordered if name in seen and ("/" not in name or name in asked)]


def _column(entries: Sequence[Entry], name: str) -> _Column:
    values = [entry["metrics"].get(name) for entry in entries]
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _plain(column: _Column) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in column.tolist()]


def _holds(rule: Rule, column: _Column | None, count: int) -> NDArray[np.bool_]:
    if column is None:
        return np.zeros(count, bool)
    return np.fromiter(map(rule.holds, column.tolist()), bool, count)


def _course(
    known: Followed, reference: Mapping[str, float], objectives: Mapping[str, Direction]
) -> dict[str, list[float]] | None:
    """Return the hypervolume over hours; None where an objective has no reference."""
    if not objectives or any(name not in reference for name in objectives):
        return None
    moments = known.heard(Course).moments
    return {
        "wall": [m.wall_hours for m in moments],
        "cpu": [m.cpu_hours for m in moments],
        "gpu": [m.gpu_hours for m in moments],
        "volume": list(known.heard(Course).volumes(known.told.sweep, reference)),
    }


def _texts(sweep: Sweep, entries: Sequence[Entry]) -> list[str]:
    """Return each point's family: the generator's kind, where the sweep varies it."""
    return [
        "interpolated"
        if "parents" in entry
        else family({"recipe": sweep.trials[entry["trial"]].recipe})
        for entry in entries
    ]
