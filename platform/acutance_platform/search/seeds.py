"""Trials that are trained again with other seeds: which, and what their values say together.

`repeats: {top: 5, seeds: 3}` gives each of the five best trials three trainings in all. One
training's value is luck in part, and the best of many was lucky more than others; a bound below
which the mean lies with 5 % probability ranks a sure gain above a lucky one.
"""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from acutance_models.rng import stream
from acutance_platform.search.decisions import asked
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.promotion import section
from acutance_platform.search.ranks import order
from acutance_platform.search.trial import Trial


def wanted_repeat(sweep: Sweep, active: Collection[str] = ()) -> tuple[Trial, int] | None:
    """Return a trial to train again and the number of that repeat, from 1; None if none is wanted.

    Nothing is wanted while a trial runs that is no repeat: it may come to be one of the best.

    Args:
        sweep: Everything that is journalled.
        active: Trials of which a leg holds a slot.
    """
    wanted = section(sweep).repeats
    if wanted is None:
        return None
    going = [t for t in sweep.trials.values() if t.target is not None or t.name in active]
    if not all(trial.repeats for trial in going):
        return None
    complete = [t for t in sweep.trials.values() if not t.repeats and sweep.stands(t)]
    ranked = order([t.values[t.end] for t in complete], section(sweep).directions)
    best = [complete[i] for i in ranked[: wanted.top]]
    begun = {trial.name: len(sweep.repeated.get(trial.name, ())) for trial in best}
    least = min(best, key=lambda trial: begun[trial.name], default=None)
    if least is None or begun[least.name] >= wanted.seeds - 1:
        return None
    return least, begun[least.name] + 1


def seed_of(recipe: Mapping[str, Any], number: int) -> int:
    """Return the seed of a recipe's repeat: the same for every recipe with the same seed.

    Trials that share a pretrain share its repeats as well.
    """
    return int(stream(int(recipe.get("seed", 0)), "repeat", number).integers(2**31))


def seeded(recipe: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """Return a trial's recipe with the seed of its repeat, if it is one."""
    return recipe if trial.seed is None else {**recipe, "seed": trial.seed}


def asked_again(
    trial: Trial, ordinal: int, seed: int, stages: Sequence[tuple[str, int]], now: float
) -> Record:
    """Return the record of a repeat; it has its rungs for equal reports alone, and passes all."""
    record = asked(
        ordinal,
        rungs=trial.rungs,
        stages=stages,
        now=now,
        assignment=trial.assignment,
        recipe=trial.recipe,
        attrs={},
    )
    own = {} if trial.share is None else {"share": trial.share}
    return {**record, "repeats": trial.name, "seed": seed, **own}


def over_seeds(sweep: Sweep, trial: Trial) -> dict[str, Any]:
    """Return `seeds`, and of two or more the `mean` and `spread` of each metric.

    Of a trial and its complete repeats, each at its end; the spread is the standard deviation of
    one training, with n - 1. A metric that was not finite once has neither.
    """
    reports = [t.reports[t.end] for t in sweep.trainings_of(trial) if t.end in t.reports]
    told: dict[str, Any] = {"seeds": len(reports)}
    if len(reports) > 1:
        columns = {name: [r.get(name, math.nan) for r in reports] for name in reports[0]}
        known = {name: v for name, v in columns.items() if all(map(math.isfinite, v))}
        told["mean"] = {name: statistics.fmean(v) for name, v in known.items()}
        told["spread"] = {name: statistics.stdev(v) for name, v in known.items()}
    return told
