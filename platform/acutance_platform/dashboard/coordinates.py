"""Parallel coordinates: every trial through its searched recipe paths and its results."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.points import better
from acutance_platform.report.words import label, setting, short_paths
from acutance_platform.search.fold import Sweep
from acutance_platform.search.schema import COSTS
from acutance_platform.search.trial import Trial

_OPTIONS = 24
"""Values of a category that its axis names; those behind share the last place."""


def coordinates(known: Followed) -> dict[str, Any]:
    """Return axes with one value per trial, None where a trial has none.

    Paths that are equal in all trials have no axis. A number's axis is logarithmic where it spans
    more than a decade above zero; everything else is a category, told by place in its options.
    """
    sweep = known.told.sweep
    trials = [trial for trial in sweep.trials.values() if trial.repeats is None]
    recipes = [_flat({**trial.recipe, **trial.overrides}) for trial in trials]
    paths = dict.fromkeys(path for recipe in recipes for path in recipe)
    short = short_paths(paths)
    axes = []
    for path in paths:
        axis = _axis([recipe.get(path) for recipe in recipes], log=".loss." not in path)
        if axis is not None:
            axes.append({"path": path, "label": short[path], "result": False, **axis})
    last = [trial.reports[trial.step] if trial.reports else {} for trial in trials]
    for name in _results(sweep, last):
        values = [metrics.get(name) for metrics in last]
        axis = _axis([v if v is not None and math.isfinite(v) else None for v in values], log=False)
        if axis is not None:
            axis |= _ends([v for v, t in zip(axis["values"], trials, strict=True) if _done(t)])
            axes.append({"path": name, "label": label(name), "result": True, **axis})
    objectives = dict(sweep.search.objectives) if sweep.search else {}
    return {
        "version": known.version,
        "trials": [trial.name for trial in trials],
        "complete": [int(_done(trial)) for trial in trials],
        "best": sweep.best,
        "objectives": objectives,
        "better": {
            axis["path"]: objectives.get(axis["path"]) or better(axis["path"])
            for axis in axes
            if axis["result"]
        },
        "axes": axes,
    }


def _done(trial: Trial) -> bool:
    return trial.ended == "COMPLETE"


def _ends(values: Sequence[float | None]) -> dict[str, float]:
    """Return the ends of a result's axis: those of complete trials, where there are two of them.

    A trial that was stopped because it was bad would press all others together.
    """
    told = [value for value in values if value is not None]
    return {"low": min(told), "high": max(told)} if len(set(told)) > 1 else {}


def _results(sweep: Sweep, last: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the metrics that have an axis: objectives, constraints, costs that were measured."""
    asked = [*sweep.search.objectives, *sweep.search.constraints] if sweep.search else ["psnr_y"]
    seen = {name for metrics in last for name in metrics}
    return [name for name in dict.fromkeys([*asked, *COSTS]) if name in seen]


def _flat(recipe: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return leaf values by dotted path."""
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{before}{key}."))
        else:
            found[f"{before}{key}"] = value
    return found


def _axis(values: Sequence[Any], *, log: bool) -> dict[str, Any] | None:
    """Return an axis of some values; None where all are equal."""
    told = [value for value in values if value is not None]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in told)
    if not told or (len(told) == len(values) and len(set(map(repr, told))) < 2):
        return None
    if numbers:
        low, high = min(told), max(told)
        wide = log and low > 0 and high / low > 10
        return {"kind": "log" if wide else "number", "low": low, "high": high, "values": values}
    texts = [None if value is None else setting(value) for value in values]
    options = sorted({text for text in texts if text is not None})
    at = {text: min(i, _OPTIONS - 1) for i, text in enumerate(options)}
    named = options[:_OPTIONS]
    if len(options) > _OPTIONS:
        named[-1] = f"{len(options) - _OPTIONS + 1} others"
    places = [None if text is None else at[text] for text in texts]
    return {"kind": "category", "options": named, "values": places}
