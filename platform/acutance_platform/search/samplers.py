"""The table of samplers, and who is asked for the next point.

A sampler keeps nothing between two proposals: what it knows is handed over as a list of `Told`,
which the journal holds, and its random numbers are keyed by (seed, ordinal of the trial).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, final

from acutance_models.registry import Registry
from acutance_platform.search.grid import grid_points
from acutance_platform.search.initial import initial_draws
from acutance_platform.search.optuna_samplers import Nsga2, Tpe
from acutance_platform.search.quasi_random import QuasiRandom
from acutance_platform.search.random_sampler import Random
from acutance_platform.search.space import Outcome, Space
from acutance_platform.search.told import Proposal, Sampler, Told

__all__ = ["SAMPLERS", "Grid", "Proposal", "Sampler", "Told", "propose"]


@final
class Grid:
    """Every point of the space once, in order, without the forbidden ones.

    Args:
        space: Holds no continuous distribution; `grid_problems` says which do.
        base: The recipe around the space.
    """

    learns: ClassVar[bool] = False

    def __init__(self, *, space: Space, base: Mapping[str, Any]) -> None:
        every = grid_points(space, base)
        self._rest: Iterator[Outcome] = (p for p in every if space.forbids(p, base) is None)
        self._points: list[Outcome] = []

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return point `ordinal`; points are kept, so that each is enumerated once."""
        self._points += islice(self._rest, max(0, ordinal + 1 - len(self._points)))
        return Proposal(self._points[ordinal]) if ordinal < len(self._points) else None


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
    outcome = space.allowed(initial_draws(space, initial[ordinal], ordinal, base), base)
    return None if outcome is None else Proposal(outcome)


SAMPLERS: Registry[Sampler] = Registry(
    "sampler",
    ("space", "base", "directions"),
    grid=Grid,
    nsga2=Nsga2,
    quasi_random=QuasiRandom,
    random=Random,
    tpe=Tpe,
)
