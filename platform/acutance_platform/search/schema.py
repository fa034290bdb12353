"""The `search:` section of a sweep file: space, objectives, sampler, scheduler, budget."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acutance_models.errors import RegistryError
from acutance_models.registry import Registry
from acutance_platform.recipe import problems_of, registry_problems
from acutance_platform.recipe.errors import Problem, RecipeErrors
from acutance_platform.search.constraints import Rule, bound_of, constraint_problems, rules_of
from acutance_platform.search.front import Direction
from acutance_platform.search.grid import grid_problems
from acutance_platform.search.initial import forbidden_initial, initial_problems
from acutance_platform.search.paths import get_path
from acutance_platform.search.samplers import SAMPLERS
from acutance_platform.search.schedulers import SCHEDULERS, Scheduler
from acutance_platform.search.space import Space
from acutance_platform.search.table import parse_space

PLACE = "search"
STRUCTURE = ("parameters", "macs_per_pixel")
"""Metrics that every report has, whatever is evaluated."""
COSTS = (*STRUCTURE, "peak_memory", "latency_ms")
"""Metrics that bicubic has none of; the last two are in reports where something names them."""


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Budget(_Part):
    """What a sweep may spend; when one of these is reached, no new leg starts."""

    trials: int | None = Field(default=None, ge=1)
    """Number of trials that are drawn; points added by hand and repeats come on top."""
    steps: int | None = Field(default=None, ge=1)
    """Training steps computed by all trials together."""
    wall_hours: float | None = Field(default=None, gt=0)
    """Hours during which the sweep runs; pauses between starts do not count."""
    gpu_hours: float | None = Field(default=None, gt=0)
    """GPU hours of all trials, shares of a GPU counted as shares."""
    cpu_hours: float | None = Field(default=None, gt=0)
    """CPU hours of all trials."""


class Repeats(_Part):
    """Which trials are trained again with other seeds, when nothing else is left to do."""

    top: int = Field(default=5, ge=1)
    """Number of trials, the best by their own values; of several objectives by fronts."""
    seeds: int = Field(default=3, ge=2)
    """Trainings of each in all, its own among them."""


class Search(_Part):
    """How the recipes of a sweep are drawn, compared and stopped."""

    space: dict[str, Any] = Field(min_length=1)
    """Dotted recipe path -> distribution; or a name of your own -> variants, each of which sets
    several recipe paths."""
    objectives: dict[str, Direction] = Field(min_length=1)
    """Metric -> max or min; several are searched for their front."""
    constraints: dict[str, str | list[str]] = {}
    """Metric -> rule such as `">= 28"`, or a list of rules; a recipe whose structure breaks one is
    not trained, and `best` and the front have what meets all of them."""
    sampler: dict[str, Any] = {"kind": "tpe"}
    """Who proposes trials: grid, nsga2, quasi_random, random or tpe, as `{kind: NAME, ...}`."""
    scheduler: dict[str, Any] = {"kind": "asha"}
    """Who decides at rungs: asha or none, as `{kind: NAME, ...}`."""
    initial: list[dict[str, Any]] = []
    """Points to start from: path of the space -> value, or name of variants -> label; what a point
    leaves out is drawn. Of a map of loss terms, `{preset: NAME}` stands for published weights:
    enhancenet, esrgan, sftgan, srfeat."""
    forbidden: list[dict[str, Any]] = []
    """Combinations that are never tried, each a map of recipe path -> value, operator and number
    (`"> 96"`), or name of variants -> label, that hold together."""
    from_sweeps: list[str] = []
    """Earlier sweeps of this store whose trials the sampler is told; they differ from this one in
    what is searched, resources, checkpoints and metrics that are no objectives alone."""
    reference: dict[str, float] = {}
    """Objective -> value that a point of the front has to beat to count for the hypervolume; where
    left out, bicubic's value, or a cost's constraint. A cost without a constraint needs one."""
    interpolate: Literal["front"] | None = None
    """`front`: when the sweep ends, neighbours on the front that share a pretrain and a network are
    interpolated and measured, at no training cost; null = they are not."""
    alphas: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[0.25, 0.5, 0.75], min_length=1
    )
    """Shares of the second neighbour's weights at which `interpolate` measures."""
    repeats: Repeats | None = None
    """The best trials are trained again with other seeds, as `{top: 5, seeds: 3}`, on top of the
    budget of trials; `best` is then the best lower confidence bound. null = they are not."""
    budget: Budget
    """What the sweep may spend."""

    @property
    def objective(self) -> str:
        """The metric that is named first: `best` is best in it."""
        return next(iter(self.objectives))

    @property
    def direction(self) -> Direction:
        """Whether the first objective is to be large or small."""
        return self.objectives[self.objective]

    @property
    def directions(self) -> list[Direction]:
        """Whether each objective is to be large or small."""
        return list(self.objectives.values())

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The constraints, read."""
        return rules_of(self.constraints)

    def build_space(self) -> Space:
        """Return what is drawn from, without what is forbidden."""
        return parse_space(self.space, forbidden=self.forbidden)

    def build_scheduler(self) -> Scheduler:
        """Return the scheduler that the section names."""
        return SCHEDULERS.build(self.scheduler)


def parse_search(section: Any, base: Mapping[str, Any] | None = None) -> Search:
    """Return the section with every default filled in.

    Args:
        section: What stands under `search:`.
        base: The recipe around it; with it, the paths of the space are checked against it.

    Raises:
        RecipeErrors: With every problem that was found; places are dotted paths.
    """
    if not isinstance(section, dict):
        rule = "a sweep has a search section with space, objectives and budget"
        way_out = "Add it, or run `acutance train` for a single recipe."
        raise RecipeErrors([Problem(PLACE, "" if section is None else str(section), rule, way_out)])
    raw, problems = dict(section), list[Problem]()
    for key, table in _TABLES.items():
        raw[key] = _component(table, raw.get(key, Search.model_fields[key].default), key, problems)
    problems += (wrong := constraint_problems(raw.get("constraints", {}), f"{PLACE}.constraints"))
    if wrong:
        del raw["constraints"]  # told once
    space = _space(raw, base, problems) if raw.get("space") else None
    try:
        search = Search.model_validate(raw)
    except ValidationError as error:
        known = {problem.place for problem in problems}
        found = [p for p in problems_of(error, Search, PLACE) if p.place not in known]
        raise RecipeErrors([*problems, *found]) from None
    problems += [*_cross_problems(search), *_front_problems(search)]
    if space is not None:
        problems += _space_problems(search, space)
    if base is not None:
        if space is not None and not problems:
            problems += forbidden_initial(space, search.initial, base)
        problems += _objective_problems(search, base)
    if problems:
        raise RecipeErrors(problems)
    return search


def total_steps(recipe: Mapping[str, Any]) -> tuple[int, int]:
    """Return the steps before the last stage and those of the last stage.

    Args:
        recipe: With its stages in the order in which they run.
    """
    *before, last = [int(stage["steps"]) for stage in recipe["stages"].values()]
    return sum(before), last


_TABLES: dict[str, Registry[Any]] = {"sampler": SAMPLERS, "scheduler": SCHEDULERS}


def _component(table: Registry[Any], spec: Any, key: str, problems: list[Problem]) -> Any:
    """Return a component's spec with its defaults; a bare name stands for its kind."""
    named = {"kind": spec} if isinstance(spec, str) else spec
    try:
        return table.resolve(named)
    except RegistryError as error:
        problems += registry_problems(error.problems, f"{PLACE}.{key}")
        return named


