"""`search.initial`: points to start from, given as recipe paths and values."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, final

from acutance_models.rng import stream
from acutance_platform.recipe.errors import Problem
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.published_mix import names_preset, published_mix
from acutance_platform.search.simplex import Simplex
from acutance_platform.search.space import Draw, Space, Value, Variable
from acutance_platform.search.told import seed_of

PLACE = "search.initial"
DRAWS = 1000
"""Times that what a point leaves open is drawn at most until the whole is not forbidden."""


@final
class Pinned:
    """Draws given values for some variables and leaves the others to another draw."""

    def __init__(self, values: Mapping[str, Value], otherwise: Draw) -> None:
        self._values, self._otherwise = values, otherwise

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the pinned index, or what the other draw says."""
        if name in self._values:
            return int(self._values[name])
        return self._otherwise.choice(name, distribution)

    def integer(self, name: str, distribution: Integer) -> int:
        """Return the pinned number, or what the other draw says."""
        if name in self._values:
            return int(self._values[name])
        return self._otherwise.integer(name, distribution)

    def real(self, name: str, distribution: Real) -> float:
        """Return the pinned number, or what the other draw says."""
        if name in self._values:
            return float(self._values[name])
        return self._otherwise.real(name, distribution)


def pinned_values(space: Space, point: Mapping[str, Any]) -> dict[str, Value]:
    """Return the variables that a checked point decides, with the numbers that stand for it."""
    return _Reader(space, point, 0).values


def initial_draws(
    space: Space, point: Mapping[str, Any], place: int, base: Mapping[str, Any]
) -> Iterator[Draw]:
    """Yield draws of a checked point, from the recipe's seed and the point's place in the list.

    They differ in what the point leaves open.
    """
    values = pinned_values(space, point)
    for attempt in range(DRAWS):
        rng = stream(seed_of(None, base), "initial", place, attempt)
        yield Pinned(values, RandomDraw(rng))


def initial_problems(space: Space, points: list[dict[str, Any]]) -> list[Problem]:
    """Return what is wrong with the points, all at once."""
    return [
        problem
        for index, point in enumerate(points)
        for problem in _Reader(space, point, index).problems
    ]


def forbidden_initial(
    space: Space, points: list[dict[str, Any]], base: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield a problem for each checked point that is forbidden, whatever it leaves open."""
    for place, point in enumerate(points):
        if (
            space.forbidden
            and space.allowed(initial_draws(space, point, place, base), base) is None
        ):
            rule = "this point is a forbidden combination"
            way_out = "Change it, or the combination in search.forbidden."
            yield Problem(f"{PLACE}.{place}", str(point), rule, way_out)


class _Reader:
    """Reads one point against the space; every entry is a value or a problem."""

    def __init__(self, space: Space, point: Mapping[str, Any], index: int) -> None:
        self._space, self._place = space, f"{PLACE}.{index}"
        self.values: dict[str, Value] = {}
        self.problems: list[Problem] = []
        tops = {v.path: v for v in space if v.branch is None and v.simplex is None}
        mixes = {v.simplex.path: v.simplex for v in space if v.simplex is not None}
        for path, value in point.items():
            if path in mixes:
                self._mix(mixes[path], value)
            elif path in tops:
                self._value(tops[path], value, f"{self._place}.{path}")
            elif weights := _weights_below(path, tops):
                self._published(weights, value, f"{self._place}.{path}")
            else:
                rule = "an initial point sets paths of the search space"
                way_out = f"Its paths: {', '.join([*tops, *mixes])}."
                self.problems.append(Problem(f"{self._place}.{path}", str(value), rule, way_out))

    def _mix(self, mix: Simplex, value: Any) -> None:
        place = f"{self._place}.{mix.path}"
        weights = value
        if names_preset(value, mix.terms):
            weights = published_mix(value, mix.terms, place, self.problems)
            if not weights:
                return
        try:
            self.values |= mix.assignment(weights)
        except ValueError as error:
            way_out = f"Write for example {{{mix.terms[0]}: 1.0}}; weights are scaled to the total."
            if weights is not value:
                way_out = "Write sparse: true beside the simplex, or the weights of all terms."
            self.problems.append(Problem(place, str(value), str(error), way_out))

    def _published(self, weights: Mapping[str, Variable], value: Any, place: str) -> None:
        """Read what is said of a map of terms whose weights are searched one by one."""
        if not names_preset(value, weights):
            self._wrong(
                place, value, "weights searched one by one are set one by one, or by preset"
            )
            return
        for term, weight in published_mix(value, weights, place, self.problems).items():
            self._value(weights[term], weight, f"{place}.{term}.weight")

    def _value(self, variable: Variable, value: Any, place: str) -> None:
        distribution = variable.distribution
        if isinstance(distribution, Choice):
            self._option(variable, distribution, value, place)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._wrong(place, value, "this is a number")
        elif not distribution.low <= value <= distribution.high:
            self._wrong(place, value, f"it lies in [{distribution.low}, {distribution.high}]")
        elif not math.isclose(near := distribution.snap(value), value, rel_tol=1e-9):
            self._wrong(place, value, f"the nearest of the distribution's steps is {near}")
        else:
            self.values[variable.name] = value

    def _option(self, variable: Variable, choice: Choice, value: Any, place: str) -> None:
        for index, option in enumerate(choice.options):
            inside = dict(self._nested(variable, index, value))
            if not _same(option, value, {key.removeprefix(".") for key in inside}):
                continue
            self.values[variable.name] = index
            for key, (inner, given) in inside.items():
                self._value(inner, given, f"{place}{key}")
            return
        shown = "; ".join(str(option) for option in choice.options[:8])
        kind = "choice's options" if variable.variants is None else "variants' labels"
        self._wrong(place, value, f"it is one of the {kind}: {shown}")

    def _nested(
        self, variable: Variable, index: int, value: Any
    ) -> Iterator[tuple[str, tuple[Variable, Any]]]:
        """Yield the variables inside an option for which the value says something."""
        for inner in self._space:
            branch = inner.branch
            if branch is None or (branch.variable, branch.option) != (variable.name, index):
                continue
            key = inner.path.removeprefix(variable.path)
            if isinstance(value, Mapping) and key.removeprefix(".") in value:
                yield key, (inner, value[key.removeprefix(".")])

    def _wrong(self, place: str, value: Any, rule: str) -> None:
        way_out = "Change it, or leave it out to have it drawn."
        self.problems.append(Problem(place, str(value), rule, way_out))


def _weights_below(path: str, tops: Mapping[str, Variable]) -> dict[str, Variable]:
    """Return the variables that are weights of the terms of the map at a path, by term."""
    found: dict[str, Variable] = {}
    for name, variable in tops.items():
        term = name.removeprefix(f"{path}.").removesuffix(".weight")
        if name == f"{path}.{term}.weight" and "." not in term:
            found[term] = variable
    return found


def _same(option: Any, value: Any, drawn: set[str]) -> bool:
    """Say whether a value is an option, leaving out what is drawn inside it."""
    if isinstance(option, Mapping) and isinstance(value, Mapping):
        fixed = {key: item for key, item in value.items() if key not in drawn}
        return repr(sorted(fixed.items())) == repr(sorted(option.items()))
    return repr(option) == repr(value)
