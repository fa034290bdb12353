"""What is wrong with a recipe, said so that its writer can mend it.

Exception
└── RecipeErrors        every problem of one file, at once
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what stands there, which rule it breaks, how to mend it."""

    place: str
    """Dotted path, with file and line in front where they are known."""
    value: str
    """What was found there, as text; empty where nothing was found."""
    rule: str
    """The rule that is broken, as a statement."""
    way_out: str
    """What to write instead."""

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= 80 else self.value[:77] + "..."
        found = f" (found {shown})" if shown and shown not in self.rule else ""
        return f"{self.place}: {self.rule}{found}. {self.way_out}"


class RecipeErrors(Exception):
    """All problems of a recipe, a sweep file or a command's input, collected."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["RecipeErrors"], tuple[tuple[Problem, ...]]]:
        return RecipeErrors, (self.problems,)


def refuse(place: str, value: object, rule: str, way_out: str) -> RecipeErrors:
    """Return an exception with this one problem, ready to raise."""
    shown = "" if value is None else repr(value)
    return RecipeErrors([Problem(place, shown, rule, way_out)])
