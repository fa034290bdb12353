"""From what a file says to a complete recipe, or to all of its problems at once."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import Field, ValidationError

from acutance_models import (
    DEGRADATIONS,
    LOSSES,
    METRICS,
    PROTOCOLS,
    Registry,
    RegistryError,
    check_degradation,
    check_generator,
    resolve_generator,
)
from acutance_models import Problem as ModelProblem
from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.recipe.plugins import load_plugins
from acutance_platform.recipe.schema import Part, Recipe
from acutance_platform.recipe.translate import problems_of, unknown
from acutance_platform.recipe.zero_shot import zero_shot_problems

_SCALES = get_args(Recipe.model_fields["scale"].annotation)


class _TermHead(Part):
    """What every loss term has beside its loss's own arguments."""

    weight: float = Field(gt=0)
    """Factor of this term in the loss mix, above 0."""


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
    problems += _cross_problems(recipe)
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

    def _resolve(self, table: Registry[Any], spec: Any, place: str) -> Any:
        if not isinstance(spec, Mapping):
            self.problems.append(_not_a_map(place, spec))
            return spec
        try:
            return table.resolve(spec)
        except RegistryError as error:
            self.problems += registry_problems(error.problems, place)
            return dict(spec)

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
        if len(stages) > 1:
            self.problems.append(
                Problem(
                    "stages",
                    ", ".join(map(str, stages)),
                    "a training has exactly one stage in this version",
                    "Keep one stage.",
                )
            )
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
        head = {key: value for key, value in term.items() if key == "weight"}
        rest = {key: value for key, value in term.items() if key != "weight"}
        try:
            weight = _TermHead.model_validate(head).weight
        except ValidationError as error:
            self.problems += problems_of(error, _TermHead, place)
            weight = 1.0
        return {**self._resolve(LOSSES, rest, place), "weight": weight}

    def _evaluation(self) -> None:
        evaluation = self.raw.get("evaluation")
        if not isinstance(evaluation, Mapping):
            return
        protocol = evaluation.get("protocol", "rcan")
        if isinstance(protocol, str) and protocol not in PROTOCOLS:
            self.problems.append(unknown("evaluation.protocol", "protocol", protocol, PROTOCOLS))
        metrics = evaluation.get("metrics", [])
        for index, name in enumerate(metrics if isinstance(metrics, list) else []):
            if isinstance(name, str) and name not in METRICS.names():
                place = f"evaluation.metrics.{index}"
                self.problems.append(unknown(place, "metric", name, METRICS.names()))


def _scale_of(raw: Mapping[str, Any]) -> int | None:
    """Return the scale where it is one; the schema says so where it is not."""
    scale = raw.get("scale")
    return scale if type(scale) is int and scale in _SCALES else None


def registry_problems(found: Iterable[ModelProblem], place: str) -> list[Problem]:
    """Return a table's complaints as problems below `place`."""
    return [
        Problem(
            f"{place}.{item.path}" if item.path else place,
            "" if item.value is None else repr(item.value),
            item.rule.rstrip("."),
            item.way_out or "Change it.",
        )
        for item in found
    ]


def _not_a_map(place: str, value: object) -> Problem:
    return Problem(place, repr(value), "a map with `kind` is needed", "Write {kind: NAME, ...}.")


def _cross_problems(recipe: Recipe) -> list[Problem]:
    problems = []
    if recipe.data.patch % recipe.scale:
        patch, scale = recipe.data.patch, recipe.scale
        problems.append(
            Problem(
                "data.patch",
                str(patch),
                f"a patch is a multiple of scale={scale}",
                f"Write {patch // scale * scale} or {(patch // scale + 1) * scale}.",
            )
        )
    schedule = recipe.schedule
    if schedule.warmup > recipe.stage.steps:
        problems.append(
            Problem(
                "schedule.warmup",
                str(schedule.warmup),
                f"the warm-up ends within the stage's {recipe.stage.steps} steps",
                "Shorten it, or lengthen the stage.",
            )
        )
    if schedule.kind == "multistep" and schedule.milestones != sorted(set(schedule.milestones)):
        problems.append(
            Problem(
                "schedule.milestones",
                str(schedule.milestones),
                "milestones rise",
                "Sort them and keep each once.",
            )
        )
    return problems + zero_shot_problems(recipe)
