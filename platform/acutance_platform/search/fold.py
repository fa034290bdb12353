"""What a journal says: trials, values and spendings as a pure fold over its records.

Folding the same records gives the same state, in any process. A report that is told again, as a
resumed training does, counts once. Nothing here decides anything: see `decisions`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from acutance_platform.search.between import Between
from acutance_platform.search.constraints import feasible
from acutance_platform.search.numbers import number
from acutance_platform.search.refused import Refused
from acutance_platform.search.schema import Budget, Search
from acutance_platform.search.trial import State, Trial
from acutance_platform.search.winner import winner

Record = dict[str, Any]


@dataclass
class Sweep:
    """A sweep as its journal tells it.

    Attributes:
        search: The search section; None for a single training.
        trials: In the order in which they were asked for.
        between: Interpolated models by name.
        refused: Draws that structural constraints turned away, in order.
        warm: What it was told of earlier sweeps when it started.
        running: Whether a driver started and did not say that it ended.
        state: The last `finish` record's word, or RUNNING or WAITING.
        reason: Why it finished, such as the budget that was reached.
        queued: Points that were added by hand and are no trials yet: request -> point.
        honoured: Requests that the journal knows.
        warm_up: Seconds of all sessions up to their first report, and the steps done in them.
        repeated: Trial -> its repeats with other seeds.
        ranked: Rung -> its trials in the order of preference, as `promotion` found it last.
    """

    name: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    search: Search | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    between: dict[str, Between] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    warm: list[Record] = field(default_factory=list)
    running: bool = False
    finished: str | None = None
    reason: str = ""
    started: float | None = None
    last: float = 0.0
    earlier_seconds: float = 0.0
    warm_up: tuple[float, int] = (0.0, 0)
    queued: dict[str, dict[str, Any]] = field(default_factory=dict)
    honoured: set[str] = field(default_factory=set)
    repeated: dict[str, list[Trial]] = field(default_factory=dict)
    ranked: dict[int, list[Trial]] = field(default_factory=dict, compare=False)
    _cold: bool = False

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
        """Name of the feasible COMPLETE trial with the best first objective, the earlier of equals.

        Where some were trained with several seeds, of those the one with the best bound. None where
        there is no such trial; `feasibility.nearest` then says which came closest.
        """
        return winner(self)

    def stands(self, trial: Trial) -> bool:
        """Say whether a trial came to its end with values that meet the constraints."""
        rules = self.search.rules if self.search is not None else ()
        came = trial.ended == "COMPLETE" and trial.end in trial.values
        return came and feasible(rules, trial.reports.get(trial.end, {})) is True

    def trainings_of(self, trial: Trial) -> list[Trial]:
        """Return a trial, if it is COMPLETE, and its complete repeats with other seeds."""
        family = [trial, *self.repeated.get(trial.name, ())]
        return [t for t in family if t.ended == "COMPLETE"]

    @property
    def drawn(self) -> int:
        """Number of trials that the sampler drew, initial points included."""
        return sum(not (trial.by_hand or trial.repeats) for trial in self.trials.values())

    @property
    def draws(self) -> int:
        """What the sampler has been asked for: trials and refused draws."""
        return self.drawn + len(self.refused)

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
        if (trial := self.trials.get(record.get("trial", ""))) is not None:
            trial.told = None
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
        self.started, self._cold = float(record["time"]), True

    def _ask(self, record: Record) -> None:
        name = record["trial"]
        if name not in self.trials:
            self.trials[name] = Trial(
                name,
                len(self.trials),
                _interned(record.get("assignment", {})),
                _interned(record.get("recipe", {})),
                record.get("attrs", {}),
                tuple(record.get("rungs", ())),
                tuple((key, int(end)) for key, end in record.get("stages") or ()),
                by_hand="enqueued" in record,
                repeats=record.get("repeats"),
                seed=record.get("seed"),
                share=record.get("share"),
            )
            if "repeats" in record:
                self.repeated.setdefault(record["repeats"], []).append(self.trials[name])
        self.queued.pop(record.get("enqueued", ""), None)

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
        trial.reports.add(step, {name: number(v) for name, v in record["metrics"].items()})
        trial.pay(record)
        trial.failures_in_a_row, trial.begun = 0, True
        if self._cold:
            seconds = max(0.0, float(record["time"]) - (self.started or 0.0))
            executed = self.warm_up[1] + int(record.get("executed", 0))
            self.warm_up, self._cold = (self.warm_up[0] + seconds, executed), False

    def _cost(self, record: Record) -> None:
        self.trials[record["trial"]].pay(record)

    def _value(self, record: Record) -> None:
        trial, rung = self.trials[record["trial"]], int(record["rung"])
        values = tuple(number(value) for value in record["values"].values())
        trial.values.setdefault(rung, values)
        missed = record.get("violations") or {}
        amounts = {name: math.inf if v is None else float(v) for name, v in missed.items()}
        trial.violations.setdefault(rung, amounts)
        self.ranked.pop(rung, None)

    def _refused(self, record: Record) -> None:
        self.refused.append(Refused.of(record, len(self.trials)))

    def _promote(self, record: Record) -> None:
        self.trials[record["trial"]].promoted.add(int(record["rung"]))

    def _failure(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        trial.begun, trial.failures = False, trial.failures + 1
        trial.failures_in_a_row += not record.get("lost")
        trial.errors.append(record["error"])

    def _pardon(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        trial.failures_in_a_row = max(0, trial.failures_in_a_row - 1)

    def _shrink(self, record: Record) -> None:
        trial, step = self.trials[record["trial"]], int(record["step"])
        trial.overrides[record["path"]] = int(record["value"])
        trial.stages = tuple((key, int(end)) for key, end in record["stages"])
        trial.notes[record["note"]] = (step, step)
        trial.begun = False

    def _result(self, record: Record) -> None:
        self.trials[record["trial"]].published[int(record["step"])] = record["weights"]

    def _point(self, record: Record) -> None:
        metrics = {name: number(value) for name, value in record["metrics"].items()}
        first, second = record["parents"]
        point = Between((first, second), float(record["alpha"]), metrics, record["weights"])
        self.between.setdefault(point.name, point)

    def _stop(self, record: Record) -> None:
        self._declined(record)
        if record.get("trial") in self.trials:
            self.trials[record["trial"]].stopped_by = record["by"]

    def _enqueue(self, record: Record) -> None:
        if record["request"] not in self.honoured:
            self.queued[record["request"]] = record["point"]
        self._declined(record)

    def _declined(self, record: Record) -> None:
        self.honoured.add(record["request"])

    def _budget(self, record: Record) -> None:
        """Go on with other limits: trials that ended for want of budget alone wait again."""
        if self.search is None:
            return
        known = {key: record["budget"].get(key) for key in Budget.model_fields}
        self.search = self.search.model_copy(update={"budget": Budget.model_validate(known)})
        if "request" in record:
            self.honoured.add(record["request"])
        self.finished, self.reason = None, ""
        for trial in self.trials.values():
            if trial.ended == "STOPPED" and not trial.stopped_by:
                trial.ended = None

    def _run(self, record: Record) -> None:
        self.trials[record["trial"]].run_id = record["run_id"]

    def _end(self, record: Record) -> None:
        trial = self.trials[record["trial"]]
        if trial.ended is None:
            trial.ended = record["state"]
            trial.errors += [record["error"]] if record.get("error") else []

    def _finish(self, record: Record) -> None:
        self.running, self.finished = False, record["state"]
        self.reason = record.get("reason", "")
        self._close_session(max(self.last, float(record["time"])))

    def _close_session(self, end: float) -> None:
        if self.started is not None:
            self.earlier_seconds += max(0.0, end - self.started)
            self.started = None


def _interned(values: dict[str, Any]) -> dict[str, Any]:
    """Return a table whose names are one text for all trials."""
    return {intern(name): value for name, value in values.items()}
