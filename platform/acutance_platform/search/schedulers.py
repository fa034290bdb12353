"""Where rungs lie and how many trials pass them; the table of `search.scheduler`."""

import math
from typing import Annotated, Protocol, final

from pydantic import Field

from acutance_models.registry import Registry


class Scheduler(Protocol):
    """Decides at which steps trials are compared."""

    def rungs(self, start: int, steps: int) -> tuple[int, ...]:
        """Return the rungs of a training, the end last.

        Args:
            start: Steps of all stages before the last one.
            steps: Steps of the last stage.
        """

    def promotable(self, count: int) -> int:
        """Return how many of `count` trials on a rung may go on."""


@final
class NoScheduler:
    """Every trial runs to its end."""

    def rungs(self, start: int, steps: int) -> tuple[int, ...]:
        """Return the end alone."""
        return (start + steps,)

    def promotable(self, count: int) -> int:
        """Return `count`: nothing is held back."""
        return count


@final
class Asha:
    """Asynchronous successive halving: the best 1/reduction of a rung goes on, rounded up.

    The first trial to arrive therefore goes on at once, so that a sweep has a finished model early
    and a front to add to.

    Args:
        first_rung: The first rung as a share of the last stage's steps, in (0, 1].
        reduction: How many trials share one place on the next rung, 2 or more.

    Source:
        Li et al., MLSys 2020; for several objectives Schmucker et al. 2021. Differs: a trial that
        is not promoted rests and may be promoted later, when its rung has filled up; places are
        rounded up, not down (measured: docs/adr/0023-places-on-a-rung.md).
    """

    def __init__(
        self,
        *,
        first_rung: Annotated[float, Field(gt=0, le=1)] = 0.2,
        reduction: Annotated[int, Field(ge=2)] = 3,
    ) -> None:
        self.first_rung = first_rung
        self.reduction = reduction

    def rungs(self, start: int, steps: int) -> tuple[int, ...]:
        """Return start + ceil(steps x first_rung x reduction^k) below the end, and the end."""
        end, below, share = start + steps, [], self.first_rung
        # 10 x 0.3 is a little above 3 in floating point; a rung at 4 would surprise.
        while (rung := start + math.ceil(round(steps * share, 6))) < end:
            below.append(rung)
            share *= self.reduction
        return (*dict.fromkeys(below), end)

    def promotable(self, count: int) -> int:
        """Return the number of places, rounded up."""
        return -(-count // self.reduction)


# Several objectives are ranked by fronts (`ranks.order`), one is the case of one: two names.
SCHEDULERS: Registry[Scheduler] = Registry("scheduler", asha=Asha, mo_asha=Asha, none=NoScheduler)
