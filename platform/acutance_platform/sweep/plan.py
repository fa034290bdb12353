"""What a sweep is, before and while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from acutance_platform.search.constraints import violations
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.schema import Search, parse_search, total_steps
from acutance_platform.search.space import apply_to

Stages = tuple[tuple[str, int], ...]
"""Key and absolute end of each stage of a chain."""

TRAINING = "acutance_platform.sweep.trainable:open_training"


def accept(recipe: dict[str, Any]) -> None:
    """Find no fault with a drawn recipe."""


def no_stages(recipe: dict[str, Any]) -> Stages:
    """Know no stage keys."""
    return ()


def no_costs(recipe: dict[str, Any]) -> Mapping[str, float]:
    """Know no costs."""
    return {}


def no_memory(recipe: dict[str, Any]) -> float | None:
    """Know nothing of memory."""
    return None


def nothing_earlier() -> list[Record]:
    """Know of no earlier sweep."""
    return []


@dataclass(frozen=True)
class SweepPlan:
    """One search, ready to run.

    Attributes:
        name: Of the sweep, its journal and its MLflow experiment.
        recipe: The recipe around the space, complete, with `auto` fields resolved.
        search: The search section.
        check: Raises if a drawn recipe cannot be trained; the trial is then FAILED without a step.
        stages: Returns the stages of a drawn recipe; trials that have a key in common share it.
        costs: Returns the structural costs of a drawn recipe, by metric, before it is trained.
        memory: Returns the bytes that a drawn recipe's tensors take of a GPU at their peak, None
            where nobody can tell.
        machine: The machine kind, handed to every training as it is.
        warm: Returns what earlier sweeps tell it; asked once, when the sweep starts.
        training: `module:attribute` of what opens a training on a worker; see `trainable`.
    """

    name: str
    recipe: Mapping[str, Any]
    search: Search
    check: Callable[[dict[str, Any]], object] = accept
    stages: Callable[[dict[str, Any]], Stages] = no_stages
    costs: Callable[[dict[str, Any]], Mapping[str, float]] = no_costs
    memory: Callable[[dict[str, Any]], float | None] = no_memory
    machine: Any = None
    warm: Callable[[], list[Record]] = nothing_earlier
    training: str = TRAINING

    @property
    def spec(self) -> dict[str, Any]:
        """The whole sweep file, resolved, as the journal's first record keeps it."""
        return {**self.recipe, "search": self.search.model_dump(mode="json")}

    def continues(self, sweep: Sweep) -> bool:
        """Say whether a journal is of this plan; an older one lacks what is at its default."""
        recipe = {key: value for key, value in sweep.spec.items() if key != "search"}
        search = Search.model_validate(sweep.spec["search"])  # without what topped it up
        return search == self.search and _said(recipe) == _said(dict(self.recipe))

    def recipe_for(self, apply: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recipe with the drawn values set.

        Raises:
            RecipeErrors: If a value cannot be set where its path leads.
        """
        return apply_to(self.recipe, apply)

    def refusal(self, recipe: dict[str, Any]) -> dict[str, Any]:
        """Return costs, broken rules and violation of a recipe that may not be trained; else {}."""
        rules = self.search.rules
        if not rules:
            return {}
        costs = self.costs(recipe)
        missed = violations(rules, costs)
        if not missed:
            return {}
        told = [rule for rule in rules if rule.metric in costs]
        return {
            "costs": {rule.metric: costs[rule.metric] for rule in told},
            "rules": [str(rule) for rule in told if not rule.holds(costs[rule.metric])],
            "violation": sum(missed.values()),
        }

    def checked_stages(self, recipe: dict[str, Any]) -> Stages:
        """Return the stages of a recipe; raise what `check` raises if it cannot be trained."""
        self.check(recipe)
        return self.stages(recipe)

    def rungs_of(self, recipe: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the absolute steps at which a recipe's trial is compared, its end last."""
        return self.search.build_scheduler().rungs(*total_steps(recipe))


def _said(value: Any) -> Any:
    """Return plain data without what says nothing: a new field is null or empty at its default."""
    if isinstance(value, Mapping):
        inner = {key: _said(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, {}, [])}
    return [_said(each) for each in value] if isinstance(value, list | tuple) else value


def split_spec(spec: Mapping[str, Any]) -> tuple[dict[str, Any], Search]:
    """Return the recipe and the search section of a journalled spec."""
    recipe = {key: value for key, value in spec.items() if key != "search"}
    return recipe, parse_search(spec["search"])
