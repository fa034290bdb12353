"""Independent draws, each keyed by (seed, ordinal of the trial)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

from acutance_models.rng import stream
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.space import Space
from acutance_platform.search.told import Proposal, Told, seed_of

ASKED = 4
"""Times that a model which proposes a known recipe is asked, before points are drawn at random."""


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

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal:
        """Return a point that depends on seed and ordinal alone."""
        rng = stream(self._seed, "sampler", ordinal)
        return Proposal(self._space.draw(RandomDraw(rng), self._base))

    def fresh(self, ordinal: int, known: Sequence[Mapping[str, Any]]) -> Proposal | None:
        """Return a point whose recipe is not known; None where a hundred draws gave none."""
        for attempt in range(ASKED, 100 + ASKED):
            rng = stream(self._seed, "sampler", ordinal, attempt)
            outcome = self._space.draw(RandomDraw(rng), self._base)
            if outcome.shown not in known:
                return Proposal(outcome)
        return None
