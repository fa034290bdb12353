"""What a journal says: trials, values and spendings as a pure fold over its records.

Folding the same records gives the same state, in any process. A report that is told again, as a
resumed training does, counts once. Nothing here decides anything: see `decisions`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from acutance_platform.search.between import Between
from acutance_platform.search.schema import Search

Record = dict[str, Any]
State = Literal["WAITING", "RUNNING", "PAUSED", "COMPLETE", "STOPPED", "FAILED"]


@dataclass
class Trial:
    """One recipe and its life so far.

    Attributes:
        name: `t` and the ordinal in four digits.
        ordinal: Position in the sweep, from 0.
        assignment: What was drawn, by variable name.
        recipe: Searched dotted path -> value, as shown to people.
        rungs: Steps at which it is compared, its end last; empty if it could not be built.
        stages: Key and absolute end of each stage of its chain.
        begun: Whether a leg of it was started in this session and has not failed.
        reports: Step -> metrics; a metric that was not finite is NaN.
        notes: What was wrong with it, in words -> the first and the last step that said so.
        values: Rung -> objectives, in the order of the search section; NaN where not finite.
        promoted: Rungs from which it went on.
        published: Step -> SHA-256 of weights.
        failures: Legs that ended in error.
        failures_in_a_row: Failures since the last new report.
        ended: COMPLETE, STOPPED or FAILED, or None while it may go on.
        run_id: The MLflow run, where a journal names it.
    """

    name: str
    ordinal: int
    assignment: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    rungs: tuple[int, ...] = ()
    stages: tuple[tuple[str, int], ...] = ()
    begun: bool = False
    reports: dict[int, dict[str, float]] = field(default_factory=dict)
    notes: dict[str, tuple[int, int]] = field(default_factory=dict)
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    promoted: set[int] = field(default_factory=set)
    published: dict[int, str] = field(default_factory=dict)
    executed: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    failures: int = 0
    failures_in_a_row: int = 0
    errors: list[str] = field(default_factory=list)
    ended: State | None = None
    run_id: str | None = None

    @property
    def step(self) -> int:
        """The last step that was reported."""
        return max(self.reports, default=0)

    @property
    def end(self) -> int:
        """The step at which its training ends; 0 if it could not be built."""
        return self.rungs[-1] if self.rungs else 0

    @property
    def ahead(self) -> tuple[tuple[str, int], ...]:
        """Key and end of the stage that it is in, or comes to next, and of all after it."""
        return tuple(stage for stage in self.stages if stage[1] > self.step)

    @property
    def target(self) -> int | None:
        """The rung it has to reach now, or None if it rests or has ended.

        A value on a later rung than it was promoted to is one that an equal trial has paid for.
        """
        if self.ended is not None:
            return None
        last = max(self.values, default=0)
        if last and last not in self.promoted:
            return None
        return next((rung for rung in self.rungs if rung > last), None)

    @property
    def weights(self) -> str | None:
        """SHA-256 of the weights published last."""
        return self.published[max(self.published)] if self.published else None


@dataclass
class Sweep:
    """A sweep as its journal tells it.

    Attributes:
        search: The search section; None for a single training.
        trials: In the order in which they were asked for.
        between: Interpolated models by name.
        warm: What it was told of earlier sweeps when it started.
        running: Whether a driver started and did not say that it ended.
        state: The last `finish` record's word, or RUNNING or WAITING.
        reason: Why it finished, such as the budget that was reached.
    """

    name: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    search: Search | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    between: dict[str, Between] = field(default_factory=dict)
    warm: list[Record] = field(default_factory=list)
    running: bool = False
    finished: str | None = None
    reason: str = ""
    started: float | None = None
    last: float = 0.0
    earlier_seconds: float = 0.0

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Sweep":
        """Return the state after these records."""
        sweep = cls()
        for record in records:
            sweep.apply(record)
        return sweep

    @property
    def state(self) -> str:
        """RUNNING, WAITING (to be resumed), or how it finished."""
        if self.running:
            return "RUNNING"
        return self.finished or "WAITING"

    @property
    def best(self) -> str | None:
        """Name of the COMPLETE trial with the best first objective, the earlier one of equals."""
        if self.search is None:
            return next((t.name for t in self.trials.values() if t.ended == "COMPLETE"), None)
        sign = 1.0 if self.search.direction == "max" else -1.0
        complete = [t for t in self.trials.values() if t.ended == "COMPLETE" and t.end in t.values]
        winner = max(complete, key=lambda t: (sign * t.values[t.end][0], -t.ordinal), default=None)
        return winner.name if winner else None

    @property
    def executed(self) -> int:
        """Training steps that were really computed."""
        return sum(trial.executed for trial in self.trials.values())

    @property
    def requested(self) -> int:
        """Training steps of all trials, each run alone to its end."""
        return sum(trial.end for trial in self.trials.values())

    @property
    def gpu_hours(self) -> float:
        """GPU hours of all trials."""
        return sum(trial.gpu_seconds for trial in self.trials.values()) / 3600

    @property
    def cpu_hours(self) -> float:
        """CPU hours of all trials."""
        return sum(trial.cpu_seconds for trial in self.trials.values()) / 3600

    def wall_hours(self, now: float | None = None) -> float:
        """Return the hours during which a driver ran, up to the last record or to `now`."""
        current = 0.0
        if self.started is not None:
            current = max(self.last if now is None else now, self.started) - self.started
        return (self.earlier_seconds + current) / 3600

    def state_of(self, trial: Trial) -> State:
        """Return a trial's state in our six words."""
        if trial.ended is not None:
            return trial.ended
        if trial.target is None:
            return "PAUSED"
        return "RUNNING" if self.running and trial.begun else "WAITING"

    def apply(self, record: Record) -> None:
        """Take one record in; words that this version does not know are passed over."""
        taker = getattr(self, f"_{record['do']}", None)
        if taker is not None:
            taker(record)
        self.last = max(self.last, float(record.get("time") or 0.0))

    def _sweep(self, record: Record) -> None:
        self.name, self.spec = record["name"], record["spec"]
        section = self.spec.get("search")
        self.search = Search.model_validate(section) if section else None

    def _warm(self, record: Record) -> None:
        self.warm.append(record)

    def _start(self, record: Record) -> None:
        self._close_session(self.last)  # one that was killed ended with its last record
        self.running, self.finished, self.reason = True, None, ""
        for trial in self.trials.values():
            trial.begun = False
        self.started = float(record["time"])

    def _ask(self, record: Record) -> None:
        name = record["trial"]
        if name not in self.trials:
            self.trials[name] = Trial(
                name,
                len(self.trials),
                record.get("assignment", {}),
                record.get("recipe", {}),
                record.get("attrs", {}),
                tuple(record.get("rungs", ())),
                tuple((key, int(end)) for key, end in record.get("stages") or ()),
            )

    def _leg(self, record: Record) -> None:
        self.trials[record["trial"]].begun = True

    def _wait(self, record: Record) -> None:
        self.trials[record["trial"]].begun = False

    def _report(self, record: Record) -> None:
        trial, step = self.trials[record["trial"]], int(record["step"])
        if step in trial.reports:
            return
        for note in record.get("notes", ()):
            trial.notes[note] = (trial.notes.get(note, (step, step))[0], step)
        trial.reports[step] = {name: number(v) for name, v in record["metrics"].items()}
        trial.executed += int(record["executed"])
        trial.cpu_seconds += float(record["cpu_seconds"])
        trial.gpu_seconds += float(record["gpu_seconds"])
        trial.failures_in_a_row, trial.begun = 0, True

    def _value(self, record: Record) -> None:
        values = tuple(number(value) for value in record["values"].values())
        self.trials[record["trial"]].values.setdefault(int(record["rung"]), values)

    def _promote(self, record: Record) -> None:
        self.trials[record["trial"]].promoted.add(int(record["rung"]))

    def _failure(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        trial.begun = False
        trial.failures += 1
        trial.failures_in_a_row += 1
        trial.errors.append(record["error"])

    def _result(self, record: Record) -> None:
        self.trials[record["trial"]].published[int(record["step"])] = record["weights"]

    def _point(self, record: Record) -> None:
        metrics = {name: number(value) for name, value in record["metrics"].items()}
        first, second = record["parents"]
        point = Between((first, second), float(record["alpha"]), metrics, record["weights"])
        self.between.setdefault(point.name, point)

    def _run(self, record: Record) -> None:
        self.trials[record["trial"]].run_id = record["run_id"]

    def _end(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        if trial.ended is None:
            trial.ended = record["state"]
            if record.get("error"):
                trial.errors.append(record["error"])

    def _finish(self, record: Record) -> None:
        self.running, self.finished = False, record["state"]
        self.reason = record.get("reason", "")
        self._close_session(max(self.last, float(record["time"])))

    def _close_session(self, end: float) -> None:
        if self.started is not None:
            self.earlier_seconds += max(0.0, end - self.started)
            self.started = None


def number(value: Any) -> float:
    """Return a journalled metric as a float; null stands for one that was not finite."""
    return math.nan if value is None else float(value)


def plain(value: float) -> float | None:
    """Return a metric as JSON can say it: null where it is not finite."""
    return float(value) if math.isfinite(value) else None
