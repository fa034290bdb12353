"""`validate` and `plan`: what is wrong with a file, and what it will cost, before anything runs."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from acutance_models import build_generator, count_parameters
from acutance_platform.recipe import Recipe, chain
from acutance_platform.search.forecast import LATER, USUALLY, halving_steps
from acutance_platform.search.schema import Budget, Search, total_steps
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.training import feature_files, machine_kind, stage_keys
from acutance_platform.training.speed import known_speed
from acutance_platform.verbs.chains import Keys, Payment, inheritances, payment
from acutance_platform.verbs.drawn import LISTED, draw_notes, first_draws
from acutance_platform.verbs.estimating import (
    IMPORTS,
    Pace,
    Range,
    hours_between,
    import_seconds,
    pace_of,
    timed_sample,
)
from acutance_platform.verbs.files import File, read_file
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.packing import slots_here
from acutance_platform.verbs.plans import spec_of, sweep_plan, warm_records
from acutance_storage import open_dataset

_SAMPLES = 4
"""Recipes that are timed; a few steps each."""
_POINTS = 5
"""Draws that are shown."""


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
    """Recipes that were timed: searched values, parameters, peak memory of a step in bytes (with
    what a process takes of a GPU beside it), seconds per step and measurement."""
    points: list[dict[str, Any]] = field(default_factory=list)
    """Searched values of the first draws, of a sweep."""
    notes: list[str] = field(default_factory=list)
    """What forbidden combinations, constraints and earlier sweeps do to its draws, a line each."""
    refused: int = 0
    """Draws beside those listed that constraints refuse by the recipe's structure."""

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
    sample = timed_sample(recipe, {}, home)
    pace = pace_of([recipe], [(recipe, sample)], home)
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
        hours=hours_between(pace, (recipe.steps,) * 3, (1, 1, 1), 1, import_seconds()),
        samples=[sample],
    )


def _plan_sweep(file: File, search: Search, home: Home) -> Forecast:
    running = sweep_plan(file.name, spec_of(file), home)
    draws, refused = first_draws(running)
    trials = search.budget.trials or (len(draws) if search.sampler["kind"] == "grid" else None)
    chosen = _varied(draws)
    recipes = [recipe for recipe, _ in chosen]
    samples = [timed_sample(recipe, shown, home) for recipe, shown in chosen]
    counted = trials or len(draws)
    likely = [recipe for recipe, _ in draws[:LISTED]]
    slots = slots_here(file.recipe, likely, running.memory, local=home.local)
    paid = payment([recipe for recipe, _ in draws], lambda r: _keys(running, r), home)
    pace = pace_of(likely, list(zip(recipes, samples, strict=True)), home)
    steps = _lengths(running, [recipe for recipe, _ in draws])
    hours, least = _sweep_hours(
        running, steps, counted, paid, pace, min(slots, counted), imports=import_seconds()
    )
    return Forecast(
        kind="sweep",
        trials=trials,
        steps=round(counted * statistics.mean(before + last for before, last in steps)),
        steps_expected=math.ceil(least - 1e-6),
        slots=slots,
        stages=paid.stages,
        listed=len(draws),
        steps_saved=paid.saved,
        hours=hours,
        samples=samples,
        points=[shown for _, shown in draws[:_POINTS]],
        notes=draw_notes(running, len(draws), refused),
        refused=len(refused),
    )


def outlook(path: Path, sets: Iterable[str], home: Home) -> Range | None:
    """Forecast a sweep's wall hours by the cost model alone, in a second or two.

    Returns:
        None where this machine kind was not timed yet (`plan` does that), for a file without a
        search, and for zero-shot trainings.

    Raises:
        RecipeErrors: As for `plan`.
    """
    file = read_file(path, sets, home)
    if file.search is None or file.recipe.zero_shot is not None:
        return None
    if known_speed(machine_kind(file.recipe), local=home.local) is None:
        return None
    running = sweep_plan(file.name, spec_of(file), home)
    draws = [recipe for recipe, _ in first_draws(running)[0]]
    counted = file.search.budget.trials or len(draws)
    paid = payment(draws, lambda r: _keys(running, r), home)
    pace = pace_of(draws[:LISTED], [], home)
    slots = slots_here(file.recipe, draws[:LISTED], running.memory, local=home.local)
    steps, slots = _lengths(running, draws), min(slots, counted)
    return _sweep_hours(running, steps, counted, paid, pace, slots, imports=IMPORTS)[0]


def _lengths(running: SweepPlan, draws: list[Recipe]) -> list[tuple[int, int]]:
    """Return each draw's steps before its last stage and of its last stage; both can be searched.

    Where nothing could be drawn, those of the recipe itself.
    """
    lasts = [chain(recipe)[-1].stage.steps for recipe in draws]
    found = [(recipe.steps - last, last) for recipe, last in zip(draws, lasts, strict=True)]
    return found or [total_steps(running.recipe)]


def _sweep_hours(
    running: SweepPlan,
    lengths: list[tuple[int, int]],
    trials: int,
    paid: Payment,
    pace: Pace,
    slots: int,
    *,
    imports: float,
) -> tuple[Range, float]:
    """Return a sweep's wall hours, and its steps under strict halving."""
    budget, rungs = running.search.budget, running.search.build_scheduler().rungs
    bounds = (1.0, USUALLY, LATER)
    least, usual, most = (
        _within(budget, _steps(running, lengths, trials, g, paid)) for g in bounds
    )
    legs = statistics.mean(len(rungs(*each)) for each in lengths) * trials
    reached = (trials, (trials + legs) / 2, legs)
    hours = hours_between(pace, (least, usual, most), reached, slots, imports)
    return hours.at_most(budget.wall_hours), least


def _varied(draws: list[tuple[Recipe, dict[str, Any]]]) -> list[tuple[Recipe, dict[str, Any]]]:
    """Return a few draws to time: one of each kind of generator first, then the earliest."""
    first: dict[str, int] = {}
    for index, (recipe, _) in enumerate(draws):
        first.setdefault(recipe.generator["kind"], index)
    rest = [index for index in range(len(draws)) if index not in first.values()]
    chosen = [*first.values(), *rest][: max(_SAMPLES, len(first))]
    return [draws[index] for index in chosen]


def _steps(
    running: SweepPlan, lengths: list[tuple[int, int]], trials: int, generous: float, paid: Payment
) -> float:
    """Return the steps of `trials` trials under the scheduler's halving rule.

    Stages before the last one are computed once for all trials that share them. Trials of several
    lengths count as the mean of sweeps of one length each.
    """
    scheduler = running.search.build_scheduler()
    totals = [
        min(
            trials * last,
            halving_steps(
                scheduler, scheduler.rungs(before, last), trials, generous=generous, before=before
            ),
        )
        * lengths.count((before, last))
        for before, last in dict.fromkeys(lengths)
    ]
    return sum(totals) / len(lengths) * (1 - paid.done) + paid.prefix_steps(trials)


def _within(budget: Budget, steps: float) -> float:
    """Return the steps that the budget leaves."""
    return steps if budget.steps is None else min(steps, budget.steps)


def _keys(running: SweepPlan, recipe: Recipe) -> Keys:
    return running.stages(recipe.model_dump(mode="json"))
