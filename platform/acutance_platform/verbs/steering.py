"""`stop`, `enqueue` and `budget`: ask something of a running sweep, from anywhere."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import yaml

from acutance_platform.recipe import RecipeErrors, refuse
from acutance_platform.search.initial import PLACE, initial_problems
from acutance_platform.search.requests import Requests
from acutance_platform.search.spending import topped_up
from acutance_platform.search.table import parse_space
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import Told, finished, open_sweep, seen_from


def stop(address: str, *, home: Home | None = None, told: Told | None = None) -> dict[str, Any]:
    """Ask a running sweep or training, or one trial of a sweep, to save its state and end.

    A stopped sweep is INTERRUPTED, and `resume` goes on with it. A stopped trial is STOPPED for
    good; its slot goes to another one.

    Args:
        address: SWEEP or SWEEP/TRIAL.
        home: Store and local folder; None takes what the environment says.
        told: What the sweep's journal says now, of who follows it; None reads it.

    Returns:
        The request, with `sweep`, and in `driven` whether a driver is there to honour it now; else
        the next `resume` does.

    Raises:
        RecipeErrors: If there is no such sweep or trial, or it has ended.
    """
    home = home or open_home()
    name, trial = split(address)
    told, driven = _going(home, name, "be stopped", told)
    if trial is None or told.sweep.search is None:
        if trial is not None:
            trial_of(told, trial)
        if not driven:
            way_out = f"Its state is saved. Go on with: acutance resume {name}"
            raise refuse("SWEEP", name, "it does not run", way_out)
        return _posted(home, name, driven, "stop")
    known = trial_of(told, trial)
    if known.ended is not None:
        raise refuse("TRIAL", address, f"this trial has ended, it is {known.ended}", _look(name))
    return _posted(home, name, driven, "stop", trial=trial)


def enqueue(name: str, *, sets: Iterable[str], home: Home | None = None) -> dict[str, Any]:
    """Ask a sweep to run a point as its next new trial, beyond its budget of trials.

    Args:
        name: Of the sweep.
        sets: `path=value` of its search space; what they leave out is drawn.
        home: Store and local folder; None takes what the environment says.

    Returns:
        As for `stop`.

    Raises:
        RecipeErrors: If there is no such sweep, it has ended, or the point is not of its space.
    """
    home = home or open_home()
    search = open_sweep(home.store, name).sweep.search
    if search is None:
        way_out = "Points are added to sweeps. Train another recipe with `acutance train`."
        raise refuse("SWEEP", name, "this is a single training", way_out)
    _, driven = _going(home, name, "take a point")
    point = _point(sets)
    problems = initial_problems(parse_space(search.space), [point])
    if problems:
        head = f"{PLACE}.0."
        raise RecipeErrors(
            replace(problem, place=f"--set {problem.place.removeprefix(head)}")
            for problem in problems
        )
    return _posted(home, name, driven, "enqueue", point=point)


def budget(
    name: str,
    *,
    settings: Iterable[str],
    home: Home | None = None,
    told: Told | None = None,
) -> dict[str, Any]:
    """Ask a running sweep to go on with other limits.

    Args:
        name: Of the sweep.
        settings: `KEY=NUMBER`, or `KEY=+NUMBER` above the limit that holds when it is honoured.
        home: Store and local folder; None takes what the environment says.
        told: As for `stop`.

    Returns:
        As for `stop`, with `settings`, and in `limits` what would hold by now.

    Raises:
        RecipeErrors: If there is no such sweep, no driver runs it, or the limits cannot be used.
    """
    home, asked = home or open_home(), list(settings)
    told = seen_from(home, told or open_sweep(home.store, name))
    if told.sweep.search is None:
        raise refuse("SWEEP", name, "a single training has no budget", _look(name))
    if not asked:
        raise refuse("KEY=NUMBER", None, "this names at least one limit", "Write trials=+4.")
    limits = topped_up(told.sweep, asked).model_dump(exclude_none=True)
    if not told.sweep.running:
        words = " ".join(f"--budget {setting}" for setting in asked)
        way_out = f"Let it go on with: acutance resume {name} {words}"
        raise refuse("SWEEP", name, f"it does not run, it is {told.sweep.state}", way_out)
    return {**_posted(home, name, True, "budget", settings=asked), "limits": limits}


def split(address: str) -> tuple[str, str | None]:
    """Return the sweep and the trial, if one is named, of SWEEP or SWEEP/TRIAL."""
    name, slash, trial = address.partition("/")
    return name, trial if slash else None


def trial_of(told: Told, name: str) -> Any:
    """Return a trial of a sweep.

    Raises:
        RecipeErrors: If it has none of that name.
    """
    known = told.sweep.trials
    if name not in known:
        shown = f"{next(iter(known))} to {next(reversed(known))}" if known else "none yet"
        raise refuse("TRIAL", name, "the sweep has no such trial", f"It has {shown}.")
    return known[name]


def _going(home: Home, name: str, what: str, told: Told | None = None) -> tuple[Told, bool]:
    """Return a sweep that can still do what is asked, and whether a driver runs it."""
    told = seen_from(home, told or open_sweep(home.store, name))
    if finished(told):
        rule = f"it is {told.sweep.state}, and what has ended cannot {what}"
        raise refuse("SWEEP", name, rule, _instead(told, what))
    return told, told.sweep.running


def _instead(told: Told, what: str) -> str:
    """Return what to do with a sweep or training that has ended."""
    name, search = told.sweep.name, told.sweep.search
    if search is None or what == "be stopped":
        return _look(name)
    anew = "egin a sweep of another --name with the point under search.initial."
    limited = [key for key, limit in search.budget.model_dump().items() if limit is not None]
    if not limited:  # a whole grid
        return f"B{anew}"
    return (
        f"Let it go on in one terminal (acutance resume {name} --budget {limited[0]}=+1) and "
        f"repeat this in another, or b{anew}"
    )


def _posted(home: Home, name: str, driven: bool, do: str, **what: Any) -> dict[str, Any]:
    return {"sweep": name, **Requests(home.store, name).post(do, **what), "driven": driven}


def _look(name: str) -> str:
    return f"Look at it with: acutance status {name}"


def _point(sets: Iterable[str]) -> dict[str, Any]:
    point: dict[str, Any] = {}
    for setting in sets:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            way_out = "Write --set optimizer.lr=1.0e-3."
            raise refuse("--set", setting, "a setting is path=value", way_out)
        try:
            point[path.strip()] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise refuse(f"--set {path}", text, "the value is not YAML", "Quote it.") from None
    if not point:
        way_out = "Write --set PATH=VALUE, once for each path of its space that is to be fixed."
        raise refuse("--set", None, "a point has at least one value", way_out)
    return point
