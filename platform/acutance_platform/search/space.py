"""The search space: a table of dotted recipe paths, drawn one variable after the other.

The table is flattened once: each distribution, nested ones included, becomes one `Variable` with a
name of its own, and variables are sorted so that what a branch or a condition needs is drawn
before it. Who draws is behind the `Draw` protocol: a sampler, the grid, or a recorded assignment.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, final

from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.search.conditions import When
from acutance_platform.search.distributions import Choice, Distribution, Integer, Real
from acutance_platform.search.paths import get_path, leaves, set_path

Value = int | float


class Draw(Protocol):
    """Decides the value of each variable; called once per variable of the branches taken."""

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the index of one option."""

    def integer(self, name: str, distribution: Integer) -> int:
        """Return a member of the distribution."""

    def real(self, name: str, distribution: Real) -> float:
        """Return a value between the ends; it is snapped to the step."""


@dataclass(frozen=True)
class Branch:
    """The option of a choice inside which a variable stands."""

    variable: str
    option: int


@dataclass(frozen=True)
class Variable:
    """One distribution of the table.

    Attributes:
        name: Unique in the space: `generator`, and `generator[1].groups` for what stands in the
            choice's second option, so that one name never has two distributions.
        path: Dotted recipe path that is written.
        distribution: What may be drawn.
        branch: The option inside which it stands, or None at the top of the table.
        when: Condition on the recipe as drawn so far, or None.
    """

    name: str
    path: str
    distribution: Distribution
    branch: Branch | None = None
    when: When | None = None


@dataclass(frozen=True)
class Outcome:
    """One point of the space.

    Attributes:
        assignment: Variable name -> number drawn (of a choice, the index of the option).
        apply: Recipe path -> value to set, in this order; a map replaces what stood there.
        shown: The same as dotted leaves, as tables and runs display it.
    """

    assignment: dict[str, Value]
    apply: dict[str, Any]
    shown: dict[str, Any]


@final
class Space:
    """A checked search space.

    Args:
        variables: In an order in which they can be drawn.
    """

    def __init__(self, variables: tuple[Variable, ...]) -> None:
        self.variables = variables

    def __iter__(self) -> Iterator[Variable]:
        return iter(self.variables)

    def draw(self, draw: Draw, base: Mapping[str, Any]) -> Outcome:
        """Draw one point.

        Args:
            draw: Decides the values.
            base: The recipe around the space, which conditions may read.
        """
        recipe = copy.deepcopy(dict(base))
        assignment: dict[str, Value] = {}
        written: list[str] = []
        for variable in self.variables:
            if not _reached(variable, assignment, recipe):
                continue
            drawn, value = _drawn(draw, variable)
            assignment[variable.name] = drawn
            set_path(recipe, variable.path, value)
            if variable.branch is None:
                written.append(variable.path)
        apply = {path: copy.deepcopy(get_path(recipe, path)) for path in written}
        shown = {leaf: v for path in written for leaf, v in leaves(apply[path], path)}
        return Outcome(assignment, apply, shown)

    def replay(self, assignment: Mapping[str, Value], base: Mapping[str, Any]) -> Outcome:
        """Return the point that was drawn as this assignment."""
        return self.draw(Recorded(assignment), base)

    def written(self) -> Iterator[tuple[str, Variable]]:
        """Yield every recipe leaf that some draw may set, with the top variable that sets it."""
        tops = {v.name: v for v in self.variables if v.branch is None}
        owner: dict[str, Variable] = {}
        for variable in self.variables:
            branch = variable.branch
            owner[variable.name] = owner[branch.variable] if branch else tops[variable.name]
            if isinstance(variable.distribution, Choice):
                for option in variable.distribution.options:
                    for path, _ in leaves(option, variable.path):
                        yield path, owner[variable.name]
            else:
                yield variable.path, owner[variable.name]


def apply_to(base: Mapping[str, Any], apply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base recipe with a point's values set; the base stays as it is.

    Raises:
        RecipeErrors: If a value cannot be set where its path leads.
    """
    recipe = copy.deepcopy(dict(base))
    for path, value in apply.items():
        try:
            set_path(recipe, path, copy.deepcopy(value))
        except ValueError as error:
            way_out = "Search the map above it as a whole, or give it in the recipe."
            raise RecipeErrors([Problem(path, repr(value), str(error), way_out)]) from None
    return recipe


@final
class Recorded:
    """Draws what an assignment says."""

    def __init__(self, assignment: Mapping[str, Value]) -> None:
        self._assignment = assignment

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the recorded index."""
        return int(self._assignment[name])

    def integer(self, name: str, distribution: Integer) -> int:
        """Return the recorded number."""
        return int(self._assignment[name])

    def real(self, name: str, distribution: Real) -> float:
        """Return the recorded number."""
        return float(self._assignment[name])


def _reached(variable: Variable, assignment: Mapping[str, Value], recipe: dict[str, Any]) -> bool:
    branch = variable.branch
    if branch is not None and assignment.get(branch.variable) != branch.option:
        return False
    return variable.when is None or variable.when.holds(recipe)


def _drawn(draw: Draw, variable: Variable) -> tuple[Value, Any]:
    """Return the number drawn and the value it stands for."""
    distribution = variable.distribution
    if isinstance(distribution, Choice):
        index = draw.choice(variable.name, distribution)
        return index, copy.deepcopy(distribution.options[index])
    if isinstance(distribution, Integer):
        whole = draw.integer(variable.name, distribution)
        return whole, whole
    real = distribution.snap(draw.real(variable.name, distribution))
    return real, real