def _space(
    raw: dict[str, Any], base: Mapping[str, Any] | None, problems: list[Problem]
) -> Space | None:
    forbidden = raw.get("forbidden")
    try:
        # What is no list is an error of the section's schema, told there.
        return parse_space(raw["space"], base, forbidden if isinstance(forbidden, list) else ())
    except RecipeErrors as error:
        problems += error.problems
        return None


def _cross_problems(search: Search) -> Iterator[Problem]:
    limits = search.budget.model_dump(exclude_none=True)
    if not limits and search.sampler.get("kind") != "grid":
        rule = "only sampler grid ends by itself"
        way_out = "Write for example budget: {trials: 16}."
        yield Problem(f"{PLACE}.budget", "{}", rule, way_out)
    kind = str(search.sampler.get("kind"))
    if search.from_sweeps and kind in SAMPLERS and not getattr(SAMPLERS[kind], "learns", True):
        rule = f"sampler {kind} learns from no trial"
        yield Problem(f"{PLACE}.from_sweeps", kind, rule, "Use tpe or nsga2, or leave it out.")
    if len(set(search.from_sweeps)) < len(search.from_sweeps):
        rule = "each earlier sweep is told once"
        yield Problem(f"{PLACE}.from_sweeps", str(search.from_sweeps), rule, "Write each once.")
    trials = search.budget.trials
    if trials is not None and trials < len(search.initial):
        rule = f"search.initial lists {len(search.initial)} trials, which all are to run"
        yield Problem(f"{PLACE}.budget.trials", str(trials), rule, "Raise it, or list fewer.")


