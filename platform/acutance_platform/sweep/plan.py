"""What a sweep is, before and while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class SweepPlan:
    """One search, ready to run.

    Attributes:
        name: Of the sweep, its journal and its MLflow experiment.
        recipe: The recipe around the space, complete, with `auto` fields resolved.
        search: The search section.
        check: Raises if a drawn recipe cannot be trained; the trial is then FAILED without a step.
        stages: Returns the stages of a drawn recipe; trials that have a key in common share it.
        machine: The machine kind, handed to every training as it is.
        training: `module:attribute` of what opens a training on a worker; see `trainable`.
    """

    name: str
    recipe: Mapping[str, Any]
    search: Search
    check: Callable[[dict[str, Any]], object] = accept
    stages: Callable[[dict[str, Any]], Stages] = no_stages
    machine: Any = None
    training: str = TRAINING

    @property
    def spec(self) -> dict[str, Any]:
        """The whole sweep file, resolved, as the journal's first record keeps it."""
        return {**self.recipe, "search": self.search.model_dump(mode="json")}

    def recipe_for(self, apply: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recipe with the drawn values set.

        Raises:
            RecipeErrors: If a value cannot be set where its path leads.
        """
        return apply_to(self.recipe, apply)

    def checked_stages(self, recipe: dict[str, Any]) -> Stages:
        """Return the stages of a recipe; raise what `check` raises if it cannot be trained."""
        self.check(recipe)
        return self.stages(recipe)

    def rungs_of(self, recipe: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the absolute steps at which a recipe's trial is compared, its end last."""
        return self.search.build_scheduler().rungs(*total_steps(recipe))


def split_spec(spec: Mapping[str, Any]) -> tuple[dict[str, Any], Search]:
    """Return the recipe and the search section of a journalled spec."""
    recipe = {key: value for key, value in spec.items() if key != "search"}
    return recipe, parse_search(spec["search"])
