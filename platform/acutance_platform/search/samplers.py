"""Samplers propose points of the space; the one module that knows Optuna.

A sampler keeps nothing between two proposals: what it knows is handed over as a list of `Told`,
which the journal holds, and its random numbers are keyed by (seed, ordinal of the trial).
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal, Protocol, final

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

from acutance_models.registry import Registry
from acutance_models.rng import stream
from acutance_platform.search.distributions import Choice, Distribution, Integer, Real
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.front import Direction
from acutance_platform.search.grid import grid_points
from acutance_platform.search.initial import Pinned, pinned_values
from acutance_platform.search.ranks import places
from acutance_platform.search.space import Outcome, Space, Value

_STATES = {
    "running": TrialState.RUNNING,
    "resting": TrialState.PRUNED,
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
}
_ATTEMPTS = 4
"""Times that a model which proposes a known recipe is asked."""


@dataclass(frozen=True)
class Told:
    """What a sampler may know of an earlier trial.

    Attributes:
        assignment: What was drawn.
        state: `running`; `resting` (stopped ones included); `complete`; `failed` (a value that is
            not finite included).
        values: Rung -> objectives, finite; of a complete trial the last ones are its result.
        attrs: What the sampler asked to be kept with the trial.
    """

    assignment: Mapping[str, Value]
    state: Literal["running", "resting", "complete", "failed"]
    values: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """A point to try, and what the sampler wants to be told again with it."""

    outcome: Outcome
    attrs: dict[str, Any] = field(default_factory=dict)


class Sampler(Protocol):
    """Proposes the next point from nothing but its arguments."""

    learns: ClassVar[bool]
    """Whether a point depends on the results of earlier ones."""

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return the point of trial `ordinal`, or None where the space is exhausted."""


@final
class Grid:
    """Every point of the space once, in order.

    Args:
        space: Holds no continuous distribution; `grid_problems` says which do.
        base: The recipe around the space.
    """

    learns: ClassVar[bool] = False

    def __init__(self, *, space: Space, base: Mapping[str, Any]) -> None:
        self._rest: Iterator[Outcome] = grid_points(space, base)
        self._points: list[Outcome] = []

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return point `ordinal`; points are kept, so that each is enumerated once."""
        self._points += islice(self._rest, max(0, ordinal + 1 - len(self._points)))
        return Proposal(self._points[ordinal]) if ordinal < len(self._points) else None


@final
class Random:
    """Independent draws.

    Args:
        seed: Of this sampler; the recipe's seed where null.
        space: What is drawn from.
        base: The recipe around the space.
    """

    learns: ClassVar[bool] = False

    def __init__(self, *, seed: int | None = None, space: Space, base: Mapping[str, Any]) -> None:
        self._seed = _seed(seed, base)
        self._space, self._base = space, base

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal:
        """Return a point that depends on seed and ordinal alone."""
        rng = stream(self._seed, "sampler", ordinal)
        return Proposal(self._space.draw(RandomDraw(rng), self._base))

    def fresh(self, ordinal: int, known: Sequence[Mapping[str, Any]]) -> Proposal | None:
        """Return a point whose recipe is not known; None where a hundred draws gave none."""
        for attempt in range(_ATTEMPTS, 100 + _ATTEMPTS):
            rng = stream(self._seed, "sampler", ordinal, attempt)
            outcome = self._space.draw(RandomDraw(rng), self._base)
            if outcome.shown not in known:
                return Proposal(outcome)
        return None


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
        self._seed = _seed(seed, base)
        self._space, self._base = space, base
        self._directions = directions
        self._random = Random(seed=seed, space=space, base=base)

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal:
        """Return a random point for start-up trials, later one that the history makes likely."""
        if ordinal < self._startup:
            return self._random.propose(ordinal, history)
        known = [self._space.replay(told.assignment, self._base).shown for told in history]
        for attempt in range(_ATTEMPTS):
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


def propose(
    sampler: Sampler,
    ordinal: int,
    history: Sequence[Told],
    *,
    initial: Sequence[Mapping[str, Any]],
    space: Space,
    base: Mapping[str, Any],
) -> Proposal | None:
    """Return the next point: the initial ones first, then what the sampler proposes.

    What an initial point leaves open is drawn from the recipe's seed and its place in the list.
    """
    if ordinal >= len(initial):
        return sampler.propose(ordinal, history)
    rng = stream(_seed(None, base), "initial", ordinal)
    draw = Pinned(pinned_values(space, initial[ordinal]), RandomDraw(rng))
    return Proposal(space.draw(draw, base))


SAMPLERS: Registry[Sampler] = Registry(
    "sampler", ("space", "base", "directions"), grid=Grid, random=Random, tpe=Tpe
)


def _seed(seed: int | None, base: Mapping[str, Any]) -> int:
    return int(base.get("seed", 0)) if seed is None else seed


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
