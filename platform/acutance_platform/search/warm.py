"""`search.from_sweeps`: what the trials of earlier sweeps say about points of this space.

Read once, when a sweep starts, and written into its journal: from then on the sweep knows what it
began with, whatever becomes of the earlier ones.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, final

from acutance_models import metric_name
from acutance_platform.recipe.errors import Problem
from acutance_platform.search.constraints import violations
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.history import history
from acutance_platform.search.paths import MISSING, get_path, is_below, leaves, overlap
from acutance_platform.search.schema import Search
from acutance_platform.search.space import Outcome, Space, Value, apply_to
from acutance_platform.search.told import Told
from acutance_platform.search.trial import Trial
from acutance_platform.search.variants import Variants

PLACE = "search.from_sweeps"
_FREE = ("resources", "checkpoint", "evaluation.every", "evaluation.metrics")
"""Recipe paths that change no objective at a given step; of the metrics, only objectives count."""
_NAMED = 4
"""Differences that a message names at most."""


def warm_record(
    name: str, earlier: Sweep, search: Search, recipe: Mapping[str, Any]
) -> tuple[Record, list[Problem]]:
    """Return what an earlier sweep tells this one, as the record that its journal keeps.

    Args:
        name: Of the earlier sweep.
        earlier: As its journal tells it; may still be running.
        search: The search section of this sweep.
        recipe: The recipe around this sweep's space.

    Returns:
        The record, and why nothing of that sweep may be told: its values were measured otherwise.
    """
    place = f"{PLACE}.{search.from_sweeps.index(name)}"
    problems = list(_differences(place, name, earlier, search, recipe))
    record: Record = {"do": "warm", "sweep": name, "told": [], "outside": 0}
    if problems:
        return record, problems
    then = {key: value for key, value in earlier.spec.items() if key != "search"}
    assert earlier.search is not None, "a training without a search is refused above"
    space, old = search.build_space(), earlier.search.build_space()
    for told in history(_judged(earlier, search)):
        if not told.values:
            continue
        full = apply_to(then, old.replay(told.assignment, then).apply)
        assignment = read_point(space, recipe, full)
        if assignment is None:
            record["outside"] += 1
            continue
        state = "resting" if told.state == "running" else told.state
        values = {str(rung): list(found) for rung, found in told.values.items()}
        entry = {"assignment": assignment, "state": state, "values": values}
        record["told"].append({**entry, "violation": told.violation})
    return record, []


def _judged(earlier: Sweep, search: Search) -> Sweep:
    """Return a sweep whose trials are judged by the constraints of another one."""

    def judged(trial: Trial) -> Trial:
        known = {rung: trial.reports.get(rung, {}) for rung in trial.values}
        return replace(
            trial, violations={r: violations(search.rules, told) for r, told in known.items()}
        )

    trials = {name: judged(trial) for name, trial in earlier.trials.items()}
    return replace(earlier, trials=trials, refused=[])


def warm_history(sweep: Sweep) -> list[Told]:
    """Return what a sweep was told of earlier ones when it started."""
    return [told for record in sweep.warm for told in warm_told(record)]


def warm_told(record: Record) -> list[Told]:
    """Return the trials of a record as samplers are told them."""
    return [
        Told(
            assignment=entry["assignment"],
            state=entry["state"],
            values={int(rung): tuple(values) for rung, values in entry["values"].items()},
            violation=float(entry["violation"]),
        )
        for entry in record["told"]
    ]


def warm_note(record: Record) -> str:
    """Return in words how much of an earlier sweep is told."""
    text = f"{len(record['told'])} trials of {record['sweep']} are told to the sampler"
    outside = record["outside"]
    return f"{text}; {outside} lie outside this space" if outside else text


def read_point(
    space: Space, base: Mapping[str, Any], recipe: Mapping[str, Any]
) -> dict[str, Value] | None:
    """Return the assignment of which a complete recipe is the outcome, or None where none is."""
    labels = ({v.name: i for v, i in each} for each in product(*_fitting(space, recipe)))
    found = (_read(space, base, recipe, each) for each in labels)
    return next((assignment for assignment in found if assignment is not None), None)


def _fitting(space: Space, recipe: Mapping[str, Any]) -> Iterator[list[tuple[Variants, int]]]:
    """Yield of each choice between variants the labels that a recipe does not contradict.

    What sets more comes first: a label that sets nothing fits any recipe.
    """
    for variants in space.named:
        fitting = [
            (variants, index)
            for index, settings in enumerate(variants.settings.values())
            if all(
                (value := get_path(dict(recipe), leaf)) is MISSING or _same(value, wanted)
                for path, setting in settings.items()
                for leaf, wanted in leaves(setting, path)
            )
        ]
        sizes = [len(settings) for settings in variants.settings.values()]
        yield sorted(fitting, key=lambda each: -sizes[each[1]])


def _read(
    space: Space, base: Mapping[str, Any], recipe: Mapping[str, Any], labels: Mapping[str, int]
) -> dict[str, Value] | None:
    """Return the assignment with these labels of which a recipe is the outcome, or None."""
    try:
        outcome: Outcome = space.draw(_Reading(space, recipe, labels), base)
    except ValueError:
        return None
    mine, its = dict(leaves(apply_to(base, outcome.apply), "")), dict(leaves(dict(recipe), ""))
    allowed = space.forbids(outcome, base) is None
    same = all(
        _same(mine.get(path, MISSING), its.get(path, MISSING))
        for path in {**mine, **its}
        if not _is_free(path.removeprefix("."))
    )
    return outcome.assignment if same and allowed else None


def _differences(
    place: str, name: str, earlier: Sweep, search: Search, recipe: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield why the values of an earlier sweep do not compare with those of this one."""
    if earlier.search is None:
        rule = "only a sweep has trials to start from" if earlier.name else "there is no such sweep"
        yield Problem(place, name, rule, "`acutance status` lists the sweeps of the store.")
        return
    way_out = "Make them equal, or leave this sweep out."
    here, there = list(search.objectives.items()), list(earlier.search.objectives.items())
    if here != there:
        rule = f"its objectives are {dict(there)}, and here {dict(here)}"
        yield Problem(place, name, rule, way_out)
        return
    spaces = [*search.build_space(), *earlier.search.build_space()]
    tops = [variable for variable in spaces if variable.branch is None]
    searched = {path for v in tops for path in ([v.simplex.path] if v.simplex else v.writes)}
    mine = _compared(recipe, search)
    its = _compared({k: v for k, v in earlier.spec.items() if k != "search"}, search)
    found = [
        f"{path} is {_text(its.get(path, MISSING))} there and {_text(mine.get(path, MISSING))} here"
        for path in {**mine, **its}
        if not _same(mine.get(path, MISSING), its.get(path, MISSING))
        and not any(overlap(path, other) for other in searched)
    ]
    if found:
        more = f", and {len(found) - _NAMED} more differ" if len(found) > _NAMED else ""
        rule = f"values compare at equal fidelity only: {'; '.join(found[:_NAMED])}{more}"
        yield Problem(place, name, rule, way_out)


