"""`validate` and `plan`: what is wrong with a file, and what it will cost, before anything runs."""

import math
import os
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import torch

from acutance_models import build_generator, count_parameters
from acutance_platform.recipe import Recipe, build_recipe, chain, refuse
from acutance_platform.search.forbidden import DRAWS, survey
from acutance_platform.search.history import told_refused
from acutance_platform.search.refused import Refused, given_up, stuck
from acutance_platform.search.samplers import SAMPLERS, Sampler, Told, propose
from acutance_platform.search.schema import Search, total_steps
from acutance_platform.search.warm import warm_note, warm_told
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.training import feature_files, machine_kind, open_training, stage_keys
from acutance_platform.verbs.chains import Keys, Payment, inheritances, payment
from acutance_platform.verbs.files import File, read_file
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.plans import spec_of, sweep_plan, warm_records
from acutance_storage import open_dataset

_SAMPLES = 4
"""Recipes that are timed; a few steps each."""
_LISTED = 24
"""Draws that are looked at for shared and finished stages; of a grid, all."""
_MOST = 10**6
_POINTS = 5
"""Draws that are shown."""
_START = 15.0
"""Seconds until the first step: processes, imports, the tracking server."""
_LATER = 1.6
"""Promotions are asynchronous: up to so many times the halving rule's number go on."""


@dataclass(frozen=True)
class Range:
    """A forecast in hours."""

    low: float
    """Fastest timed recipe, strict halving."""
    expected: float
    """Median recipe."""
    high: float
    """Slowest timed recipe, generous promotion."""


@dataclass(frozen=True)
class Forecast:
    """What a file will cost on this machine."""

    kind: str
    """recipe or sweep."""
    trials: int | None
    """Trials that the budget allows; None where only hours or steps limit them."""
    steps: int
    """Steps if every trial ran to its end."""
    steps_expected: int
    """Steps that early stopping leaves."""
    slots: int
    """Trials that run at once here."""
    stages: list[dict[str, Any]]
    """Key, name, steps, how many of the first draws share it, whether its result exists already."""
    listed: int
    """How many draws that are."""
    steps_saved: int
    """Steps that those draws need not compute, because stages are shared or finished."""
    hours: Range
    """Wall hours on this machine."""
    samples: list[dict[str, Any]]
    """Recipes that were timed: searched values, parameters, seconds per step and measurement."""
    points: list[dict[str, Any]] = field(default_factory=list)
    """Searched values of the first draws, of a sweep."""
    notes: list[str] = field(default_factory=list)
    """What forbidden combinations and earlier sweeps do to its draws, one line each."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `plan --json` prints."""
        return asdict(self)


def validate(path: Path, sets: Iterable[str], home: Home) -> dict[str, Any]:
    """Check a recipe or sweep file as a whole and return what it is.

    Raises:
        RecipeErrors: With every problem at once.
    """
    file = read_file(path, sets, home)
    recipe = file.recipe
    if file.search is not None:
        warm_records(file.search, recipe.model_dump(mode="json"), home)
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    dataset = open_dataset(home.store, recipe.data.dataset)
    return {
        "file": str(path),
        "kind": "sweep" if file.search is not None else "recipe",
        "name": file.name,
        "dataset": recipe.data.dataset,
        "pictures": {s: len(dataset.indices(s)) for s in ("train", "validation", "test")},
        "scale": recipe.scale,
        "steps": recipe.steps,
        "parameters": count_parameters(network),
        "precision": recipe.precision,
        "stages": inheritances(recipe, home),
    }


def plan(path: Path, sets: Iterable[str], home: Home) -> Forecast:
    """Forecast trials, steps and wall hours by timing a few steps of a few recipes.

    Raises:
        RecipeErrors: With every problem of the file at once.
    """
    file = read_file(path, sets, home)
    if file.search is None:
        return _plan_recipe(file, home)
    return _plan_sweep(file, file.search, home)


def _plan_recipe(file: File, home: Home) -> Forecast:
    recipe = file.recipe
    sample = _timed(recipe, {}, home)
    hours = _hours(sample, recipe.steps, recipe) / 3600 + _START / 3600
    version = open_dataset(home.store, recipe.data.dataset).version
    kind, files = machine_kind(recipe), feature_files(recipe, home.store)
    keys = stage_keys(recipe, dataset_version=version, machine=kind, files=files)
    ends = tuple(zip(keys, (link.end for link in chain(recipe)), strict=True))
    paid = payment([recipe], lambda _: ends, home)
    return Forecast(
        kind="recipe",
        trials=1,
        steps=recipe.steps,
        steps_expected=recipe.steps,
        slots=1,
        stages=paid.stages,
        listed=1,
        steps_saved=paid.saved,
        hours=Range(hours * 0.8, hours, hours * 1.5),
        samples=[sample],
    )


