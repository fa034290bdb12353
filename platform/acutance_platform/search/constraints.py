"""`search.constraints`: rules that a recipe or a result has to meet, and how far it is from them.

Everything here is arithmetic on metrics; who asks decides whether they are costs of a drawn recipe,
the values of a rung or those of a training's end.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from acutance_platform.recipe.errors import Problem
from acutance_platform.search.front import Direction

Table = Mapping[str, str | Sequence[str]]
"""Metric -> one rule or several, as the file has them."""

_RULE: Final = re.compile(r"\s*([^<>=\s]+)\s*(<=|>=|<|>)\s*([^<>=\s]+)\s*")
_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_LEAST: Final = 1e-12
"""What a strict rule is missed by where the value equals its bound."""


@dataclass(frozen=True)
class Rule:
    """A metric compared with a number.

    Attributes:
        metric: Its name, as in reports.
        op: One of <= >= < >.
        bound: In the metric's unit, finite.
    """

    metric: str
    op: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.op} {self.bound:g}"

    @property
    def above(self) -> bool:
        """Whether it bounds the metric from above."""
        return self.op.startswith("<")

    def holds(self, value: float) -> bool:
        """Say whether a value meets the rule; NaN meets none."""
        return _COMPARED[self.op](value, self.bound)

    def excess(self, value: float) -> float:
        """Return how far a value misses the rule, as a share of the bound's size; 0 = it holds.

        A bound of zero has no size: there it is the distance itself. NaN misses by infinity.
        """
        if self.holds(value):
            return 0.0
        if math.isnan(value):
            return math.inf
        return max(abs(value - self.bound) / (abs(self.bound) or 1.0), _LEAST)


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """Read `METRIC OP NUMBER`, such as `psnr_y>=28`.

    Raises:
        ValueError: If it is none, or its number is not finite.
    """
    match = _RULE.fullmatch(text)
    try:
        name, sign, number = match.groups() if match else ("", "", "")
        bound = float(number)
    except ValueError:
        raise ValueError(f"{text!r} is no rule such as psnr_y>=28") from None
    if not math.isfinite(bound):
        raise ValueError(f"nothing compares with the number of {text!r}")
    return Rule(name, sign, bound)


def rules_of(table: Table) -> tuple[Rule, ...]:
    """Return the rules of a checked table, in its order."""
    return tuple(parse_rule(f"{name} {text}") for name, text in _texts(table))


def violations(rules: Sequence[Rule], metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Return metric -> how far it misses its rules; only those that were measured and miss.

    Args:
        rules: Of the sweep.
        metrics: What was measured; NaN, or None as JSON has it, where it was not finite.
    """
    found: dict[str, float] = {}
    for rule in rules:
        if rule.metric in metrics:
            value = metrics[rule.metric]
            excess = rule.excess(math.nan if value is None else float(value))
            if excess > 0:
                found[rule.metric] = found.get(rule.metric, 0.0) + excess
    return found


def feasible(rules: Sequence[Rule], metrics: Mapping[str, float | None]) -> bool | None:
    """Say whether metrics meet every rule; None where one of them was not measured yet."""
    if violations(rules, metrics):
        return False
    return True if all(rule.metric in metrics for rule in rules) else None


def bound_of(rules: Sequence[Rule], metric: str, direction: Direction) -> float | None:
    """Return the tightest bound of a metric on its bad side, None where it has none there."""
    bounds = [r.bound for r in rules if r.metric == metric and r.above == (direction == "min")]
    if not bounds:
        return None
    return min(bounds) if direction == "min" else max(bounds)


def constraint_problems(table: Any, place: str) -> list[Problem]:
    """Return what is wrong with a table of constraints as it stands in the file, all at once."""
    if not isinstance(table, Mapping):
        rule = "constraints map metrics to rules"
        return [Problem(place, str(table), rule, 'Write for example {psnr_y: ">= 28"}.')]
    return [problem for name in table for problem in _problems(str(name), table[name], place)]


def _problems(name: str, given: Any, place: str) -> Iterator[Problem]:
    """Yield what is wrong with the rules of one metric."""
    texts = given if isinstance(given, list) else [given]
    rules: list[Rule] = []
    for text in texts:
        try:
            # A metric's name with a sign or a blank in it would be read as part of the rule.
            rule = parse_rule(f"x {text}") if isinstance(text, str) else None
        except ValueError:
            rule = None
        if rule is None:
            words = "a rule is OP NUMBER with OP one of <= >= < > and a finite number"
            yield Problem(f"{place}.{name}", repr(text), words, 'Write for example ">= 28".')
        else:
            rules.append(rule)
    if not texts:
        yield Problem(f"{place}.{name}", "[]", "a constraint has one rule at least", "Remove it.")
    low = max((r for r in rules if not r.above), key=lambda r: (r.bound, r.op == ">"), default=None)
    high = min((r for r in rules if r.above), key=lambda r: (r.bound, r.op == "<="), default=None)
    if (
        low is not None
        and high is not None
        and not (low.holds(high.bound) and high.holds(low.bound))
    ):
        words = "no value meets both rules"
        shown = f"{low.op} {low.bound:g} and {high.op} {high.bound:g}"
        yield Problem(f"{place}.{name}", shown, words, "Change one of them.")


def _texts(table: Table) -> Iterator[tuple[str, str]]:
    for name, given in table.items():
        for text in [given] if isinstance(given, str) else given:
            yield name, text
