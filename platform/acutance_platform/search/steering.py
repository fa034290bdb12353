"""What becomes of a request to a running sweep; no clock, no files.

Each request ends as one record of the journal with its id: `stop`, `enqueue`, `budget`, or
`declined` with the reason. The record says who asked; whatever follows from it is journalled after
it.
"""

from collections.abc import Collection, Mapping
from typing import Any

from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.decisions import stopped
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.initial import initial_problems
from acutance_platform.search.space import Space
from acutance_platform.search.spending import topped_up


def honour(
    sweep: Sweep,
    request: Mapping[str, Any],
    *,
    active: Collection[str],
    space: Space | None,
    now: float,
) -> list[Record]:
    """Return the records of a request, the one with its id first.

    Args:
        sweep: Everything that is journalled.
        request: See `requests.Request`.
        active: Trials of which a leg holds a slot: such a trial ends at its next report, when its
            state is saved.
        space: Of the search; None for a single training, which takes no points.
        now: Seconds since the epoch.
    """
    base = {"request": request["id"], "by": request["by"], "time": now}
    try:
        return _accepted(sweep, request, base, active, space)
    except ValueError as why:
        declined = {"do": "declined", "asked": request["do"], "why": str(why)}
        return [{**declined, **_target(request), **base}]


def _accepted(
    sweep: Sweep,
    request: Mapping[str, Any],
    base: Record,
    active: Collection[str],
    space: Space | None,
) -> list[Record]:
    if request["do"] == "enqueue":
        return [_enqueued(request, base, space)]
    if request["do"] == "budget":
        return [_topped_up(sweep, request, base)]
    if request["do"] != "stop":
        raise ValueError("this version of acutance does not know such a request")
    name = request.get("trial")
    if sweep.search is None and any(t.ended is not None for t in sweep.trials.values()):
        raise ValueError("the training had ended already")
    if name is None or sweep.search is None:
        return [{"do": "stop", **base}]
    trial = sweep.trials.get(name)
    if trial is None:
        raise ValueError(f"there is no trial {name}")
    if trial.ended is not None:
        raise ValueError(f"{name} had ended already, it is {trial.ended}")
    records: list[Record] = [{"do": "stop", **_target(request), **base}]
    if name not in active:
        records.append(stopped(trial, base["time"]))
    return records


def _enqueued(request: Mapping[str, Any], base: Record, space: Space | None) -> Record:
    point = request.get("point")
    if space is None:
        raise ValueError("a single training has no search space")
    if not isinstance(point, dict) or not point:
        raise ValueError("it names no point")
    problems = initial_problems(space, [point])
    if problems:
        raise ValueError("; ".join(map(str, problems)))
    return {"do": "enqueue", "point": point, **base}


def _topped_up(sweep: Sweep, request: Mapping[str, Any], base: Record) -> Record:
    settings = request.get("settings")
    if sweep.search is None:
        raise ValueError("a single training has no budget")
    if not isinstance(settings, list) or not settings:
        raise ValueError("it names no limit")
    try:
        limits = topped_up(sweep, map(str, settings))
    except RecipeErrors as why:
        raise ValueError(str(why)) from None
    return {"do": "budget", "budget": limits.model_dump(), **base}


def _target(request: Mapping[str, Any]) -> Record:
    return {"trial": request["trial"]} if request.get("trial") is not None else {}
