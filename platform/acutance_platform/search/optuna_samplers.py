"""Samplers that ask Optuna. The study is made anew for each question, of `optuna_trials`."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, final

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from pydantic import Field

from acutance_models.rng import stream
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.front import Direction
from acutance_platform.search.optuna_trials import OptunaTrials, telling
from acutance_platform.search.random_sampler import Random, new_point
from acutance_platform.search.ranks import places
from acutance_platform.search.space import Space, Value, draw_one
from acutance_platform.search.told import Proposal, Told, seed_of

_TURNED = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_GENERATION = "NSGAIISampler:generation"
"""Optuna's name of the attribute that says to which generation a trial belongs."""


@final
class Tpe:
    """Tree-structured Parzen estimator, multivariate, per group of a conditional space.

    Args:
        startup_trials: Trials drawn at random, by ordinal, before the model is asked; trials of
            earlier sweeps that it is told count as well.
        seed: Of this sampler; the recipe's seed where null.
        space: What is drawn from.
        base: The recipe around the space.
        directions: `max` or `min`, of each objective.

    Source:
        Bergstra et al., NeurIPS 2011; Falkner et al., ICML 2018 (multivariate). Resting trials
        rank below complete ones, by rung first and value second; running ones count as bad
        (constant liar), so that parallel trials keep apart. Those that violate constraints rank
        below all others, by how far, those included that never trained for it. A recipe that was
        drawn before is drawn anew, by the model and then at random: different draws may be one
        recipe, and a model that is sure says the same again. It is taken where nothing else was
        found. Of more than 200 trials the model is made of the 50 best, those that run, and the
        newest.
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
        self._made = OptunaTrials(space, 1, {})
        self._seed = seed_of(seed, base)
        self._space, self._base = space, base
        self._directions = directions
        self._random = Random(seed=seed, space=space, base=base)

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return a random point for start-up trials, later one that the history makes likely."""
        if max(ordinal, len(history)) < self._startup:
            return self._random.propose(ordinal, history)
        trials = self.trials(history)
        return new_point(
            lambda attempt: _asked(self._study(ordinal, attempt, trials), self._space, self._base),
            ordinal,
            history,
            space=self._space,
            base=self._base,
            random=self._random,
        )

    def trials(self, history: Sequence[Told]) -> list[FrozenTrial]:
        """Return the history as Optuna is told it: of each trial its places on its rungs."""
        found = places(
            [told.values for told in history],
            self._directions,
            [told.violation for told in history],
        )
        return [
            self._made(history[i], found[i], [found[i][max(found[i])]] if found[i] else [])
            for i in telling(history, found)
        ]

    def _study(self, ordinal: int, attempt: int, trials: list[FrozenTrial]) -> optuna.Study:
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
        return _study(sampler, [StudyDirection.MINIMIZE], trials)


@final
class Nsga2:
    """Genetic search for a front: children of two parents, generation after generation.

    Args:
        population: Complete trials that make a generation, and parents of the next one.
        seed: Of this sampler; the recipe's seed where null.
        space: What is drawn from.
        base: The recipe around the space.
        directions: `max` or `min`, of each objective.

    Source:
        Deb et al., IEEE Transactions on Evolutionary Computation 6 (2002), with Optuna's uniform
        crossover and mutation, and constrained domination. Only complete trials become parents: a
        resting one was measured earlier in its training than they were, so with a scheduler that
        lets few complete, generations are slow. A gene of a branch that a parent did not take is
        drawn at random for it, so that branches are inherited whole. Initial points and trials of
        earlier sweeps are of the first generation.
    """

    learns: ClassVar[bool] = True

    def __init__(
        self,
        *,
        population: Annotated[int, Field(ge=2)] = 16,
        seed: int | None = None,
        space: Space,
        base: Mapping[str, Any],
        directions: Sequence[Direction],
    ) -> None:
        self._population = population
        self._made = OptunaTrials(space, len(directions), {_GENERATION: 0})
        self._seed = seed_of(seed, base)
        self._space, self._base = space, base
        self._directions = directions
        self._random = Random(seed=seed, space=space, base=base)

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return a random point for the first generation, then a child of the last one."""
        trials = self.trials(history)
        return new_point(
            lambda attempt: _asked(self._study(ordinal, attempt, trials), self._space, self._base),
            ordinal,
            history,
            space=self._space,
            base=self._base,
            random=self._random,
        )

    def trials(self, history: Sequence[Told]) -> list[FrozenTrial]:
        """Return the history as Optuna is told it, each trial with a value for every variable."""
        return [
            self._made(
                told,
                {},
                told.values[max(told.values)] if told.values else [],
                partial(self._genes, position, told.assignment),
            )
            for position, told in enumerate(history)
        ]

    def _genes(self, position: int, assignment: Mapping[str, Value]) -> dict[str, Value]:
        draw = RandomDraw(stream(self._seed, "sampler/genes", position))
        drawn = {variable.name: draw_one(draw, variable)[0] for variable in self._space}
        return {**drawn, **assignment}

    def _study(self, ordinal: int, attempt: int, trials: list[FrozenTrial]) -> optuna.Study:
        seed = int(stream(self._seed, "sampler", ordinal, attempt).integers(2**32))
        sampler = optuna.samplers.NSGAIISampler(population_size=self._population, seed=seed)
        return _study(sampler, [_TURNED[direction] for direction in self._directions], trials)


def _study(
    sampler: optuna.samplers.BaseSampler,
    directions: Sequence[StudyDirection],
    trials: Sequence[FrozenTrial],
) -> optuna.Study:
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(sampler=sampler, directions=directions)
    finally:
        optuna.logging.set_verbosity(verbosity)
    study.add_trials(trials)
    return study


def _asked(study: optuna.Study, space: Space, base: Mapping[str, Any]) -> Proposal:
    """Return what the study's sampler says, with the attributes that it wants to be kept."""
    outcome = space.draw(_TrialDraw(study.ask()), base)
    return Proposal(outcome, dict(study.get_trials(deepcopy=False)[-1].system_attrs))


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
            step=1 if distribution.log else distribution.step,
            log=distribution.log,
        )

    def real(self, name: str, distribution: Real) -> float:
        return self._trial.suggest_float(
            name,
            distribution.low,
            distribution.high,
            step=None if distribution.log else distribution.step,
            log=distribution.log,
        )
