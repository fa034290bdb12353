"""Samplers that ask Optuna; the one module that knows it."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, final

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import TrialState
from pydantic import Field

from acutance_models.rng import stream
from acutance_platform.search.distributions import Choice, Distribution, Integer, Real
from acutance_platform.search.front import Direction
from acutance_platform.search.random_sampler import ASKED, Random
from acutance_platform.search.ranks import places
from acutance_platform.search.space import Space
from acutance_platform.search.told import Proposal, Told, seed_of

_STATES = {
    "running": TrialState.RUNNING,
    "resting": TrialState.PRUNED,
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
}


@final
class Tpe:
    """Tree-structured Parzen estimator, multivariate, per group of a conditional space.

    Args:
        startup_trials: Trials drawn at random, by ordinal, before the model is asked.
        seed: Of this sampler; the recipe's seed where null.
        space: What is drawn from.
        base: The recipe around the space.
        direction: `max` or `min`, of the objective.

    Source:
        Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018 (multivariate). Resting trials
        rank below complete ones, by rung first and value second; running ones count as bad
        (constant liar), so that parallel trials keep apart. A recipe that was drawn before is
        drawn anew, by the model and then at random: different draws may be one recipe, and a
        model that is sure says the same again. It is taken where nothing else was found.
    """

    learns: ClassVar[bool] = True

    def __init__(
        self,
        *,
        startup_trials: Annotated[int, Field(ge=1)] = 8,
        seed: int | None = None,
        space: Space,
        base: Mapping[str, Any],
        directions: Sequence[Direction],
    ) -> None:
        self._startup = startup_trials
        self._seed = seed_of(seed, base)
        self._space, self._base = space, base
        self._directions = directions
        self._random = Random(seed=seed, space=space, base=base)

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal:
        """Return a random point for start-up trials, later one that the history makes likely."""
        if ordinal < self._startup:
            return self._random.propose(ordinal, history)
        known = [self._space.replay(told.assignment, self._base).shown for told in history]
        for attempt in range(ASKED):
            proposal = self._asked(ordinal, attempt, history)
            if proposal.outcome.shown not in known:
                return proposal
        return self._random.fresh(ordinal, known) or proposal

    def _asked(self, ordinal: int, attempt: int, history: Sequence[Told]) -> Proposal:
        study = self._study(ordinal, attempt)
        distributions = {v.name: _optuna_distribution(v.distribution) for v in self._space}
        found = places([told.values for told in history], self._directions)
        study.add_trials(
            [_frozen(told, distributions, p) for told, p in zip(history, found, strict=True)]
        )
        trial = study.ask()
        outcome = self._space.draw(_TrialDraw(trial), self._base)
        return Proposal(outcome, dict(study.get_trials(deepcopy=False)[-1].system_attrs))

    def _study(self, ordinal: int, attempt: int) -> optuna.Study:
        seed = int(stream(self._seed, "sampler", ordinal, attempt).integers(2**32))
        with warnings.catch_warnings():
            # `multivariate` and `group` are marked experimental in Optuna 5.0 (2026-11).
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                # With no finished trial at all there is nothing to model.
                n_startup_trials=1,
                multivariate=True,
                group=True,
                constant_liar=True,
                seed=seed,
            )
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            return optuna.create_study(sampler=sampler, direction=StudyDirection.MINIMIZE)
        finally:
            optuna.logging.set_verbosity(verbosity)


@final
class _TrialDraw:
    """Draws what an Optuna trial suggests."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def choice(self, name: str, distribution: Choice) -> int:
        return int(self._trial.suggest_categorical(name, range(len(distribution.options))))

    def integer(self, name: str, distribution: Integer) -> int:
        return self._trial.suggest_int(
            name,
            distribution.low,
            distribution.high,
            step=distribution.step,
            log=distribution.log,
        )

    def real(self, name: str, distribution: Real) -> float:
        return self._trial.suggest_float(
            name,
            distribution.low,
            distribution.high,
            step=distribution.step,
            log=distribution.log,
        )


def _optuna_distribution(distribution: Distribution) -> BaseDistribution:
    if isinstance(distribution, Choice):
        return CategoricalDistribution(range(len(distribution.options)))
    low, high, log = distribution.low, distribution.high, distribution.log
    if isinstance(distribution, Integer):
        return IntDistribution(int(low), int(high), log=log, step=distribution.step)
    return FloatDistribution(low, high, log=log, step=distribution.step)


def _frozen(
    told: Told, distributions: Mapping[str, BaseDistribution], at: Mapping[int, float]
) -> optuna.trial.FrozenTrial:
    last = at[max(at)] if at else None
    return optuna.trial.create_trial(
        state=_STATES[told.state],
        value=last if told.state == "complete" else None,
        params=dict(told.assignment),
        distributions={name: distributions[name] for name in told.assignment},
        intermediate_values=dict(at),
        system_attrs=dict(told.attrs),
        user_attrs={"rungs": {rung: list(values) for rung, values in told.values.items()}},
    )
