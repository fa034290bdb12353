"""Recorded learning curves, and the one rule by which a proposal is served from them.

Every proposal, whoever makes it, is served by the nearest recorded trial that was not taken yet.
The distance of two points is the sum over what both have: 1 for a choice that differs, the
difference over the range for a number (in logarithms where it is drawn so), and for a loss mix the
differences of the shares, an absent term's share being 0. What only one of two branches has does
not count beside the choice that led there.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acutance_platform.search.distributions import Choice
from acutance_platform.search.front import hypervolume
from acutance_platform.search.table import parse_space

CURVES = Path(__file__).parents[3] / "experiments" / "search-replay" / "curves.json"


class Curves:
    """A recorded sweep.

    Args:
        told: The file's content.
        only: Indices of the trials that are kept; all where None.
    """

    def __init__(self, told: Mapping[str, Any], only: range | None = None) -> None:
        self.spec = told["spec"]
        self.start, self.end = int(told["start"]), int(told["end"])
        self.objectives: dict[str, str] = dict(told["objectives"])
        self.directions = list(self.objectives.values())
        self.reference = tuple(told["reference"][name] for name in self.objectives)
        self.bicubic = tuple(told["bicubic"][name] for name in self.objectives)
        rows = told["trials"] if only is None else [told["trials"][i] for i in only]
        self.assignments = [row["assignment"] for row in rows]
        self.values = [
            {int(step): tuple(map(_number, values)) for step, values in row["values"].items()}
            for row in rows
        ]
        self.space = parse_space(self.spec["search"]["space"])
        self.base = _slim(self.spec)
        self.full = hypervolume(self.finals(), self.directions, self.reference)

    @classmethod
    def read(cls, path: Path = CURVES, only: range | None = None) -> "Curves":
        return cls(json.loads(path.read_text()), only)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def steps(self) -> int:
        """Steps of one trial's last stage, which is what a search can save."""
        return self.end - self.start

    def finals(self) -> list[tuple[float, ...]]:
        return [values[self.end] for values in self.values]

    def at(self, index: int, step: int) -> tuple[float, ...]:
        """Return the objectives of a trial: of the last measurement at this step or before it."""
        return self.values[index][max(known for known in self.values[index] if known <= step)]

    def grid(self, rungs: tuple[int, ...] = ()) -> list[int]:
        """Return the steps at which a training reports, rungs included."""
        return sorted({*self.values[0], *rungs})

    def distance(self, first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
        """Return how far two drawn points are apart, by the rule above."""
        total = 0.0
        for variable in self.space:
            name, drawn = variable.name, variable.distribution
            if variable.simplex is not None or name not in first or name not in second:
                continue
            a, b = first[name], second[name]
            if isinstance(drawn, Choice):
                total += a != b
            elif drawn.log:
                total += abs(math.log(a / b)) / math.log(drawn.high / drawn.low)
            else:
                total += abs(a - b) / ((drawn.high - drawn.low) or 1)
        for mix in {v.simplex for v in self.space if v.simplex is not None}:
            one, other = mix.weights(first), mix.weights(second)
            gaps = (abs(one.get(term, 0.0) - other.get(term, 0.0)) for term in mix.terms)
            total += sum(gaps) / mix.total
        return total


class Served:
    """One order of one contender: which trials it took, and what it spent on them."""

    def __init__(self, curves: Curves) -> None:
        self.curves = curves
        self.free = dict.fromkeys(range(len(curves)))
        self.steps = 0
        self.completed: list[tuple[int, int]] = []
        """Steps spent until then, and the trial that came to its end."""

    def take(self, assignment: Mapping[str, Any]) -> int | None:
        """Return the nearest trial that nobody took, the earlier of equals; None: all are taken."""
        if not self.free:
            return None
        told = self.curves.assignments
        nearest = min(self.free, key=lambda i: self.curves.distance(assignment, told[i]))
        del self.free[nearest]
        return nearest

    def advance(self, index: int, last: int, step: int) -> tuple[float, ...]:
        """Train a taken trial from one step to another and return what is measured there."""
        self.steps += step - last
        if step == self.curves.end:
            self.completed.append((self.steps, index))
        return self.curves.at(index, step)

    def to_the_end(self, index: int) -> tuple[float, ...]:
        return self.advance(index, self.curves.start, self.curves.end)


def _slim(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe without what no draw reads: it is copied at each of many thousand draws."""
    stages = {}
    for name, stage in spec["stages"].items():
        terms = {
            term: {key: value for key, value in parts.items() if key in ("weight", "form")}
            for term, parts in stage["loss"].items()
        }
        stages[name] = {"steps": stage["steps"], "optimizer": {}, "loss": terms}
    return {"seed": spec["seed"], "generator": {}, "stages": stages}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
