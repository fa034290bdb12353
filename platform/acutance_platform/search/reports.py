"""What a trial reported, step by step, packed: a long sweep has millions of numbers."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final, final

_KNOWN: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
"""One tuple of names for all reports that have the same metrics."""


@final
class Reports(Mapping[int, dict[str, float]]):
    """Step -> metrics, in the order of the steps; a metric that was not finite is NaN.

    Eight bytes per number, where dicts of floats would take about seventy.
    """

    __slots__ = ("_ends", "_names", "_steps", "_values")

    def __init__(self) -> None:
        self._steps, self._ends = array("q"), array("q")
        self._values, self._names = array("d"), list[tuple[str, ...]]()

    def add(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add the report of a step that has none yet."""
        names = tuple(metrics)
        names = _KNOWN.setdefault(names, names)
        at = bisect_left(self._steps, step)
        start = self._start(at)
        self._values[start:start] = array("d", metrics.values())
        self._steps.insert(at, step)
        self._names.insert(at, names)
        self._ends.insert(at, start)
        for later in range(at, len(self._ends)):
            self._ends[later] += len(names)

    @property
    def last(self) -> int:
        """The greatest step, 0 without reports."""
        return self._steps[-1] if self._steps else 0

    def course(self, metric: str) -> tuple[list[int], list[float]]:
        """Return the steps that reported a metric, and its values."""
        steps, values = list[int](), list[float]()
        for at, step in enumerate(self._steps):
            names = self._names[at]
            if metric in names:
                steps.append(step)
                values.append(self._values[self._start(at) + names.index(metric)])
        return steps, values

    def __getitem__(self, step: int) -> dict[str, float]:
        at = bisect_left(self._steps, step)
        if at == len(self._steps) or self._steps[at] != step:
            raise KeyError(step)
        found = self._values[self._start(at) : self._ends[at]]
        # One NaN for all: tables that hold the same one compare as equal.
        values = (value if value == value else math.nan for value in found)
        return dict(zip(self._names[at], values, strict=True))

    def __contains__(self, step: object) -> bool:
        if not isinstance(step, int):
            return False
        at = bisect_left(self._steps, step)
        return at < len(self._steps) and self._steps[at] == step

    def __iter__(self) -> Iterator[int]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        return f"Reports({dict(self)!r})"

    def _start(self, at: int) -> int:
        """Return where the values of the report at a position begin."""
        return self._ends[at - 1] if at else 0
