"""What a sweep has spent, which limit of its budget that reaches, and topping the budget up."""

import math
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from acutance_platform.recipe import Problem, RecipeErrors
from acutance_platform.recipe.errors import refuse
from acutance_platform.search.fold import Sweep
from acutance_platform.search.promotion import section
from acutance_platform.search.schema import Budget

_OPTION = "--budget"


def spent(sweep: Sweep, now: float | None, budget: Budget | None = None) -> str | None:
    """Return which budget, other than the number of trials, is reached, in words.

    Args:
        sweep: Everything that is journalled.
        now: Seconds since the epoch, while a driver runs; None = the time of the last record.
        budget: To look at instead of the sweep's own.
    """
    limits = (budget or section(sweep).budget).model_dump(exclude={"trials"}, exclude_none=True)
    if not limits:
        return None
    used = spendings(sweep, now)
    for name, limit in limits.items():
        if used[name] >= limit:
            return f"budget {name} is reached: {used[name]:g} of {limit:g}"
    return None


def spendings(sweep: Sweep, now: float | None = None) -> dict[str, float]:
    """Return what is spent, by the names of the budget."""
    return {
        "trials": sweep.drawn,
        "steps": sweep.executed,
        "wall_hours": sweep.wall_hours(now),
        "gpu_hours": sweep.gpu_hours,
        "cpu_hours": sweep.cpu_hours,
    }


def budget_of(sweep: Sweep) -> dict[str, dict[str, Any]]:
    """Return limits and spendings for `status --json`; a single training has no limits."""
    limit = sweep.search.budget.model_dump(exclude_none=True) if sweep.search is not None else {}
    return {"limit": limit, "spent": spendings(sweep)}


def budget_words(document: dict[str, dict[str, Any]]) -> str:
    """Return the limits with what is spent of each and what is left, for people."""
    told = []
    for name, limit in document["limit"].items():
        used = document["spent"][name]
        left = max(0, limit - used)
        told.append(f"{name} {used:.4g} of {limit:g}, {left:.4g} left")
    return "; ".join(told)


def topped_up(sweep: Sweep, settings: Iterable[str]) -> Budget:
    """Return the sweep's budget with new limits.

    Args:
        sweep: Of a search.
        settings: `KEY=+NUMBER` above the present limit, `KEY=NUMBER` in its place.

    Raises:
        RecipeErrors: If a setting cannot be read, or nothing could go on with the new budget.
    """
    limits = section(sweep).budget.model_dump()
    problems = [p for setting in settings for p in _set(limits, setting)]
    if problems:
        raise RecipeErrors(problems)
    try:
        budget = Budget.model_validate(limits)
    except ValidationError as error:
        raise RecipeErrors(
            Problem(f"{_OPTION} {e['loc'][0]}", str(e["input"]), e["msg"], "Choose another number.")
            for e in error.errors()
        ) from None
    reached = spent(sweep, None, budget)
    if reached is not None:
        raise refuse(_OPTION, None, f"with this, {reached} already", "Choose a higher limit.")
    return budget


def _set(limits: dict[str, Any], setting: str) -> Iterable[Problem]:
    """Put one setting into the limits; yield what is wrong with it."""
    name, equals, text = setting.partition("=")
    known = ", ".join(limits)
    if name not in limits or not equals:
        yield Problem(_OPTION, setting, "a budget is KEY=NUMBER or KEY=+NUMBER", f"Keys: {known}.")
        return
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        yield Problem(f"{_OPTION} {name}", text, "this is a number", f"Write {name}=+4.")
        return
    if text.startswith("+"):
        if limits[name] is None:
            rule = f"the sweep has no limit of {name} to add to"
            way_out = f"Give the whole limit: {name}={text[1:]}."
            yield Problem(f"{_OPTION} {name}", text, rule, way_out)
            return
        number += limits[name]
    limits[name] = int(number) if number.is_integer() and name in ("trials", "steps") else number
