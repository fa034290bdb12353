"""Independent draws, each keyed by (seed, ordinal of the trial, attempt)."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, final

from acutance_models.rng import stream
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.space import Space
from acutance_platform.search.told import Proposal, Told, seed_of

DRAWS = 1000
"""Points that are drawn at most until one is not forbidden."""
_ASKED = 4
"""Times that a sampler is asked for a new point before points are drawn at random."""
_KNOWN = 100
"""Random points that may be known already until the space counts as used up."""


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
        self._seed = seed_of(seed, base)
        self._space, self._base = space, base

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return a point that depends on seed and ordinal alone; None where all are forbidden."""
        draws = (self._draw(ordinal, attempt) for attempt in range(DRAWS))
        outcome = self._space.allowed(draws, self._base)
        return None if outcome is None else Proposal(outcome)

    def fresh(self, ordinal: int, known: Sequence[Mapping[str, Any]]) -> Proposal | None:
        """Return a point whose recipe is not known; None where a hundred draws gave none."""
        drawn = (
            self._space.draw(self._draw(ordinal, attempt), self._base)
            for attempt in range(_ASKED, _ASKED + DRAWS)
        )
        allowed = (found for found in drawn if self._space.forbids(found, self._base) is None)
        fresh = (found for found in islice(allowed, _KNOWN) if found.shown not in known)
        return next((Proposal(outcome) for outcome in fresh), None)

    def _draw(self, ordinal: int, attempt: int) -> RandomDraw:
        return RandomDraw(stream(self._seed, "sampler", ordinal, attempt))


def new_point(
    ask: Callable[[int], Proposal],
    ordinal: int,
    history: Sequence[Told],
    *,
    space: Space,
    base: Mapping[str, Any],
    random: Random,
) -> Proposal | None:
    """Return a point that is neither forbidden nor known; a known one where all others are.

    Different draws may be one recipe, and a model that is sure says the same again: it is asked
    four times, then points are drawn at random. None where the space has only forbidden points.

    Args:
        ask: Returns the sampler's point of an attempt, from 0.
        ordinal: Of the trial.
        history: What is known.
        space: What is drawn from.
        base: The recipe around the space.
        random: Draws where the sampler has nothing new.
    """
    known = shown(history, space, base)
    again: Proposal | None = None
    for attempt in range(_ASKED):
        proposal = ask(attempt)
        if space.forbids(proposal.outcome, base) is not None:
            continue
        if proposal.outcome.shown not in known:
            return proposal
        again = proposal
    return random.fresh(ordinal, known) or again or random.propose(ordinal, history)


def shown(
    history: Sequence[Told], space: Space, base: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the recipes of trials as they are shown to people."""
    return [space.shown(told.assignment, base) for told in history]
