"""From what a file says to a complete recipe, or to all of its problems at once."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, get_args

import torch
from pydantic import ValidationError

from acutance_models import (
    DEGRADATIONS,
    PROTOCOLS,
    RegistryError,
    build_generator,
    check_degradation,
    check_generator,
    check_terms,
    resolve_generator,
    resolve_term,
)
from acutance_platform.recipe.chain import Link, chain, in_order
from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.recipe.metrics import resolve_metrics
from acutance_platform.recipe.micro_batch import micro_batch_problems
from acutance_platform.recipe.plugins import load_plugins
from acutance_platform.recipe.ranks import part_problems, rank_problems
from acutance_platform.recipe.schema import Recipe, Stage
from acutance_platform.recipe.shares import share_problems
from acutance_platform.recipe.translate import problems_of, registry_problems, unknown
from acutance_platform.recipe.zero_shot import zero_shot_problems

_SCALES = get_args(Recipe.model_fields["scale"].annotation)


def build_recipe(raw: Mapping[str, Any]) -> Recipe:
    """Return the recipe with every default and every component's arguments filled in.

    Raises:
        RecipeErrors: With every problem that was found; places are dotted paths.
    """
    unloaded = _plugin_problems(raw)
    resolved = _Components(dict(raw))
    # Without its plug-in a component is unknown: that would only repeat the first error.
    problems = unloaded or resolved.problems
    try:
        recipe = Recipe.model_validate(resolved.raw)
    except ValidationError as error:
        found = problems_of(error, Recipe, also=("base", "search"))
        known = {problem.place for problem in problems}
        raise RecipeErrors(
            [*problems, *(problem for problem in found if problem.place not in known)]
        ) from None
    problems += _cross_problems(recipe, sound=not problems)
    if problems:
        raise RecipeErrors(problems)
    return recipe


def _plugin_problems(raw: Mapping[str, Any]) -> list[Problem]:
    names = raw.get("plugins", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []  # the schema says so
    try:
        load_plugins(names)
    except RecipeErrors as error:
        return list(error.problems)
    return []


class _Components:
    """Resolves the components of a raw recipe against their tables, collecting problems."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = []
        self._generator()
        self._data()
        self._stages()
        self._evaluation()

    def _generator(self) -> None:
        spec, scale = self.raw.get("generator"), _scale_of(self.raw)
        if spec is None:
            return
        try:
            self.raw["generator"] = resolve_generator(spec)
        except RegistryError as error:
            self.problems += registry_problems(error.problems, "generator")
            return
        if scale is not None:
            found = check_generator(self.raw["generator"], scale=scale)
            self.problems += registry_problems(found, "generator")

    def _data(self) -> None:
        data, scale = self.raw.get("data"), _scale_of(self.raw)
        if not isinstance(data, Mapping):
            return
        chain = data.get("degradation", [{"kind": "matlab_bicubic"}])
        found = check_degradation(chain, scale=scale or 2)
        self.problems += registry_problems(found, "data.degradation")
        if not found:
            steps = [DEGRADATIONS.resolve(step) for step in chain]
            self.raw["data"] = {**data, "degradation": steps}

    def _stages(self) -> None:
        stages = self.raw.get("stages")
        if not isinstance(stages, Mapping):
            return
        stages, problems = in_order(stages)
        self.problems += problems
        self.raw["stages"] = {
            name: self._stage(stage, f"stages.{name}") for name, stage in stages.items()
        }

    def _stage(self, stage: Any, place: str) -> Any:
        if not isinstance(stage, Mapping) or not isinstance(stage.get("loss"), Mapping):
            return stage
        terms = {
            name: self._term(term, f"{place}.loss.{name}") for name, term in stage["loss"].items()
        }
        return {**stage, "loss": terms}

    def _term(self, term: Any, place: str) -> Any:
        if not isinstance(term, Mapping):
            self.problems.append(_not_a_map(place, term))
            return {}
        try:
            return resolve_term(term)
        except RegistryError as error:
            self.problems += registry_problems(error.problems, place)
            return dict(term)

    def _evaluation(self) -> None:
        evaluation = self.raw.get("evaluation")
        if not isinstance(evaluation, Mapping):
            return
        protocol = evaluation.get("protocol", "rcan")
        if isinstance(protocol, str) and protocol not in PROTOCOLS:
            self.problems.append(unknown("evaluation.protocol", "protocol", protocol, PROTOCOLS))
        metrics = evaluation.get("metrics")
        if isinstance(metrics, list):
            resolved, problems = resolve_metrics(metrics, "evaluation.metrics")
            self.problems += problems
            # A list with a problem is left out: the schema would only repeat it.
            rest = {key: value for key, value in evaluation.items() if key != "metrics"}
            self.raw["evaluation"] = rest if problems else {**rest, "metrics": resolved}


