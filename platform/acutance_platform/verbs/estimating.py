"""Hours of a file that has not run: a few recipes are timed, the cost model tells the others."""

import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from acutance_platform.recipe import Recipe, chain
from acutance_platform.training import machine_kind, open_training
from acutance_platform.training.costs import StepWork, chain_costs, step_work
from acutance_platform.training.speed import speed_of
from acutance_platform.verbs.home import Home

_START: Final = (0.5, 1.5, 4.0)
"""How many times as long as a worker's imports, timed now, it takes until the first step: each
slot's worker starts at once, beside the cluster and the tracking server."""
IMPORTS: Final = 5.0
"""Seconds of these imports where they are not timed, on a machine with little else to do."""
_LEG: Final = (0.3, 1.0, 2.5)
"""Seconds of a leg beside its steps: its state is read, weights and state are published."""
_STEP: Final = (0.8, 1.1, 1.6)
"""How many times as long a step takes as in a rehearsal: trials share memory and caches, while
drivers, recorders and whoever else is there want time."""

_UNTIMED: Final = 1.5
"""How far off the cost model may be either way where no recipe was timed."""


@dataclass(frozen=True)
class Range:
    """A forecast in hours."""

    low: float
    """Strict halving, fast recipes, nothing else to do for the machine."""
    expected: float
    """The mean recipe."""
    high: float
    """Generous promotion, slow recipes, a busy machine."""

    def at_most(self, hours: float | None) -> "Range":
        """Return the range that is left where a budget ends it; None is no limit."""
        if hours is None:
            return self
        return Range(*(min(each, hours) for each in (self.low, self.expected, self.high)))


@dataclass(frozen=True)
class Pace:
    """Seconds of a step with its share of measurements: of a fast, the mean and a slow recipe."""

    fast: float
    mean: float
    slow: float


def timed_sample(recipe: Recipe, shown: dict[str, Any], home: Home) -> dict[str, Any]:
    """Return what a recipe costs, its step and measurement timed.

    Args:
        recipe: Complete.
        shown: Its searched values.
        home: Store and local folder.
    """
    kind = machine_kind(recipe)
    training = open_training(recipe, store=home.store, local=home.local, machine=kind)
    step, measurement = training.rehearse()
    training.close()
    costs = {"parameters": int(chain_costs(chain(recipe))["parameters"])}
    if recipe.zero_shot is None:
        works = [step_work(link) for link in chain(recipe)]
        speed = speed_of(recipe, kind, local=home.local)
        costs["peak_memory"] = max(work.peak_memory for work in works) + speed.context
    return {
        "recipe": shown,
        **costs,
        "seconds_per_step": step,
        "seconds_per_measurement": measurement,
    }


def pace_of(
    recipes: Sequence[Recipe], timed: Sequence[tuple[Recipe, dict[str, Any]]], home: Home
) -> Pace:
    """Return how fast recipes train, from the few among them that were timed.

    Those that were not timed take what the cost model says, corrected by how far off it was for
    those that were.
    """
    seconds = [sample["seconds_per_step"] for _, sample in timed]
    pauses = [
        sample["seconds_per_measurement"] / recipe.evaluation.every for recipe, sample in timed
    ]
    if recipes[0].zero_shot is None:
        seconds = _modelled(recipes, [recipe for recipe, _ in timed], seconds, home)
    pause, mean = statistics.mean(pauses or [0.0]), statistics.mean(seconds)
    ends = (min(seconds) + mean) / 2, (max(seconds) + mean) / 2
    doubt = 1.0 if timed else _UNTIMED
    return Pace(pause + ends[0] / doubt, pause + mean, pause + ends[1] * doubt)


def _modelled(
    recipes: Sequence[Recipe], timed: Sequence[Recipe], measured: Sequence[float], home: Home
) -> list[float]:
    """Return the seconds of a step of each recipe, those that were timed as they were."""
    speed = speed_of(recipes[0], machine_kind(recipes[0]), local=home.local)
    known = {_shape(recipe): value for recipe, value in zip(timed, measured, strict=True)}
    off = (
        statistics.median(
            value / speed.seconds(_last_work(recipe))
            for recipe, value in zip(timed, measured, strict=True)
        )
        if timed
        else 1.0
    )
    for recipe in recipes:
        if (shape := _shape(recipe)) not in known:
            known[shape] = off * speed.seconds(_last_work(recipe))
    return [known[_shape(recipe)] for recipe in recipes]


def hours_between(
    pace: Pace,
    steps: tuple[float, float, float],
    legs: tuple[float, float, float],
    slots: int,
    imports: float,
) -> Range:
    """Return the wall hours of a sweep.

    Args:
        pace: Of its recipes.
        steps: At least, expected and at most.
        legs: Likewise.
        slots: Trials that run at once.
        imports: Seconds of a worker's imports.
    """
    speeds = (pace.fast, pace.mean, pace.slow)
    low, expected, high = (
        (imports * start + (steps[k] * speeds[k] * _STEP[k] + legs[k] * _LEG[k]) / slots) / 3600
        for k, start in enumerate(_START)
    )
    return Range(low, expected, high)


@functools.cache
def import_seconds() -> float:
    """Return how long a worker's imports take at present."""
    began = time.monotonic()
    code = "import ray.tune, acutance_platform.training"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.monotonic() - began


def _shape(recipe: Recipe) -> str:
    """Return what of a recipe decides the time of a step; weights and rates do not."""
    last = chain(recipe)[-1]
    terms = [
        {key: value for key, value in term.items() if key != "weight"}
        for term in last.stage.loss.values()
    ]
    return repr((last.recipe.generator, last.recipe.data, last.recipe.ema, terms))


def _last_work(recipe: Recipe) -> StepWork:
    return step_work(chain(recipe)[-1])
