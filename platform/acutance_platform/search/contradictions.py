"""Conditions that no point of a space can meet."""

from collections.abc import Iterator, Mapping
from typing import Any

from acutance_platform.recipe.errors import Problem
from acutance_platform.search.conditions import When
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.paths import MISSING, get_path, is_below
from acutance_platform.search.space import Space, Variable

_SHOWN = 8
"""Values that a message lists at most."""
_SMALL = 1e-6
"""A share that a simplex never draws: its smallest is above 1e-5."""


def condition_problems(space: Space, base: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each `when:` that holds for no point of the space."""
    seen: set[str] = set()
    for variable in space:
        when = variable.when
        place = f"search.space.{(variable.simplex or variable).path}.when"
        why = never(when, space, base) if when is not None and place not in seen else None
        seen.add(place)
        if when is not None and why is not None:
            rule = f"this holds for no point of the space: {why}"
            way_out = "Correct it, or remove the entry."
            yield Problem(place, f"{when.path} {when.op} {when.literal}", rule, way_out)


def never(when: When, space: Space, base: Mapping[str, Any]) -> str | None:
    """Return why a condition can never hold, in words, or None where it may.

    Each path is looked at alone: two conditions that only together cannot hold are not found.

    Args:
        when: The condition.
        space: What may be drawn.
        base: The recipe around it.
    """
    writers = [variable for variable in space if _writes(variable, when.path)]
    possible = [source for variable in writers for source in _sources(variable, when.path)]
    if not any(_always(variable, when.path) for variable in writers):
        possible.append(get_path(dict(base), when.path))
    possible = [source for source in possible if source is not MISSING]
    if any(_may_hold(when, source) for source in possible):
        return None
    shown = [_text(source) for source in possible[:_SHOWN]]
    if len(possible) > _SHOWN:
        shown.append("...")
    return f"{when.path} is {' or '.join(shown)}" if shown else f"there is no {when.path}"


def _writes(variable: Variable, path: str) -> bool:
    """Say whether a variable decides what stands at a path."""
    if variable.simplex is not None:
        return variable.term is not None and path == variable.path
    return any(is_below(path, written) for written in variable.writes)


def _always(variable: Variable, path: str) -> bool:
    """Say whether a variable that writes a path does so in every point."""
    if variable.branch is not None or variable.when is not None:
        return False
    named = variable.variants
    return (
        named is None
        or path == named.name
        or all(any(is_below(path, p) for p in label) for label in named.settings.values())
    )


def _sources(variable: Variable, path: str) -> list[Any]:
    """Return the values that a variable may put at a path, ranges as distributions."""
    if variable.variants is not None and path != variable.path:
        labels = variable.variants.settings.values()
        found = [(p, value) for label in labels for p, value in label.items() if is_below(path, p)]
        return [_below(value, p, path) for p, value in found]
    distribution = variable.distribution
    if variable.simplex is not None:
        total = variable.simplex.total
        return [Real(total * _SMALL, total)]
    if isinstance(distribution, Choice):
        return [_below(option, variable.path, path) for option in distribution.options]
    return [distribution if path == variable.path else MISSING]


def _below(value: Any, above: str, path: str) -> Any:
    """Return what stands at a path where `value` stands at the path above it."""
    return value if path == above else get_path(value, path.removeprefix(f"{above}."))


def _may_hold(when: When, source: Any) -> bool:
    if not isinstance(source, Integer | Real):
        return when.meets(source)
    literal = when.literal
    if when.op == "==":
        return _is_member(literal, source)
    if when.op == "!=":
        return source.low < source.high or when.meets(source.low)
    return when.meets(source.low if when.op in ("<", "<=") else source.high)


def _is_member(literal: Any, source: Integer | Real) -> bool:
    if isinstance(literal, bool) or not isinstance(literal, int | float):
        return False
    if not source.low <= literal <= source.high:
        return False
    if isinstance(source, Integer):
        return (literal - source.low) % source.step == 0
    return source.step is None or source.snap(literal) == literal


def _text(source: Any) -> str:
    if isinstance(source, Integer | Real):
        return f"{source.low:g} to {source.high:g}"
    return str(source)
