"""The front of a sweep: trials and what lies between them, its knee, and picking from it."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from acutance_platform.search.constraints import parse_rule
from acutance_platform.search.feasibility import shown
from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import Direction, Point, front
from acutance_platform.search.numbers import plain
from acutance_platform.search.seeds import over_seeds
from acutance_platform.search.trial import Trial

Entry = dict[str, Any]
"""One point as `front --json` shows it."""


class Wanted(NamedTuple):
    """A model that `interpolate: front` still has to make."""

    first: str
    second: str
    alpha: float


def candidates(sweep: Sweep) -> list[Entry]:
    """Return every complete trial and every interpolated model, on the front or not.

    Each says whether it is `feasible`, and its `violations` of the constraints.
    """
    trials: list[Entry] = [
        {
            "trial": trial.name,
            "metrics": _plain(trial.reports[trial.step]),
            "weights": trial.weights,
            **shown(sweep, trial.reports[trial.step]),
            **over_seeds(sweep, trial),
        }
        for trial in _complete(sweep)
    ]
    between: list[Entry] = [
        {
            "trial": point.name,
            "alpha": point.alpha,
            "parents": list(point.parents),
            "metrics": _plain(point.metrics),
            "weights": point.weights,
            **shown(sweep, point.metrics),
        }
        for point in sweep.between.values()
    ]
    return [*trials, *between]


def front_points(sweep: Sweep, among: Sequence[Entry] | None = None) -> list[Entry]:
    """Return the points that no other one beats in every objective; one objective: its best trial.

    Only what meets the constraints counts, for being there and for beating others. Ordered by the
    first objective, the best first.

    Args:
        sweep: Any.
        among: Its candidates, where the caller has them already.
    """
    entries = candidates(sweep) if among is None else among
    found = [entry for entry in entries if entry["feasible"]]
    if sweep.search is None or len(sweep.search.objectives) == 1:
        return [entry for entry in found if entry["trial"] == sweep.best]
    values = objective_values(found, list(sweep.search.objectives))
    chosen = front(values, sweep.search.directions)
    sign = -1.0 if sweep.search.direction == "max" else 1.0
    return [found[i] for i in sorted(chosen, key=lambda i: sign * values[i][0])]


def objective_values(entries: Sequence[Entry], objectives: Sequence[str]) -> list[Point]:
    """Return the objectives of some points, NaN where one was not measured."""
    return [tuple(_value(entry, name) for name in objectives) for entry in entries]


def knee(entries: Sequence[Entry], directions: Mapping[str, Direction]) -> Entry | None:
    """Return the front point farthest from the line between the front's ends.

    The ends are the best points of the first and of the last objective; every objective is scaled
    to the front's range. Of equal distances the point that is better in the first objective counts.

    Args:
        entries: Of the front.
        directions: Objective -> `max` or `min`.
    """
    if not entries or not directions:
        return None
    points = objective_values(entries, list(directions))
    columns = list(zip(*points, strict=True))
    spans = [(max(column) - min(column)) or 1.0 for column in columns]
    scaled = [
        [(x - min(column)) / span for x, column, span in zip(point, columns, spans, strict=True)]
        for point in points
    ]
    signs = [1.0 if direction == "max" else -1.0 for direction in directions.values()]
    start = max(scaled, key=lambda point: signs[0] * point[0])
    stop = max(scaled, key=lambda point: signs[-1] * point[-1])
    best = max(
        range(len(points)),
        key=lambda i: (round(_distance(scaled[i], start, stop), 12), signs[0] * points[i][0]),
    )
    return entries[best]


def pick(
    entries: Sequence[Entry], rules: Sequence[str], by: str, directions: Mapping[str, Direction]
) -> Entry | None:
    """Return the best point in one objective of those that meet every rule; None where none does.

    Args:
        entries: Of the front.
        rules: `METRIC<=NUMBER`, or with `>=`, `<`, `>`.
        by: The objective.
        directions: Objective -> `max` or `min`.

    Raises:
        ValueError: If a rule cannot be read or names what no point has measured, or `by` is no
            objective.
    """
    if by not in directions:
        raise ValueError(f"{by} is no objective of this sweep; it has {', '.join(directions)}")
    known = dict.fromkeys(name for entry in entries for name in entry["metrics"])
    tests = [_test(rule, known) for rule in rules]
    left = [entry for entry in entries if all(test(entry) for test in tests)]
    sign = 1.0 if directions[by] == "max" else -1.0
    return max(left, key=lambda entry: sign * _value(entry, by), default=None)


def wanted_between(sweep: Sweep, networks: Mapping[str, str]) -> list[Wanted]:
    """Return what `interpolate: front` has to make still, in order.

    Trials of the front are neighbours if they follow each other in the first objective, among those
    that share their first stage and the network. Between equal weights there is nothing.

    Args:
        sweep: That has finished.
        networks: Trial on the front -> its network, in words that are equal for equal networks.
    """
    if sweep.search is None or sweep.search.interpolate is None:
        return []
    groups: dict[tuple[str, str], list[str]] = {}
    seen: set[str | None] = set()
    for name in front_trials(sweep):
        stages, weights = sweep.trials[name].stages, sweep.trials[name].weights
        if stages and name in networks and weights not in seen:
            seen.add(weights)
            groups.setdefault((stages[0][0], networks[name]), []).append(name)
    pairs = [pair for names in groups.values() for pair in pairwise(names)]
    made = {(point.parents, point.alpha) for point in sweep.between.values()}
    return [
        Wanted(first, second, alpha)
        for first, second in pairs
        for alpha in sweep.search.alphas
        if ((first, second), alpha) not in made
    ]


def front_trials(sweep: Sweep) -> list[str]:
    """Return the trials on the front of all trials, the best in the first objective first."""
    assert sweep.search is not None, "a single training has no front"
    complete = [trial for trial in _complete(sweep) if trial.weights is not None]
    trials = [t for t in complete if shown(sweep, t.reports[t.step])["feasible"]]
    entries = [{"metrics": _plain(trial.reports[trial.step])} for trial in trials]
    values = objective_values(entries, list(sweep.search.objectives))
    sign = -1.0 if sweep.search.direction == "max" else 1.0
    chosen = front(values, sweep.search.directions)
    return [trials[i].name for i in sorted(chosen, key=lambda i: sign * values[i][0])]


def _complete(sweep: Sweep) -> Iterator[Trial]:
    trials = (trial for trial in sweep.trials.values() if trial.repeats is None)
    return (t for t in trials if t.ended == "COMPLETE" and t.reports)


def _value(entry: Entry, name: str) -> float:
    value = entry["metrics"].get(name)
    return math.nan if value is None else float(value)


def _plain(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: plain(value) for name, value in metrics.items()}


def _test(text: str, known: Collection[str]) -> Callable[[Entry], bool]:
    rule = parse_rule(text)
    if known and rule.metric not in known:
        raise ValueError(f"no point has {rule.metric}; they have {', '.join(known)}")
    return lambda entry: rule.holds(_value(entry, rule.metric))


def _distance(point: Sequence[float], start: Sequence[float], stop: Sequence[float]) -> float:
    """Return how far a point is from the line through two others."""
    along = [b - a for a, b in zip(start, stop, strict=True)]
    length = math.hypot(*along)
    offset = [x - a for a, x in zip(start, point, strict=True)]
    if length == 0:
        return math.hypot(*offset)
    share = sum(x * y for x, y in zip(offset, along, strict=True)) / length**2
    return math.hypot(*(x - share * y for x, y in zip(offset, along, strict=True)))
