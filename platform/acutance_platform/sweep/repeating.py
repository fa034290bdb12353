"""A trial that is trained again with another seed, as a record."""

from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.seeds import asked_again, seed_of
from acutance_platform.search.space import Space
from acutance_platform.search.trial import Trial
from acutance_platform.sweep.plan import SweepPlan


def repeated(
    plan: SweepPlan, space: Space, sweep: Sweep, trial: Trial, number: int, *, now: float
) -> Record:
    """Return the record that asks for a trial's repeat.

    Args:
        plan: What is run.
        space: Its space.
        sweep: Everything that is journalled.
        trial: Which is repeated.
        number: Of the repeat, from 1.
        now: Seconds since the epoch.
    """
    recipe = plan.recipe_for(space.replay(trial.assignment, plan.recipe).apply)
    seed = seed_of(recipe, number)
    stages = plan.stages({**recipe, "seed": seed})
    return asked_again(trial, len(sweep.trials), seed, stages, now)