def _plan_sweep(file: File, search: Search, home: Home) -> Forecast:
    running = sweep_plan(file.name, spec_of(file), home)
    draws = _draws(running)
    trials = search.budget.trials or (len(draws) if search.sampler["kind"] == "grid" else None)
    chosen = _varied(draws)
    recipes = [recipe for recipe, _ in chosen]
    samples = [_timed(recipe, shown, home) for recipe, shown in chosen]
    slots = _slots(file.recipe)
    counted = trials or len(draws)
    paid = payment([recipe for recipe, _ in draws], lambda r: _keys(running, r), home)
    expected = _steps(running, counted, 1.0, paid)
    seconds = sorted(_hours(s, 1, r) for s, r in zip(samples, recipes, strict=True))

    def hours(per_step: float, steps: float) -> float:
        return (_START + per_step * steps / min(slots, counted)) / 3600

    most = min(counted * file.recipe.steps, _steps(running, counted, _LATER, paid))
    return Forecast(
        kind="sweep",
        trials=trials,
        steps=counted * file.recipe.steps,
        steps_expected=math.ceil(expected - 1e-6),
        slots=slots,
        stages=paid.stages,
        listed=len(draws),
        steps_saved=paid.saved,
        hours=Range(
            hours(seconds[0], expected),
            hours(statistics.median(seconds), (expected + most) / 2),
            hours(seconds[-1], most),
        ),
        samples=samples,
        points=[shown for _, shown in draws[:_POINTS]],
        notes=_notes(running),
    )


def _notes(running: SweepPlan) -> list[str]:
    """Return what forbidden combinations and earlier sweeps do to the draws."""
    space = running.search.build_space()
    counts = survey(space, running.recipe) if space.forbidden else {}
    forbidden = [
        f"forbidden combination {index} takes {counts.get(index, 0) / DRAWS:.1%} of random draws"
        for index in range(len(space.forbidden))
    ]
    return [*forbidden, *(warm_note(record) for record in running.warm())]


def _draws(running: SweepPlan) -> list[tuple[Recipe, dict[str, Any]]]:
    """Return the draws that do not depend on results: all of a grid, else the first ones.

    Those that structural constraints refuse are passed over, as the sweep will.

    Raises:
        RecipeErrors: If the constraints refuse every draw.
    """
    space = running.search.build_space()
    sampler: Sampler = SAMPLERS.build(
        running.search.sampler,
        space=space,
        base=running.recipe,
        directions=running.search.directions,
    )
    grid = running.search.sampler["kind"] == "grid"
    limit = running.search.budget.trials or (_MOST if grid else _LISTED)
    found: list[tuple[Recipe, dict[str, Any]]] = []
    refused = list[Refused]()
    history = [told for record in running.warm() for told in warm_told(record)]
    for ordinal in count():
        if len(found) >= limit or (not grid and len(found) >= _LISTED):
            break
        if not grid and given_up(refused, len(found)):
            break
        initial, base = running.search.initial, running.recipe
        proposal = propose(sampler, ordinal, history, initial=initial, space=space, base=base)
        if proposal is None:
            break
        drawn = running.recipe_for(proposal.outcome.apply)
        if refusal := running.refusal(drawn):
            refused.append(Refused(len(found), proposal.outcome.assignment, **refusal))
            history.append(told_refused(refused[-1]))
            continue
        found.append((build_recipe(drawn), dict(proposal.outcome.shown)))
        history.append(Told(proposal.outcome.assignment, "running", attrs=proposal.attrs))
    if not found:
        rule = f"a sweep needs a recipe to train, but {stuck(refused, 0)}"
        raise refuse("search.constraints", None, rule, "Run `acutance plan` again then.")
    return found


def _varied(draws: list[tuple[Recipe, dict[str, Any]]]) -> list[tuple[Recipe, dict[str, Any]]]:
    """Return a few draws to time: one of each kind of generator first, then the earliest."""
    first: dict[str, int] = {}
    for index, (recipe, _) in enumerate(draws):
        first.setdefault(recipe.generator["kind"], index)
    rest = [index for index in range(len(draws)) if index not in first.values()]
    chosen = [*first.values(), *rest][: max(_SAMPLES, len(first))]
    return [draws[index] for index in chosen]


def _timed(recipe: Recipe, shown: dict[str, Any], home: Home) -> dict[str, Any]:
    kind = machine_kind(recipe)
    training = open_training(recipe, store=home.store, local=home.local, machine=kind)
    step, measurement = training.rehearse()
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    return {
        "recipe": shown,
        "parameters": count_parameters(network),
        "seconds_per_step": step,
        "seconds_per_measurement": measurement,
    }


def _hours(sample: dict[str, Any], steps: int, recipe: Recipe) -> float:
    """Return the seconds of `steps` steps with their share of measurements."""
    measured = sample["seconds_per_measurement"] / recipe.evaluation.every
    return float(steps * (sample["seconds_per_step"] + measured))


def _steps(running: SweepPlan, trials: int, generous: float, paid: Payment) -> float:
    """Return the steps of `trials` trials under the scheduler's halving rule.

    Stages before the last one are computed once for all trials that share them.
    """
    rungs = running.rungs_of(running.recipe)
    scheduler = running.search.build_scheduler()
    before, _ = total_steps(running.recipe)
    total, reached = 0.0, trials
    for rung in rungs:
        total += reached * (rung - before)
        before = rung
        reached = max(1, min(reached, round(scheduler.promotable(reached) * generous)))
    return total * (1 - paid.done) + paid.prefix_steps(trials)


def _keys(running: SweepPlan, recipe: Recipe) -> Keys:
    return running.stages(recipe.model_dump(mode="json"))


def _slots(recipe: Recipe) -> int:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    slots = (cpus or 1) // recipe.resources.cpu
    gpu = float(recipe.resources.gpu)
    if gpu > 0:
        slots = min(slots, int(torch.cuda.device_count() / gpu))
    return max(1, slots)
