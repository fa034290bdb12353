"""What a sweep had reached, and spent, at each moment: heard record by record, never replayed."""

from array import array
from collections.abc import Mapping, MutableSequence
from typing import NamedTuple, final

from acutance_platform.search.constraints import Rule, feasible
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.front import Direction, Point, front, hypervolume
from acutance_platform.search.trial import Trial


class Moment(NamedTuple):
    """A trial came to its end, or a model was made between two."""

    point: str
    """Name of the trial or of the interpolated model."""
    steps: int
    """Computed by all trials so far."""
    wall_hours: float
    cpu_hours: float
    gpu_hours: float


@final
class Course:
    """The course of one sweep.

    Attributes:
        moments: In the order of the journal.
    """

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self._paid: dict[str, tuple[int, float, float]] = {}
        self._whole = [0.0, 0.0, 0.0]
        self._spent: dict[str, tuple[MutableSequence[float], MutableSequence[float]]] = {}
        self._told: set[str] = set()
        self._volume: _Volume | None = None

    def hear(self, record: Record, sweep: Sweep) -> None:
        """Take in a record that the sweep has just applied."""
        trial = sweep.trials.get(record.get("trial", ""))
        if trial is not None:
            self._pay(trial)
            if record["do"] == "report":
                self._note(trial, int(record["step"]))
        if record["do"] == "point":
            first, second = record["parents"]
            self._add(f"{first}-{second}-{float(record['alpha']):g}", sweep)
        elif record["do"] == "end" and trial is not None and _counts(trial):
            self._add(trial.name, sweep)

    def spent(self, trial: str) -> tuple[MutableSequence[float], MutableSequence[float]]:
        """Return a trial's CPU and GPU hours up to each of its reports, in the order of steps."""
        return self._spent.get(trial, (array("f"), array("f")))

    def volumes(self, sweep: Sweep, reference: Mapping[str, float]) -> list[float]:
        """Return the hypervolume of the feasible points at each moment.

        The last one is what `front --json` says now. Only moments that are new are calculated.

        Args:
            sweep: That the records were applied to.
            reference: Objective -> value to beat.

        Raises:
            KeyError: If an objective has no reference.
        """
        if sweep.search is None:
            return []
        objectives = sweep.search.objectives
        asked = tuple(objectives.items()), tuple(reference[name] for name in objectives)
        if self._volume is None or self._volume.asked != asked:
            self._volume = _Volume(*asked)
        volume, rules = self._volume, sweep.search.rules
        for moment in self.moments[len(volume.heights) :]:
            volume.add(_metrics(sweep, moment.point), rules)
        return volume.heights

    def _pay(self, trial: Trial) -> None:
        now = (trial.executed, trial.cpu_seconds, trial.gpu_seconds)
        before = self._paid.get(trial.name, (0, 0.0, 0.0))
        if now != before:
            self._paid[trial.name] = now
            for i in range(3):
                self._whole[i] += now[i] - before[i]

    def _note(self, trial: Trial, step: int) -> None:
        """Keep what a trial had cost when it reported a step, beside that report."""
        cpu, gpu = self._spent.setdefault(trial.name, (array("f"), array("f")))
        if len(cpu) < len(trial.reports):  # else it is told again
            at = len(cpu) if step == trial.step else sorted(trial.reports).index(step)
            cpu.insert(at, trial.cpu_seconds / 3600)
            gpu.insert(at, trial.gpu_seconds / 3600)

    def _add(self, point: str, sweep: Sweep) -> None:
        if point not in self._told:
            self._told.add(point)
            steps, cpu, gpu = self._whole
            hours = sweep.wall_hours(), cpu / 3600, gpu / 3600
            self.moments.append(Moment(point, int(steps), *hours))


@final
class _Volume:
    """A hypervolume that grows point by point; all objectives turned so that less is better."""

    def __init__(
        self, objectives: tuple[tuple[str, Direction], ...], reference: tuple[float, ...]
    ) -> None:
        self.asked = objectives, reference
        self.heights: list[float] = []
        self._signs = {name: -1.0 if way == "max" else 1.0 for name, way in objectives}
        self._bound = [s * r for s, r in zip(self._signs.values(), reference, strict=True)]
        self._less: list[Direction] = ["min"] * len(self._bound)
        self._front: list[Point] = []

    def add(self, metrics: Mapping[str, float], rules: tuple[Rule, ...]) -> None:
        """Count one more point, if it meets the rules and beats the reference."""
        known = all(name in metrics for name in self._signs)
        point = [sign * metrics[name] for name, sign in self._signs.items()] if known else []
        height = self.heights[-1] if self.heights else 0.0
        # NaN is less than nothing.
        if known and feasible(rules, metrics) and all(map(float.__lt__, point, self._bound)):
            height += self._gained(point)
        self.heights.append(height)

    def _gained(self, point: Point) -> float:
        """Return what the point adds: its box, without what the front has of that already."""
        # While et al., "A Fast Way of Calculating Exact Hypervolumes" (2012), exclusive volumes.
        cut = [tuple(map(max, point, other)) for other in self._front]
        if tuple(point) in cut:
            return 0.0
        outer = [cut[i] for i in front(cut, self._less)]
        self._front = [
            other for other, c in zip(self._front, cut, strict=True) if c != tuple(other)
        ] + [tuple(point)]
        whole = hypervolume([point], self._less, self._bound)
        return whole - hypervolume(outer, self._less, self._bound)


def _counts(trial: Trial) -> bool:
    return trial.ended == "COMPLETE" and trial.repeats is None and bool(trial.reports)


def _metrics(sweep: Sweep, point: str) -> Mapping[str, float]:
    if point in sweep.between:
        return sweep.between[point].metrics
    trial = sweep.trials[point]
    return trial.reports[trial.step]