def _front_problems(search: Search) -> Iterator[Problem]:
    """Yield what keeps a front of several objectives from having a reference, or neighbours."""
    for name in search.reference:
        if name not in search.objectives:
            rule = "a reference belongs to an objective"
            known = ", ".join(search.objectives)
            yield Problem(f"{PLACE}.reference.{name}", name, rule, f"Objectives: {known}.")
    if len(set(search.alphas)) < len(search.alphas):
        rule = "each alpha makes one model of two neighbours"
        yield Problem(f"{PLACE}.alphas", str(search.alphas), rule, "Write each once.")
    if len(search.objectives) == 1:
        if search.interpolate is not None:
            rule = "a front has several objectives"
            way_out = "Add an objective, or leave `interpolate` out."
            yield Problem(f"{PLACE}.interpolate", search.interpolate, rule, way_out)
        return
    for name in search.objectives:
        bound = bound_of(search.rules, name, search.objectives[name])
        if name in COSTS and name not in search.reference and bound is None:
            rule = "bicubic has no such cost, so the front's reference in it has to be given"
            way_out = f"Write reference: {{{name}: NUMBER}}, what is too much to count, or bound it"
            way_out += " by a constraint."
            yield Problem(f"{PLACE}.reference", name, rule, way_out)


def _space_problems(search: Search, space: Space) -> Iterator[Problem]:
    if search.sampler.get("kind") == "grid":
        yield from grid_problems(space)
        if search.initial:
            rule = "sampler grid goes through every point anyway"
            yield Problem(f"{PLACE}.initial", "", rule, "Leave the initial points out.")
    yield from initial_problems(space, search.initial)
    if search.scheduler.get("kind") == "none":
        return
    for leaf in space.written():
        parts = leaf.path.split(".")
        if parts[0] == "stages" and (len(parts) < 3 or parts[2] == "steps"):
            rule = "with a scheduler all trials have the same steps, so that rungs are comparable"
            way_out = "Write scheduler: none, or take the steps out of the space."
            yield Problem(leaf.place, leaf.path, rule, way_out)


def _objective_problems(search: Search, base: Mapping[str, Any]) -> Iterator[Problem]:
    metrics = get_path(dict(base), "evaluation.metrics")
    if not isinstance(metrics, list | tuple):
        return
    # An entry without a kind is an error of the recipe, told elsewhere.
    told = (e for e in metrics if isinstance(e, str) or (isinstance(e, dict) and "kind" in e))
    from acutance_models import metric_name  # brings torch

    known = [metric_name(entry) for entry in told]
    named = [("objectives", "an objective is", name) for name in search.objectives]
    named += [("constraints", "a constraint bounds", name) for name in search.constraints]
    for key, words, name in named:
        if name not in known and name not in COSTS and not name.startswith("loss/"):
            rule = f"{words} a metric that the recipe evaluates, or one of its costs"
            way_out = f"Add it to evaluation.metrics, or use one of {', '.join(known)}"
            way_out += f", {', '.join(COSTS)}."
            yield Problem(f"{PLACE}.{key}.{name}", name, rule, way_out)