def _scale_of(raw: Mapping[str, Any]) -> int | None:
    """Return the scale where it is one; the schema says so where it is not."""
    scale = raw.get("scale")
    return scale if type(scale) is int and scale in _SCALES else None


def _not_a_map(place: str, value: object) -> Problem:
    return Problem(place, repr(value), "a map with `kind` is needed", "Write {kind: NAME, ...}.")


def _cross_problems(recipe: Recipe, *, sound: bool) -> list[Problem]:
    """Return what is wrong between fields that are each right by themselves.

    Networks are planned only where every component is `sound` on its own.
    """
    try:
        links = chain(recipe)
    except RecipeErrors as error:
        return list(error.problems)
    problems: dict[Problem, None] = {}
    for first, link in enumerate(links):
        own = f"stages.{link.name}."
        problems |= dict.fromkeys(_patch_problems(link, own))
        problems |= dict.fromkeys(_schedule_problems(link, own))
        problems |= dict.fromkeys(part_problems(link))
        if sound:
            problems |= dict.fromkeys(_term_problems(link, own))
        if link.stage.init is not None and first:
            rule = "only the first stage may start from a model: the others start from their parent"
            place = f"{own}init"
            problems[Problem(place, link.stage.init, rule, "Move it to the first stage.")] = None
    found = [*rank_problems(recipe), *share_problems(recipe.resources)]
    return [*problems, *found, *zero_shot_problems(recipe)]


def _term_problems(link: Link, own: str) -> Iterator[Problem]:
    """Yield what is wrong with a stage's groups and loss mix once its network is known."""
    recipe, stage = link.recipe, link.stage
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    yield from _group_problems(stage, [name for name, _ in network.named_parameters()], own)
    patch, steps = recipe.data.patch, stage.steps
    found = check_terms(stage.loss, patch=patch, channels=network.channels, steps=steps)
    yield from registry_problems(found, f"{own}loss")
    if not found:
        yield from micro_batch_problems(link)
    for name, term in stage.loss.items():
        if term["kind"] == "classification" and network.condition_classes is None:
            rule = "classes come with segmentation maps, which this generator does not take"
            way_out = "Remove the term, or train sftgan on a dataset with maps."
            yield Problem(f"{own}loss.{name}", recipe.generator["kind"], rule, way_out)


def _group_problems(stage: Stage, parameters: list[str], own: str) -> Iterator[Problem]:
    """Yield the groups that no parameter follows: a misspelled one would change nothing."""
    left = list(parameters)
    for index, group in enumerate(stage.groups):
        others = [name for name in left if not fnmatchcase(name, group.match)]
        if len(others) == len(left):
            rule = "no parameter of the generator follows this group"
            seen = ", ".join(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in left))
            way_out = f"Left for it: {seen}." if left else "The groups before it took all."
            yield Problem(f"{own}groups.{index}.match", group.match, rule, way_out)
        left = others


def _patch_problems(link: Link, own: str) -> Iterator[Problem]:
    patch, scale = link.recipe.data.patch, link.recipe.scale
    if patch % scale:
        place = f"{own}data.patch" if link.stage.data.patch is not None else "data.patch"
        way_out = f"Write {patch // scale * scale} or {(patch // scale + 1) * scale}."
        yield Problem(place, str(patch), f"a patch is a multiple of scale={scale}", way_out)


def _schedule_problems(link: Link, own: str) -> Iterator[Problem]:
    schedule, stage = link.recipe.schedule, link.stage
    place = f"{own}schedule" if stage.schedule else "schedule"
    if schedule.warmup > stage.steps:
        rule = f"the warm-up ends within the stage's {stage.steps} steps"
        way_out = "Shorten it, or lengthen the stage."
        yield Problem(f"{place}.warmup", str(schedule.warmup), rule, way_out)
    if schedule.kind == "multistep" and schedule.milestones != sorted(set(schedule.milestones)):
        value, way_out = str(schedule.milestones), "Sort them and keep each once."
        yield Problem(f"{place}.milestones", value, "milestones rise", way_out)
