"""Two sweeps side by side: trials with the same recipe, and their weights where both came to."""

import json
from dataclasses import dataclass

from acutance_platform.search.fold import Sweep


@dataclass(frozen=True)
class Pair:
    """Trials of two sweeps that have one recipe."""

    one: str
    other: str
    step: int
    """The last rung that both reached."""
    weights: tuple[str, str]
    """Hashes of the weights there."""

    @property
    def equal(self):
        return self.weights[0] == self.weights[1]


def pairs(one: Sweep, other: Sweep) -> list[Pair]:
    """Return every trial of one sweep whose recipe occurs in the other, where they have met."""
    known = {}
    for trial in other.trials.values():
        known.setdefault(_recipe(other, trial), trial)
    found = []
    for trial in one.trials.values():
        twin = known.get(_recipe(one, trial))
        rungs = set(trial.values) & set(twin.values) if twin else set()
        if rungs:
            step = max(rungs)
            weights = (trial.published[step], twin.published[step])
            found.append(Pair(trial.name, twin.name, step, weights))
    return found


def _recipe(sweep, trial):
    """Return what a trial trains, beside the file that both sweeps have."""
    seed = trial.seed if trial.seed is not None else sweep.spec.get("seed")
    return json.dumps([trial.recipe, seed], sort_keys=True)
