"""Drawn recipes that broke a structural constraint, before they became trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LIMIT = 1000
"""Refused draws in a row after which a sweep draws no more."""


@dataclass(frozen=True)
class Refused:
    """A draw that cost no step and no trial of the budget.

    Attributes:
        after: Trials that the sweep had then.
        assignment: What was drawn, by variable name.
        recipe: Searched dotted path -> value, as shown to people.
        attrs: What the sampler asked to be kept with it.
        costs: Metric -> what the recipe would cost.
        rules: The broken ones, in words.
        violation: How far the costs are from meeting them; see `constraints.violations`.
    """

    after: int
    assignment: Mapping[str, Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    violation: float = 0.0

    @classmethod
    def of(cls, record: Mapping[str, Any], after: int) -> "Refused":
        """Return what a journal's record says."""
        return cls(
            after,
            record["assignment"],
            record.get("recipe", {}),
            record.get("attrs", {}),
            record["costs"],
            tuple(record["rules"]),
            float(record["violation"]),
        )


def in_a_row(refused: Sequence[Refused], trials: int) -> int:
    """Return how many draws were refused since the last trial."""
    count = 0
    for each in reversed(refused):
        if each.after != trials:
            break
        count += 1
    return count


def given_up(refused: Sequence[Refused], trials: int) -> bool:
    """Say whether so many draws in a row were refused that another one is no use."""
    return in_a_row(refused, trials) >= LIMIT


def stuck(refused: Sequence[Refused], trials: int) -> str:
    """Return what became of the draws since the last trial, in words; empty without any."""
    count = in_a_row(refused, trials)
    if not count:
        return ""
    last = refused[-count:]
    rules = dict.fromkeys(rule for each in last for rule in each.rules)
    most = max(rules, key=lambda rule: sum(rule in each.rules for each in last))
    nearest = min(last, key=lambda each: each.violation)
    metric = most.partition(" ")[0]
    return (
        f"the last {count} drawn recipes broke constraints, {most} most often; the nearest one has"
        f" {metric} {nearest.costs[metric]:g}. Relax the rule, or narrow the space"
    )
