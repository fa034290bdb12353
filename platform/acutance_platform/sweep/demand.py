"""What is asked of an autoscaler for all sweeps together: as much of it as it can give.

A request replaces the one before, whoever made it (Ray 2.60), so one actor asks for all sweeps;
see `broker`. An autoscaler that cannot give all of a request gives nothing of it: 64 trials on a
cluster that may have 16 nodes would get none. So the largest part is sought that it can give.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from acutance_platform.sweep.autoscaler import Said

Bundle = dict[str, float]
"""What one leg asks of Ray."""

HOLDS: Final = 600.0
"""Seconds for which a refusal counts: limits are raised, and machines become free again."""


@final
class Demand:
    """What was asked, and what is known of how much can be given.

    Args:
        ask: Asks for `bundles=` in place of all that was asked before.
        listen: Returns what the autoscaler says; None where none starts nodes.
        clock: Returns seconds.
    """

    def __init__(
        self,
        ask: Callable[..., Any],
        listen: Callable[[], Said | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._listen, self._clock = ask, listen, clock
        self._asked: list[Bundle] = []
        self._since = 0.0
        self._kinds: set[str] = set()
        self._good, self._bad, self._until = 0, 0, 0.0
        self.heard = False
        """Whether there is an autoscaler that starts nodes."""

    def look(self, wanted: Sequence[Bundle]) -> None:
        """Learn what became of the last request, and make the next one if it differs.

        Args:
            wanted: Bundles, those first that matter most.
        """
        said = self._listen()
        self.heard = said is not None
        if said is None:
            return
        self._learn(said)
        bundles = list(wanted[: self._count(wanted)])
        if _shapes(bundles) != _shapes(self._asked):
            self._ask(bundles=bundles)
            self._asked = bundles
            later = self._listen()
            self._since = said.now if later is None else later.now

    def _learn(self, said: Said) -> None:
        """Note whether the last request can be met, once the autoscaler has looked at it."""
        count = len(self._asked)
        if not count or said.seen <= self._since:
            return
        if said.too_much:
            self._bad, self._until = count, self._clock() + HOLDS
            self._good = self._good if self._good < count else 0
        else:
            self._good = max(self._good, count)

    def _count(self, wanted: Sequence[Bundle]) -> int:
        """Return how many of the wanted bundles to ask for."""
        kinds = set(_shapes(wanted))
        if kinds - self._kinds or (self._bad and self._clock() > self._until):
            self._good = self._bad = 0  # what was learned does not count any more
        self._kinds = kinds
        if not self._bad or len(wanted) < self._bad:
            return len(wanted)
        return (self._good + self._bad) // 2


def _shapes(bundles: Sequence[Bundle]) -> list[str]:
    """Return the bundles in an order of their own: whose they are does not matter."""
    return sorted(json.dumps(bundle, sort_keys=True) for bundle in bundles)
