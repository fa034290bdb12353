"""The search space: a table of dotted recipe paths, drawn one variable after the other.

The table is flattened once: each distribution, nested ones included, becomes one `Variable` with a
name of its own, and variables are sorted so that what a branch or a condition needs is drawn
before it. Who draws is behind the `Draw` protocol: a sampler, the grid, or a recorded assignment.
"""

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, final

from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.search.conditions import When
from acutance_platform.search.distributions import Choice, Distribution, Integer, Real
from acutance_platform.search.paths import get_path, is_below, leaves, set_path
from acutance_platform.search.simplex import Simplex
from acutance_platform.search.variants import Variants

Value = int | float


class Draw(Protocol):
    """Decides the value of each variable; called once per variable of the branches taken."""

    def choice(self, name: str, distribution: Choice) -> int:
        """Return the index of one option."""

    def integer(self, name: str, distribution: Integer) -> int:
        """Return a number between the ends; it is snapped to the step."""

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
        path: Dotted recipe path that is written; of variants their name.
        distribution: What may be drawn.
        branch: The option inside which it stands, or None at the top of the table.
        when: Condition on the recipe as drawn so far, or None.
        simplex: The loss mix of which it is a part; its weights are set when all are drawn.
        term: The loss term whose share it decides; None for the subset of a sparse simplex.
        variants: What each label sets, where it is a choice between named variants.
    """

    name: str
    path: str
    distribution: Distribution
    branch: Branch | None = None
    when: When | None = None
    simplex: Simplex | None = None
    term: str | None = None
    variants: Variants | None = None

    @property
    def writes(self) -> tuple[str, ...]:
        """What it may set: its path; of variants every path of theirs beside their name."""
        return (self.path,) if self.variants is None else (self.path, *self.variants.paths)


class Leaf(NamedTuple):
    """A recipe leaf that some draw may set."""

    path: str
    owner: Variable
    """The variable at the top of the table that sets it."""
    place: str
    """Where the file says so."""


@dataclass(frozen=True)
class Outcome:
    """One point of the space.

    Attributes:
        assignment: Variable name -> number drawn (of a choice, the index of the option).
        apply: Recipe path -> value to set, in this order; a map replaces what stood there.
        shown: The same as dotted leaves, as tables and runs display it; of variants the label.
    """

    assignment: dict[str, Value]
    apply: dict[str, Any]
    shown: dict[str, Any]


@final
class Space:
    """A checked search space.

    Args:
        variables: In an order in which they can be drawn.
        forbidden: Combinations that are never tried: of each, conditions that hold together.
    """

    def __init__(
        self, variables: tuple[Variable, ...], forbidden: tuple[tuple[When, ...], ...] = ()
    ) -> None:
        self.variables, self.forbidden = variables, forbidden
        self._last = {v.simplex: v for v in variables if v.simplex is not None}
        self.named = [v.variants for v in variables if v.variants is not None]
        self._told: tuple[Any, dict[Any, dict[str, Any]]] = None, {}

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
        absent: set[str] = set()
        for variable in self.variables:
            mix = variable.simplex
            if _reached(variable, assignment, recipe, absent):
                drawn, value = draw_one(draw, variable)
                assignment[variable.name] = drawn
                if variable.variants is not None:
                    recipe[variable.name] = value  # for conditions that read the label
                    written += variable.variants.apply(recipe, value, absent)
                elif mix is None:
                    set_path(recipe, variable.path, value)
                    if variable.branch is None:
                        written.append(variable.path)
            if mix is not None and variable is self._last[mix] and self._drawn(mix, assignment):
                absent |= {f"{mix.path}.{t}" for t in mix.terms if t not in mix.taken(assignment)}
                set_path(recipe, mix.path, mix.apply(get_path(recipe, mix.path), assignment))
                written.append(mix.path)
        apply = {path: copy.deepcopy(get_path(recipe, path)) for path in written}
        return Outcome(assignment, apply, self._shown(apply, assignment))

    def _drawn(self, mix: Simplex, assignment: Mapping[str, Value]) -> bool:
        """Say whether a mix was drawn: its condition held."""
        return any(mix.name(term) in assignment for term in mix.terms)

    def _shown(self, apply: Mapping[str, Any], assignment: Mapping[str, Value]) -> dict[str, Any]:
        """Return what was set as dotted leaves; of a mix the weights, of variants the label."""
        mixes = {mix.path: mix for mix in self._last}
        shown: dict[str, Any] = {**(labels := self.labels(assignment))}
        told = [path for v in self.named if v.name in labels for path in v.settings[labels[v.name]]]
        for path, value in apply.items():
            if path in mixes:
                weights = mixes[path].weights(assignment)
                shown |= {f"{path}.{term}.weight": weight for term, weight in weights.items()}
            elif path not in told:
                within = [other for other in told if is_below(other, path)]
                shown |= {
                    leaf: item
                    for leaf, item in leaves(value, path)
                    if not any(is_below(leaf, other) for other in within)
                }
        return shown

    def labels(self, assignment: Mapping[str, Value]) -> dict[str, str]:
        """Return name -> label of the variants that were drawn."""
        drawn = (each for each in self.named if each.name in assignment)
        return {each.name: each.labels.options[int(assignment[each.name])] for each in drawn}

    def replay(self, assignment: Mapping[str, Value], base: Mapping[str, Any]) -> Outcome:
        """Return the point that was drawn as this assignment."""
        return self.draw(Recorded(assignment), base)

    def shown(self, assignment: Mapping[str, Value], base: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `replay` shows; kept, since samplers look at all earlier points each time."""
        if self._told[0] is not base:
            self._told = base, {}
        known, point = self._told[1], tuple(assignment.items())
        if point not in known:
            known[point] = self.replay(assignment, base).shown
        return known[point]

    def forbids(self, outcome: Outcome, base: Mapping[str, Any]) -> int | None:
        """Return which forbidden combination a point is, by its place in the list, or None."""
        if not self.forbidden:
            return None
        recipe = apply_to(base, outcome.apply) | self.labels(outcome.assignment)
        return next(
            (i for i, rule in enumerate(self.forbidden) if all(c.holds(recipe) for c in rule)), None
        )

    def allowed(self, draws: Iterable[Draw], base: Mapping[str, Any]) -> Outcome | None:
        """Return the first point drawn that is not forbidden; None where all of them are."""
        outcomes = (self.draw(draw, base) for draw in draws)
        return next((found for found in outcomes if self.forbids(found, base) is None), None)

    def written(self) -> Iterator[Leaf]:
        """Yield every recipe leaf that some draw may set."""
        tops = {v.name: v for v in self.variables if v.branch is None}
        owner: dict[str, Variable] = {}
        for variable in self.variables:
            branch = variable.branch
            owner[variable.name] = owner[branch.variable] if branch else tops[variable.name]
            if variable.simplex is not None and variable.term is None:
                continue  # the terms' weights are what it sets
            top = owner[variable.name]
            place = f"search.space.{top.path}"
            if variable.variants is not None:
                for label, settings in variable.variants.settings.items():
                    for path, value in settings.items():
                        at = variable.variants.place(label, path)
                        yield from (Leaf(leaf, top, at) for leaf, _ in leaves(value, path))
            elif isinstance(variable.distribution, Choice):
                for option in variable.distribution.options:
                    for path, _ in leaves(option, variable.path):
                        yield Leaf(path, top, place)
            else:
                yield Leaf(variable.path, top, place)


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


def _reached(
    variable: Variable,
    assignment: Mapping[str, Value],
    recipe: dict[str, Any],
    absent: Collection[str],
) -> bool:
    branch, mix = variable.branch, variable.simplex
    if any(is_below(variable.path, path) for path in absent):
        return False
    if mix is not None and mix.sparse and variable.term is not None:
        return mix.name(None) in assignment and variable.term in mix.taken(assignment)
    if branch is not None and assignment.get(branch.variable) != branch.option:
        return False
    return variable.when is None or variable.when.holds(recipe)


def draw_one(draw: Draw, variable: Variable) -> tuple[Value, Any]:
    """Return the number drawn for one variable and the value it stands for."""
    distribution = variable.distribution
    if isinstance(distribution, Choice):
        index = draw.choice(variable.name, distribution)
        return index, copy.deepcopy(distribution.options[index])
    if isinstance(distribution, Integer):
        whole = distribution.snap(draw.integer(variable.name, distribution))
        return whole, whole
    real = distribution.snap(draw.real(variable.name, distribution))
    return real, real
