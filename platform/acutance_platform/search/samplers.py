"""The table of samplers, and who is asked for the next point.

A sampler keeps nothing between two proposals: what it knows is handed over as a list of `Told`,
which the journal holds, and its random numbers are keyed by (seed, ordinal of the trial).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, final

from acutance_models.registry import Registry
from acutance_models.rng import stream
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.grid import grid_points
from acutance_platform.search.initial import Pinned, pinned_values
from acutance_platform.search.optuna_samplers import Tpe
from acutance_platform.search.random_sampler import Random
from acutance_platform.search.space import Outcome, Space
from acutance_platform.search.told import Proposal, Sampler, Told, seed_of

__all__ = ["SAMPLERS", "Grid", "Proposal", "Sampler", "Told", "propose"]


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
    rng = stream(seed_of(None, base), "initial", ordinal)
    draw = Pinned(pinned_values(space, initial[ordinal]), RandomDraw(rng))
    return Proposal(space.draw(draw, base))


SAMPLERS: Registry[Sampler] = Registry(
    "sampler", ("space", "base", "directions"), grid=Grid, random=Random, tpe=Tpe
)
