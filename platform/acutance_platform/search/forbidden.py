"""`search.forbidden`: combinations that are never tried, read and checked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acutance_models.rng import stream
from acutance_platform.recipe.errors import Problem
from acutance_platform.search.conditions import When, parse_when
from acutance_platform.search.contradictions import never
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.space import Space
from acutance_platform.search.told import seed_of

PLACE = "search.forbidden"
DRAWS = 1000
"""Points that are drawn to see what the forbidden combinations leave."""
_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")

Rules = tuple[tuple[When, ...], ...]


def parse_forbidden(rules: Sequence[Mapping[str, Any]], problems: list[Problem]) -> Rules:
    """Read the combinations: of each, recipe path -> value, or operator and literal as text.

    Args:
        rules: As they stand in the file.
        problems: Receives what is wrong.
    """
    found = []
    for index, rule in enumerate(rules):
        if not isinstance(rule, Mapping) or not rule:
            text = "a forbidden combination maps recipe paths to values"
            way_out = 'Write for example {generator.kind: rcan, data.patch: "> 96"}.'
            problems.append(Problem(f"{PLACE}.{index}", str(rule), text, way_out))
            continue
        read = [_condition(str(path), value, index) for path, value in rule.items()]
        problems += [condition for condition in read if isinstance(condition, Problem)]
        found.append(tuple(condition for condition in read if isinstance(condition, When)))
    return tuple(found)


def _condition(path: str, value: Any, index: int) -> When | Problem:
    place = f"{PLACE}.{index}.{path}"
    if isinstance(value, dict | list):
        rule = "a forbidden combination compares with one number, word, true, false or null"
        return Problem(place, str(value), rule, f"Name what lies below it, such as {path}.kind.")
    if isinstance(value, str) and value.strip().startswith(_OPERATORS):
        return parse_when(f"{path} {value}", place)
    return When(path, "==", value)


def forbidden_problems(space: Space, base: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the combinations of a space: no effect, or nothing left.

    Args:
        space: With its combinations.
        base: The recipe around it.
    """
    idle = False
    for index, rule in enumerate(space.forbidden):
        for condition in rule:
            why = never(condition, space, base)
            if why is not None:
                idle = True
                text = f"this never happens, so the combination forbids nothing: {why}"
                place = f"{PLACE}.{index}.{condition.path}"
                yield Problem(place, f"{condition.op} {condition.literal}", text, "Remove it.")
    if space.forbidden and not idle and survey(space, base)[None] == 0:
        text = f"each of {DRAWS} points that were drawn is forbidden"
        yield Problem(PLACE, "", text, "Leave a combination out, or widen the space.")


def survey(space: Space, base: Mapping[str, Any]) -> dict[int | None, int]:
    """Return how many of 1,000 random points each combination forbids; None = those allowed."""
    counts: dict[int | None, int] = {None: 0}
    for number in range(DRAWS):
        draw = RandomDraw(stream(seed_of(None, base), "forbidden", number))
        rule = space.forbids(space.draw(draw, base), base)
        counts[rule] = counts.get(rule, 0) + 1
    return counts
