"""A training as the chain of its stages, each with the recipe that really holds in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from acutance_models.errors import RegistryError
from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.recipe.schema import Optimizer, Part, Recipe, Schedule, Stage
from acutance_platform.recipe.translate import problems_of, registry_problems


@dataclass(frozen=True)
class Link:
    """One stage of a chain.

    Attributes:
        name: Of the stage.
        recipe: The recipe with this stage's overrides in their places; `stages` is unchanged.
        start: Absolute step at which the stage starts.
    """

    name: str
    recipe: Recipe
    start: int

    @property
    def stage(self) -> Stage:
        """The stage itself."""
        return self.recipe.stages[self.name]

    @property
    def discriminator_optimizer(self) -> Optimizer:
        """The stage's optimiser with what differs for its discriminators.

        A limit on the generator's gradient is none on theirs, which has another size.
        """
        own = {**self.recipe.optimizer.model_dump(), "clip_norm": None}
        merged = {**own, **self.stage.discriminator_optimizer}
        return Optimizer.model_validate(merged)

    @property
    def end(self) -> int:
        """Absolute step at which the stage ends."""
        return self.start + self.stage.steps


def chain(recipe: Recipe) -> tuple[Link, ...]:
    """Return the stages in the order in which they run.

    Raises:
        RecipeErrors: If an override cannot be used; `build_recipe` has said so before.
    """
    problems: list[Problem] = []
    links, start = [], 0
    for name, stage in recipe.stages.items():
        links.append(Link(name, _effective(recipe, name, problems), start))
        start += stage.steps
    if problems:
        raise RecipeErrors(problems)
    return tuple(links)


def in_order(stages: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return raw stages sorted as `after` says, and what keeps them from being one chain."""
    parents = {
        name: stage.get("after") if isinstance(stage, Mapping) else None
        for name, stage in stages.items()
    }
    problems = list(_chain_problems(parents))
    if problems:
        return dict(stages), problems
    followers = {parent: name for name, parent in parents.items()}
    ordered: dict[str, Any] = {}
    name = followers.get(None)
    while name is not None:
        ordered[name] = stages[name]
        name = followers.get(name)
    if len(ordered) < len(stages):
        circle = ", ".join(name for name in stages if name not in ordered)
        rule = "stages that follow each other in a circle never start"
        return dict(stages), [
            Problem("stages", circle, rule, "Let one come after the first stage.")
        ]
    return ordered, []


def _chain_problems(parents: Mapping[str, Any]) -> Iterator[Problem]:
    first = [name for name, parent in parents.items() if parent is None]
    if len(first) != 1:
        rule = "exactly one stage is the first one, without `after`"
        way_out = "Write `after: STAGE` in every stage but the first."
        yield Problem("stages", ", ".join(map(str, first)), rule, way_out)
    taken: dict[Any, str] = {}
    for name, parent in parents.items():
        if parent is None:
            continue
        place = f"stages.{name}.after"
        if parent not in parents or parent == name:
            known = ", ".join(str(each) for each in parents if each != name)
            rule = "a stage comes after another stage of this recipe"
            yield Problem(place, str(parent), rule, f"Known: {known or 'none'}.")
        elif parent in taken:
            rule = f"stages are a chain, but {taken[parent]} comes after {parent} too"
            way_out = "To fork, search over the last stage: trials share what comes before it."
            yield Problem(place, str(parent), rule, way_out)
        taken.setdefault(parent, name)


class _Changed(Part):
    """The sections that a stage may change key by key."""

    optimizer: Optimizer
    schedule: Schedule


def _effective(recipe: Recipe, name: str, problems: list[Problem]) -> Recipe:
    """Return the recipe as it holds in a stage; problems are added with the stage's places."""
    stage, place = recipe.stages[name], f"stages.{name}"
    changes: dict[str, Any] = {}
    crops = stage.data.model_dump(exclude_none=True)
    if crops:
        changes["data"] = recipe.data.model_copy(update=crops)
    if stage.optimizer or stage.schedule:
        other = stage.schedule.get("kind", recipe.schedule.kind) != recipe.schedule.kind
        merged = {
            "optimizer": {**recipe.optimizer.model_dump(), **stage.optimizer},
            "schedule": {**({} if other else recipe.schedule.model_dump()), **stage.schedule},
        }
        try:
            changed = _Changed.model_validate(merged)
            changes |= {"optimizer": changed.optimizer, "schedule": changed.schedule}
        except ValidationError as error:
            problems += problems_of(error, _Changed, place)
    if stage.discriminator_optimizer:
        base = changes.get("optimizer", recipe.optimizer).model_dump()
        try:
            Optimizer.model_validate({**base, **stage.discriminator_optimizer})
        except ValidationError as error:
            problems += problems_of(error, Optimizer, f"{place}.discriminator_optimizer")
    generator = _generator(recipe, stage, f"{place}.generator", problems)
    if generator is not None:
        changes["generator"] = generator
    return recipe.model_copy(update=changes)


def _generator(
    recipe: Recipe, stage: Stage, place: str, problems: list[Problem]
) -> dict[str, Any] | None:
    """Return the generator with the stage's arguments; None where it has none or they are wrong."""
    if not stage.generator:
        return None
    if stage.generator.get("kind", recipe.generator["kind"]) != recipe.generator["kind"]:
        rule = f"every stage trains the same kind of generator, {recipe.generator['kind']}"
        way_out = "Search over `generator` to compare kinds."
        problems.append(Problem(f"{place}.kind", str(stage.generator["kind"]), rule, way_out))
        return None
    from acutance_models import check_generator, resolve_generator  # brings torch

    try:
        resolved = resolve_generator({**recipe.generator, **stage.generator})
    except RegistryError as error:
        problems += registry_problems(error.problems, place)
        return None
    found = check_generator(resolved, scale=recipe.scale)
    problems += registry_problems(found, place)
    return None if found else resolved
