"""How a sweep went: its hypervolume over the steps computed, and who passed each rung."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.front import Point, hypervolume


class Rung(NamedTuple):
    """What became of the trials that were compared at one step."""

    step: int
    passed: int
    """Went on, or came to their end here."""
    rest: int
    """Were held back, for now or for good."""
    failed: int
    """Had a value that is not finite, or failed later on before the next rung."""

    @property
    def reached(self) -> int:
        """All of them."""
        return self.passed + self.rest + self.failed


def volumes(records: Iterable[Record], reference: Mapping[str, float]) -> list[tuple[int, float]]:
    """Return (steps computed so far, hypervolume of the complete trials) after each completion.

    Args:
        records: A journal from its beginning.
        reference: Objective -> value to beat; without all of them there is no volume.
    """
    sweep, points, told = Sweep(), list[Point](), list[tuple[int, float]]()
    for record in records:
        sweep.apply(record)
        if sweep.search is None or not set(sweep.search.objectives) <= set(reference):
            continue
        if record["do"] == "end" and record["state"] == "COMPLETE":
            trial = sweep.trials[record["trial"]]
            points.append(trial.values[trial.end])
            bound = [reference[name] for name in sweep.search.objectives]
            volume = hypervolume(points, sweep.search.directions, bound)
            told.append((sweep.executed, volume))
    return told


def survival(sweep: Sweep) -> list[Rung]:
    """Return what became of the trials at each rung, the first one first."""
    steps = sorted({step for trial in sweep.trials.values() for step in trial.rungs})
    return [_rung(sweep, step) for step in steps]


def _rung(sweep: Sweep, step: int) -> Rung:
    passed = rest = failed = 0
    for trial in sweep.trials.values():
        values = trial.values.get(step)
        if values is None:
            continue
        if any(map(math.isnan, values)):
            failed += 1
        elif step == trial.end or max(trial.values) > step:
            passed += 1
        elif step in trial.promoted:
            failed += trial.ended == "FAILED"
            passed += trial.ended != "FAILED"
        else:
            rest += 1
    return Rung(step, passed, rest, failed)
