"""What may be drawn: choice, int, uniform and log_uniform, as they stand in `search.space`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from acutance_platform.recipe.errors import Problem


@dataclass(frozen=True)
class Choice:
    """One of several values, each of which may hold distributions of its own.

    Attributes:
        options: The values with nested distributions taken out.
    """

    options: tuple[Any, ...]


@dataclass(frozen=True)
class Integer:
    """A whole number, both ends included.

    Attributes:
        low: Smallest value.
        high: Largest value, `low` plus a multiple of `step`.
        step: Distance of neighbours, at least 1.
        log: Whether the logarithm is uniform; then `low` is at least 1.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False

    def snap(self, value: float) -> int:
        """Return the member nearest to `value`."""
        inside = min(max(value, self.low), self.high)
        return self.low + round((inside - self.low) / self.step) * self.step


@dataclass(frozen=True)
class Real:
    """A real number, both ends included.

    Attributes:
        low: Smallest value.
        high: Largest value.
        step: Distance of neighbours, or None for the continuum.
        log: Whether the logarithm is uniform; then `low` is above 0.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def snap(self, value: float) -> float:
        """Return the member nearest to `value`, written without the noise of 0.1 + 0.2."""
        inside = min(max(value, self.low), self.high)
        if self.step is None:
            return inside
        return float(f"{self.low + round((inside - self.low) / self.step) * self.step:.12g}")


Distribution = Choice | Integer | Real

_EXTRAS = {
    "choice": {"when"},
    "int": {"when", "step", "log"},
    "uniform": {"when", "step"},
    "log_uniform": {"when", "step"},
}
KINDS = tuple(_EXTRAS)
NAMED = ("simplex", "variants")
"""Distributions of several recipe paths at once, which stand at the top of the table alone."""


def is_distribution(node: Any) -> bool:
    """Say whether a node of the file is meant as a distribution rather than a value."""
    return isinstance(node, dict) and any(kind in node for kind in (*KINDS, *NAMED))


def parse_distribution(
    node: dict[str, Any], place: str, problems: list[Problem]
) -> Distribution | None:
    """Read one distribution; a choice keeps its options as they stand in the file.

    Args:
        node: The map from the file, with `when` allowed and ignored.
        place: Where it stands, for messages.
        problems: Receives what is wrong.

    Returns:
        The distribution, or None after a problem.
    """
    kinds = [kind for kind in KINDS if kind in node]
    if len(kinds) != 1:
        rule = f"a distribution has exactly one of {', '.join(KINDS)}"
        problems.append(Problem(place, str(node), rule, "Keep one of them."))
        return None
    kind = kinds[0]
    before = len(problems)
    for extra in sorted(set(node) - {kind} - _EXTRAS[kind], key=str):
        allowed = ", ".join(sorted(_EXTRAS[kind]))
        rule = f"{kind} knows only {allowed} beside it"
        problems.append(Problem(f"{place}.{extra}", str(node[extra]), rule, "Remove it."))
    parsed = _PARSERS[kind](node, place, problems)
    return parsed if len(problems) == before else None


def _parse_choice(node: dict[str, Any], place: str, problems: list[Problem]) -> Choice | None:
    options = node["choice"]
    if not isinstance(options, list) or not options:
        rule = "a choice lists at least one value"
        problems.append(Problem(f"{place}.choice", str(options), rule, "Write choice: [a, b]."))
        return None
    for index, option in enumerate(options):
        # repr tells 1 from true and from 1.0, which == does not.
        if any(repr(option) == repr(earlier) for earlier in options[:index]):
            rule = "a choice lists each value once"
            problems.append(Problem(f"{place}.choice", str(option), rule, "Remove the repetition."))
    return Choice(tuple(options))


def _parse_int(node: dict[str, Any], place: str, problems: list[Problem]) -> Integer | None:
    ends = _ends(node, "int", place, problems, whole=True)
    if ends is None:
        return None
    low, high = int(ends[0]), int(ends[1])
    step, log = node.get("step", 1), node.get("log", False)
    if not isinstance(log, bool):
        problems.append(Problem(f"{place}.log", str(log), "log is true or false", "Write true."))
    elif log and low < 1:
        rule = "a logarithmic int starts at 1 or above"
        problems.append(Problem(f"{place}.int", str(node["int"]), rule, "Raise the lower end."))
    if not _is_whole(step) or step < 1:
        problems.append(
            Problem(f"{place}.step", str(step), "a step is 1 or more", "Write step: 1.")
        )
    elif (high - low) % step:
        reached = low + (high - low) // step * step
        rule = f"both ends are included, but steps of {step} from {low} do not reach {high}"
        problems.append(Problem(f"{place}.int", str(node["int"]), rule, f"End at {reached}."))
    else:
        return Integer(low, high, step, bool(log))
    return None


def _parse_uniform(node: dict[str, Any], place: str, problems: list[Problem]) -> Real | None:
    ends = _ends(node, "uniform", place, problems)
    return None if ends is None else _stepped(node, "uniform", Real(*ends), place, problems)


def _parse_log_uniform(node: dict[str, Any], place: str, problems: list[Problem]) -> Real | None:
    ends = _ends(node, "log_uniform", place, problems)
    if ends is None:
        return None
    if ends[0] <= 0:
        rule = "the logarithm needs a lower end above 0"
        value = str(node["log_uniform"])
        problems.append(Problem(f"{place}.log_uniform", value, rule, "Raise it, or use uniform."))
        return None
    return _stepped(node, "log_uniform", Real(*ends, log=True), place, problems)


def _stepped(
    node: dict[str, Any], kind: str, whole: Real, place: str, problems: list[Problem]
) -> Real | None:
    """Return the continuum with the step of the file, if any, or None after a problem."""
    step, low, high = node.get("step"), whole.low, whole.high
    if step is None:
        return whole
    if not _is_finite(step) or step <= 0:
        problems.append(Problem(f"{place}.step", str(step), "a step is above 0", "Raise it."))
        return None
    count = round((high - low) / step)
    if not math.isclose(count * step, high - low, rel_tol=1e-9):
        rule = f"both ends are included, but steps of {step} from {low} do not reach {high}"
        way_out = "Move the end or the step."
        problems.append(Problem(f"{place}.{kind}", str(node[kind]), rule, way_out))
        return None
    return Real(low, high, float(step), whole.log)


def _ends(
    node: dict[str, Any], kind: str, place: str, problems: list[Problem], *, whole: bool = False
) -> tuple[float, float] | None:
    """Return the two ends, in order, or None after a problem."""
    ends, noun = node[kind], "whole numbers" if whole else "numbers"
    fits = _is_whole if whole else _is_finite
    if not isinstance(ends, list) or len(ends) != 2 or not all(fits(end) for end in ends):
        # YAML 1.1 reads 1e-4, without a point, as text.
        rule = f"{kind} takes two finite {noun}"
        way_out = f"Write {kind}: [{'2, 8' if whole else '1.0e-4, 1.0e-2'}]."
        problems.append(Problem(f"{place}.{kind}", str(ends), rule, way_out))
        return None
    low, high = ends
    if low > high or (low == high and not whole):
        rule = "the lower end comes first and lies below the upper end"
        problems.append(Problem(f"{place}.{kind}", str(ends), rule, "Exchange or part them."))
        return None
    return (low, high) if whole else (float(low), float(high))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_PARSERS: dict[str, Callable[[dict[str, Any], str, list[Problem]], Distribution | None]] = {
    "choice": _parse_choice,
    "int": _parse_int,
    "uniform": _parse_uniform,
    "log_uniform": _parse_log_uniform,
}