def _compared(recipe: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """Return the leaves of a recipe that change objectives at a given step."""
    metrics = get_path(dict(recipe), "evaluation.metrics")
    known = metrics if isinstance(metrics, list | tuple) else []
    found = {
        path.removeprefix("."): value
        for path, value in leaves(dict(recipe), "")
        if not _is_free(path.removeprefix("."))
    }
    for entry in known:
        if metric_name(entry) in search.objectives:
            found[f"evaluation.metrics.{metric_name(entry)}"] = entry
    return found


def _is_free(path: str) -> bool:
    return any(is_below(path, free) for free in _FREE)


def _same(first: Any, second: Any) -> bool:
    """Say whether two values are one; weights of a mix come back with the noise of a logarithm."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-6)
    if first is MISSING or second is MISSING:
        return first is second
    return _text(first) == _text(second)


def _text(value: Any) -> str:
    return "absent" if value is MISSING else json.dumps(value, sort_keys=True)


@final
class _Reading:
    """Draws what a complete recipe says; ValueError where that is no member of the space."""

    def __init__(self, space: Space, recipe: Mapping[str, Any], labels: Mapping[str, int]) -> None:
        self._space, self._recipe, self._labels = space, dict(recipe), labels
        self._variables = {variable.name: variable for variable in space}

    def choice(self, name: str, distribution: Choice) -> int:
        variable = self._variables[name]
        if variable.simplex is not None:
            return int(self._mixed(name))
        if variable.variants is not None:
            return self._labels[name]
        value = get_path(self._recipe, variable.path)
        for index, option in enumerate(distribution.options):
            inside = [
                inner.path.removeprefix(variable.path).split(".")[1:]
                for inner in self._space
                if inner.branch is not None
                and (inner.branch.variable, inner.branch.option) == (name, index)
            ]
            if value is not MISSING and _same(_without(value, inside), _without(option, inside)):
                return index
        raise ValueError(name)

    def integer(self, name: str, distribution: Integer) -> int:
        value = get_path(self._recipe, self._variables[name].path)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not distribution.low <= value <= distribution.high:
            raise ValueError(name)
        if (value - distribution.low) % distribution.step:
            raise ValueError(name)
        return int(value)

    def real(self, name: str, distribution: Real) -> float:
        variable = self._variables[name]
        if variable.simplex is not None:
            return self._mixed(name)
        value = get_path(self._recipe, variable.path)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(name)
        if not math.isclose(distribution.snap(float(value)), value, rel_tol=1e-9):
            raise ValueError(name)
        return float(value)

    def _mixed(self, name: str) -> float:
        mix = self._variables[name].simplex
        terms = get_path(self._recipe, mix.path) if mix is not None else MISSING
        if mix is None or not isinstance(terms, Mapping):
            raise ValueError(name)
        weights = {t: terms[t].get("weight") for t in mix.terms if t in terms}
        return float(mix.assignment(weights)[name])


def _without(value: Any, inside: Sequence[Sequence[str]]) -> Any:
    """Return a value without what stands at some paths below it."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: _without(item, [path[1:] for path in inside if path[0] == key])
        for key, item in value.items()
        if [key] not in [list(path) for path in inside]
    }
