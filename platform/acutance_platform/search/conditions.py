"""`when: PATH OP LITERAL`: a distribution that is drawn only where a condition holds."""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acutance_platform.recipe.errors import Problem
from acutance_platform.search.paths import MISSING, get_path

_FORM = re.compile(r"\s*(?P<path>[A-Za-z_][\w.]*)\s*(?P<op>==|!=|<=|>=|<|>)\s*(?P<literal>.+?)\s*")
_WORD = re.compile(r"[A-Za-z_][\w.-]*")
_CONSTANTS = {"true": True, "false": False, "null": None}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class When:
    """A condition on one path of the recipe.

    Attributes:
        path: Dotted path into the recipe.
        op: One of == != < <= > >=.
        literal: Number, text, true, false or null.
    """

    path: str
    op: str
    literal: Any

    def holds(self, recipe: dict[str, Any]) -> bool:
        """Say whether the recipe meets the condition.

        A path that the recipe does not have (a branch not taken) meets no condition, `!=`
        included. Order is defined between numbers alone.
        """
        value = get_path(recipe, self.path)
        return value is not MISSING and self.meets(value)

    def meets(self, value: Any) -> bool:
        """Say whether a value that stands at the path meets the condition."""
        if self.op in _ORDER:
            return _is_number(value) and _ORDER[self.op](value, self.literal)
        # True == 1 in Python, but not in a recipe.
        same = isinstance(value, bool) == isinstance(self.literal, bool) and value == self.literal
        return bool(same) if self.op == "==" else not same


def parse_when(text: Any, place: str) -> When | Problem:
    """Read a condition; nothing in it is evaluated."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return Problem(
            place,
            repr(text),
            "a condition is PATH OP LITERAL with OP one of == != < <= > >=",
            'Write for example when: "generator.kind == rcan".',
        )
    literal = _literal(match["literal"])
    if literal is MISSING:
        return Problem(
            place,
            match["literal"],
            "a condition compares with one number, word, quoted text, true, false or null",
            "Split a compound condition into nested choices.",
        )
    if match["op"] in _ORDER and not _is_number(literal):
        return Problem(place, match["literal"], f"{match['op']} compares numbers", "Use == or !=.")
    return When(match["path"], match["op"], literal)


def _literal(text: str) -> Any:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _WORD.fullmatch(text):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return MISSING
    return value if isinstance(value, str) or _is_number(value) else MISSING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
