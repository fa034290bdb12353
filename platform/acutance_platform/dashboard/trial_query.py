"""What a reader asks of a table of trials, as it stands in a page's address."""

import math
import operator
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, final
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from acutance_platform.recipe import refuse

STATES: Final = ("RUNNING", "WAITING", "PAUSED", "COMPLETE", "STOPPED", "FAILED")
PAGE: Final = 100
"""Rows of a page."""
_TERM: Final = re.compile(r"([A-Za-z_][\w./\[\]-]*)\s*(<=|>=|!=|==|=|<|>|~)\s*(.*)", re.DOTALL)
_AROUND: Final = re.compile(r"\s*(<=|>=|!=|==|=|<|>|~)\s*")
_COMPARED: Final[Mapping[str, Callable[..., Any]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "!=": operator.ne,
}


@final
@dataclass(frozen=True)
class Term:
    """One condition: a column compared with a value, or a word that is found anywhere."""

    column: str
    op: str
    """One of <= >= < > = != ~ (contains); empty for a word."""
    value: str

    def compare(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which numbers meet it; NaN meets none.

        Raises:
            RecipeErrors: If it compares numbers with what is none.
        """
        try:
            bound = float(self.value)
        except ValueError:
            bound = math.nan
        if math.isnan(bound):
            rule = f"{self.column} is a number"
            raise refuse("filter", str(self), rule, f"Write {self.column}>=28.")
        return np.asarray(_COMPARED[self.op](values, bound) & ~np.isnan(values))

    def __str__(self) -> str:
        return f"{self.column}{self.op}{self.value}"


@final
@dataclass(frozen=True)
class Query:
    """One view of the table.

    Attributes:
        q: Terms, separated by blanks.
        states: Only trials in these; empty for all.
        sort: A column, `-` in front for falling; empty for the best first.
        page: From 1.
        columns: Those shown; empty for the usual ones.
    """

    q: str = ""
    states: tuple[str, ...] = ()
    sort: str = ""
    page: int = 1
    columns: tuple[str, ...] = ()

    def terms(self, known: Iterable[str]) -> list[Term]:
        """Return the terms of `q`.

        Args:
            known: Columns; a term about another one is refused.

        Raises:
            RecipeErrors: If a term cannot be read.
        """
        try:
            words = shlex.split(_AROUND.sub(r"\1", self.q))
        except ValueError:
            raise refuse("filter", self.q, "a quotation mark is missing", "Add it.") from None
        return [_term(word, set(known)) for word in words]

    def sorting(self, objectives: Mapping[str, str]) -> tuple[str, bool]:
        """Return the column to sort by, and whether it falls."""
        if self.sort:
            return self.sort.removeprefix("-"), self.sort.startswith("-")
        first = next(iter(objectives.items()), None)
        return (first[0], first[1] == "max") if first is not None else ("trial", False)

    def page_address(self, page: int) -> str:
        """Return another page of this view as a query string."""
        return self.address(page=page)

    def address(self, **changes: Any) -> str:
        """Return this view, or one that differs in some fields, as a query string."""
        other = replace(self, **changes)
        pairs: list[tuple[str, str]] = [("q", other.q)] if other.q else []
        pairs += [("state", state) for state in other.states]
        pairs += [("sort", other.sort)] if other.sort else []
        pairs += [("column", column) for column in other.columns]
        pairs += [("page", str(other.page))] if other.page > 1 else []
        return f"?{urlencode(pairs)}" if pairs else "?"


def _term(word: str, known: set[str]) -> Term:
    match = _TERM.fullmatch(word)
    if match is None:
        return Term("", "", word)
    column, op, value = match.groups()
    if column not in known:
        shown = ", ".join(_likely(column, sorted(known)))
        raise refuse("filter", word, f"no trial has {column}", f"They have {shown}.")
    return Term(column, "=" if op == "==" else op, value)


def _likely(column: str, known: Sequence[str]) -> list[str]:
    """Return the columns that share a part with what was asked for, else the first ones."""
    parts = set(column.split("."))
    return [name for name in known if parts & set(name.split("."))][:8] or list(known[:8])
