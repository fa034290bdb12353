"""Trials as Optuna takes them: made once, placed anew for each question, and not too many.

Optuna is given the history anew for each proposal. What it is given is a projection of the journal:
complete trials are COMPLETE, resting ones PRUNED, running ones RUNNING, failures FAIL.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, final

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from acutance_platform.search.distributions import Choice, Distribution, Integer
from acutance_platform.search.space import Space, Value
from acutance_platform.search.told import Told

MOST: Final = 200
"""Trials that a model is made of."""
BEST: Final = 50
"""Of those, the best ones; Optuna 5.0 takes at most 25 as good, however many there are."""

_STATES = {
    "running": TrialState.RUNNING,
    "resting": TrialState.PRUNED,
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
}


def telling(history: Sequence[Told], found: Sequence[Mapping[int, float]]) -> list[int]:
    """Return the positions of those from which a model learns most: all, where they are few.

    The best ones, those that run, and the newest, so that a proposal costs as much after ten
    thousand trials as after two hundred.

    Args:
        history: What is known.
        found: Of each, rung -> its place there.
    """
    if len(history) <= MOST:
        return list(range(len(history)))

    def rank(position: int) -> tuple[bool, bool, int, float, int]:
        told, at = history[position], found[position]
        rung = max(at, default=0)
        place = at.get(rung, 0.0)
        return told.violation > 0, told.state != "complete", -rung, place, position

    best = sorted((i for i, at in enumerate(found) if at), key=rank)[:BEST]
    kept = {*best, *(i for i, told in enumerate(history) if told.state == "running")}
    for position in range(len(history) - 1, -1, -1):
        if len(kept) >= MOST:
            break
        kept.add(position)
    return sorted(kept)


@final
class OptunaTrials:
    """Makes Optuna's trial of what is known of one, and keeps it for the next question.

    Args:
        space: What is drawn from.
        objectives: Values that a result has.
        attrs: What Optuna's sampler wants to find in each trial.
    """

    def __init__(self, space: Space, objectives: int, attrs: Mapping[str, Any]) -> None:
        self._distributions = {v.name: optuna_distribution(v.distribution) for v in space}
        self._objectives, self._attrs = objectives, dict(attrs)
        self._made: dict[int, tuple[Told, FrozenTrial]] = {}

    def __call__(
        self,
        told: Told,
        at: Mapping[int, float],
        result: Sequence[float],
        assignment: Callable[[], Mapping[str, Value]] | None = None,
    ) -> FrozenTrial:
        """Return a trial; one that was refused untrained is PRUNED and violates.

        Args:
            told: What is known; the same object gives the same trial, placed anew.
            at: Rung -> place, which Optuna sees as intermediate values.
            result: Of a complete trial.
            assignment: Returns what it is told instead of what was drawn.
        """
        made = self._made.get(id(told))
        if made is None:
            # Kept with what it was made of, so that no other object gets its number meanwhile.
            drawn = told.assignment if assignment is None else assignment()
            made = self._made[id(told)] = (told, self._make(told, drawn))
        trial = copy.copy(made[1])
        trial.intermediate_values = dict(at)
        if trial.state == TrialState.COMPLETE:
            trial.values = list(result)
        return trial

    def _make(self, told: Told, assignment: Mapping[str, Value]) -> FrozenTrial:
        refused = told.state == "failed" and told.violation > 0 and not told.values
        state = TrialState.PRUNED if refused else _STATES[told.state]
        complete = state == TrialState.COMPLETE
        trial = optuna.trial.create_trial(
            state=state,
            values=[0.0] * self._objectives if complete else None,
            params=dict(assignment),
            distributions={name: self._distributions[name] for name in assignment},
            system_attrs={**self._attrs, **told.attrs},
            user_attrs={"rungs": {rung: list(values) for rung, values in told.values.items()}},
            constraints={"violation": told.violation},
        )
        trial.__class__ = _Shared
        return trial


@final
class _Shared(FrozenTrial):
    """A trial that nothing changes any more.

    Optuna copies every trial it is given, and is given the whole history for each proposal: with
    deep copies that was most of a proposal's time.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Shared":
        return copy.copy(self)


def optuna_distribution(distribution: Distribution) -> BaseDistribution:
    """Return a distribution as Optuna knows it."""
    if isinstance(distribution, Choice):
        return CategoricalDistribution(range(len(distribution.options)))
    low, high, log = distribution.low, distribution.high, distribution.log
    # Optuna 5.0 knows no steps of a logarithm: it sees all between the ends, `draw_one` snaps.
    if isinstance(distribution, Integer):
        return IntDistribution(int(low), int(high), log=log, step=1 if log else distribution.step)
    return FloatDistribution(low, high, log=log, step=None if log else distribution.step)
