"""Whether every draw of a search space is a recipe that can run, found before anything runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, final

from acutance_models.rng import stream
from acutance_platform.recipe import Problem, Recipe, RecipeErrors, build_recipe
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.initial import Pinned
from acutance_platform.search.paths import is_below
from acutance_platform.search.space import (
    Draw,
    Outcome,
    Space,
    Value,
    Variable,
    apply_to,
)

_MOST = 500
"""Recipes that are built at most; about a millisecond each."""
_TRIES = 200
"""Random draws that are made at most to find one where a variable's condition holds."""


def draw_problems(
    space: Space, recipe: Recipe, check: Callable[[Recipe], list[Problem]]
) -> list[Problem]:
    """Return why some draws cannot run; empty where each value can.

    Each option of a choice and both ends of each range are tried once, the other variables at
    their first values; or, where a condition does not hold for those, at the first of some random
    values for which it does. A combination that only some draws hit ends as a FAILED trial.

    Args:
        space: What is searched.
        recipe: The recipe around it.
        check: Returns what else is wrong with a recipe that could be built.
    """
    base = recipe.model_dump(mode="json")
    problems: list[Problem] = []
    first: list[Problem] = []
    elsewhere: dict[str, tuple[Variable, _Corner]] = {}
    for number, (variable, corner) in enumerate(_corners(space)):
        if number == _MOST:
            break
        drawn = space.draw(corner, base)
        absent = variable is not None and variable.name not in drawn.assignment
        if absent or space.forbids(drawn, base) is not None:
            # Its condition does not hold here, or nobody draws this.
            if variable is not None:
                elsewhere[variable.name] = variable, corner
            continue
        try:
            found = check(build_recipe(apply_to(base, drawn.apply)))
        except RecipeErrors as error:
            found = list(error.problems)
        if variable is None:
            first = found
        else:  # what the first draw lacked is no matter of this value
            found = [problem for problem in found if problem not in first]
        problems += [_placed(problem, variable, space, drawn) for problem in found]
    for variable, corner in elsewhere.values():
        problems += _problems_elsewhere(space, base, variable, corner, check)
    return list({(p.place, p.value): p for p in problems}.values())


def _problems_elsewhere(
    space: Space,
    base: Mapping[str, Any],
    variable: Variable,
    corner: "_Corner",
    check: Callable[[Recipe], list[Problem]],
) -> list[Problem]:
    """Return what is wrong with the values of a variable whose condition rarely holds.

    What all its values share is a matter of the others, unless it is said of its own path.
    """
    for number in range(_TRIES):
        found: list[tuple[Outcome, list[Problem]]] = []
        for value in _extremes(variable):
            others = RandomDraw(stream(0, "draws", number))
            drawn = space.draw(corner.among(others, {variable.name: value}), base)
            if variable.name not in drawn.assignment or space.forbids(drawn, base) is not None:
                break
            try:
                found.append((drawn, check(build_recipe(apply_to(base, drawn.apply)))))
            except RecipeErrors as error:
                found.append((drawn, list(error.problems)))
        else:
            shared = [p for p in found[0][1] if all(p in each for _, each in found)]
            return [
                _placed(p, variable, space, drawn)
                for drawn, each in found
                for p in each
                if p not in shared or any(is_below(p.place, path) for path in variable.writes)
            ]
    return []


@final
class _Corner:
    """Draws first values, but for the variables that are named."""

    def __init__(self, wanted: Mapping[str, Value]) -> None:
        self._wanted = wanted

    def among(self, others: Draw, changed: Mapping[str, Value]) -> Pinned:
        """Return a draw of the named values, some of them changed, and of others than the first."""
        return Pinned({**self._wanted, **changed}, others)

    def choice(self, name: str, distribution: Choice) -> int:
        return int(self._wanted.get(name, 0))

    def integer(self, name: str, distribution: Integer) -> int:
        return int(self._wanted.get(name, distribution.low))

    def real(self, name: str, distribution: Real) -> float:
        return float(self._wanted.get(name, distribution.low))


def _corners(space: Space) -> Iterator[tuple[Variable | None, _Corner]]:
    """Yield each variable with a draw that takes one of its extreme values."""
    yield None, _Corner({})
    by_name = {variable.name: variable for variable in space}
    for variable in space:
        way: dict[str, Value] = {}
        branch = variable.branch
        while branch is not None:
            way[branch.variable] = branch.option
            branch = by_name[branch.variable].branch
        for value in _extremes(variable)[1:] if not way else _extremes(variable):
            yield variable, _Corner({**way, variable.name: value})


def _extremes(variable: Variable) -> list[Value]:
    distribution = variable.distribution
    if isinstance(distribution, Choice):
        return list(range(len(distribution.options)))
    return [distribution.low, distribution.high]


def _placed(problem: Problem, variable: Variable | None, space: Space, drawn: Outcome) -> Problem:
    """Return the problem at the entry of the space that set the value, where one did."""
    labels = space.labels(drawn.assignment)
    for named in space.named:
        label = labels.get(named.name, "")
        for path in (path for path in named.settings.get(label, ()) if path in drawn.apply):
            if is_below(problem.place, path):
                below = problem.place.removeprefix(path)
                return replace(problem, place=named.place(label, path) + below)
    for path in (v.path for v in space if v.branch is None):
        if is_below(problem.place, path):
            return replace(problem, place=f"search.space.{problem.place}")
    if variable is None:
        return problem
    rule = f"a draw gives {problem.place}={problem.value}: {problem.rule}"
    if variable.variants is not None:
        place = variable.variants.place(labels[variable.name])
    else:
        tops = (v.path for v in space if v.branch is None and is_below(variable.path, v.path))
        place = f"search.space.{max(tops, key=len)}"
    return replace(problem, place=place, value="", rule=rule)
