"""What MLflow should show for a journal: a pure fold, without MLflow, clock or thread.

The same records in the same order always give the same runs, with the journal's own times.
MLflow drops a metric row it already has (same key, time, step, value), so whatever of this is sent
twice changes nothing.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

from acutance_platform.tracking.origin import origin_tags

SWEEP: Final = ""
"""Key of the sweep's own (parent) run among the runs, where trials have their ids."""

Record = Mapping[str, Any]

_FORBIDDEN = re.compile(r"[^\w\-. :/]", re.ASCII)  # what MLflow accepts in names, as of 3.17
_LONGEST_NAME: Final = 250
_LONGEST_VALUE: Final = 6000  # characters of a parameter's value
_LONGEST_NOTE: Final = 1000

_MLFLOW_STATUS: Final = {
    "WAITING": "FINISHED",
    "RUNNING": "RUNNING",
    "PAUSED": "FINISHED",
    "COMPLETE": "FINISHED",
    "STOPPED": "FINISHED",
    "FAILED": "FAILED",
    "INTERRUPTED": "KILLED",
}
_FINAL: Final = frozenset({"COMPLETE", "STOPPED", "FAILED"})


class Point(NamedTuple):
    """One value of one metric."""

    key: str
    value: float
    time_ms: int
    step: int


@final
@dataclass
class RunView:
    """What one MLflow run should hold."""

    name: str
    kind: str
    """``sweep``, ``trial`` or ``train``; the tag ``acutance.kind``."""
    started_ms: int
    state: str = "RUNNING"
    """Our word; the tag ``acutance.state``."""
    killed: bool = False
    """Whether it waits because its leg was cut off."""
    ended_ms: int = 0
    """Time of the last record, which is the end once the run does not run."""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    """What was wrong, in words -> the first step that said so; the tag ``acutance.notes``."""
    seen: set[tuple[str, int]] = field(default_factory=set)
    stopped: bool = False
    """Whether somebody asked that it ends early."""
    run_id: str | None = None
    """From the journal, where an earlier driver recorded it."""

    @property
    def status(self) -> str:
        """MLflow's word for the state."""
        return "KILLED" if self.killed else _MLFLOW_STATUS.get(self.state, "FINISHED")

    def set_state(self, state: str, *, killed: bool = False) -> None:
        """Change the state; one that is final stays."""
        if self.state not in _FINAL:
            self.state, self.killed = state, killed

    def add(self, step: int, time_ms: int, metrics: Mapping[str, float | None]) -> None:
        """Take a report. A step that was already reported is not told twice.

        A value that is not finite (null in a journal) becomes a tag: MLflow would store infinity
        as 1.8e308.
        """
        for key, value in metrics.items():
            key = clean_name(key)
            if (key, step) in self.seen:
                continue  # steps recomputed since the last checkpoint, or the same report again
            self.seen.add((key, step))
            if value is not None and math.isfinite(value):
                self.points.append(Point(key, float(value), time_ms, step))
            else:
                self.note("acutance.not_finite", f"{key} at step {step}")

    def note(self, tag: str, text: str) -> None:
        """Append a text to a tag, as far as MLflow takes it."""
        known = self.tags.get(tag)
        self.tags[tag] = (f"{known}, {text}" if known else text)[:_LONGEST_NOTE]


@final
class Projection:
    """The runs of one journal.

    Args:
        name: the sweep's or training's name.
        single: the journal is that of one training: one run of kind ``train``, no parent.
    """

    def __init__(self, name: str, *, single: bool = False) -> None:
        self.name, self.single = name, single
        self.identity = identity(name, {})
        self._origin: dict[str, str] = {}
        self.runs: dict[str, RunView] = {}
        self._now = 0
        self._on_sweep: dict[str, Callable[[Record], None]] = {
            "sweep": self._sweep,
            "start": self._start,
            "about": self._about,
            "baseline": self._baseline,
            "finish": self._finish,
            "refused": self._refused,
            "budget": self._budget,
        }
        self._on_trial: dict[str, Callable[[RunView, Record], None]] = {
            "report": self._report,
            "value": self._value,
            "promote": self._promote,
            "leg": self._promote,
            "wait": self._wait,
            "failure": self._failure,
            "end": self._end,
            "result": self._result,
            "run": self._run,
            "stop": self._stop,
        }

    def apply(self, record: Record) -> str | None:
        """Take the next record. Returns the key of the one run it concerns, else None."""
        self._now = max(self._now, _milliseconds(record.get("time", 0)))
        verb = str(record.get("do"))
        if verb in self._on_sweep:
            self._on_sweep[verb](record)
            return None
        trial = str(record.get("trial", SWEEP))
        if verb == "ask":
            self.runs.setdefault(trial, self._ask(record))
        elif verb in self._on_trial and trial in self.runs:
            self._on_trial[verb](self.runs[trial], record)
            self.runs[trial].ended_ms = self._now
        return trial if trial in self.runs else None

    def interrupt(self) -> list[str]:
        """No leg runs any more, for the driver is leaving; return the keys of those that did."""
        running = {key: run for key, run in self.runs.items() if run.state == "RUNNING"}
        for key, run in running.items():
            run.set_state("INTERRUPTED" if key == SWEEP else "WAITING", killed=True)
            run.ended_ms = max(run.ended_ms, self._now)
        return list(running)

    def _sweep(self, record: Record) -> None:
        self.identity = identity(self.name, record)
        data = (record.get("spec") or {}).get("data") or {}
        self._origin = {"acutance.dataset": str(data["dataset"])} if "dataset" in data else {}
        if not self.single:
            tags = self._tags("sweep")
            if rules := ((record.get("spec") or {}).get("search") or {}).get("constraints"):
                tags["acutance.constraints"] = clean_value(rules)
            self.runs[SWEEP] = RunView(self.name, "sweep", self._now, tags=tags)

    def _start(self, record: Record) -> None:
        self.interrupt()  # whatever ran under the last driver does not run any more
        if parent := self.runs.get(SWEEP):
            parent.state, parent.killed = "RUNNING", False

    def _about(self, record: Record) -> None:
        """Where it comes from, on every run that is asked for from here on."""
        self._origin |= origin_tags(record)
        if parent := self.runs.get(SWEEP):
            parent.tags |= self._origin

    def _baseline(self, record: Record) -> None:
        if parent := self.runs.get(SWEEP):
            time_ms = _milliseconds(record["time"]) if "time" in record else self._now
            values = {f"bicubic/{name}": value for name, value in record["metrics"].items()}
            parent.add(0, time_ms, values)

    def _refused(self, record: Record) -> None:
        """A draw that was never trained: it has no run, but it was made."""
        if parent := self.runs.get(SWEEP):
            parent.tags["acutance.refused"] = str(int(parent.tags.get("acutance.refused", 0)) + 1)

    def _finish(self, record: Record) -> None:
        self.interrupt()
        if parent := self.runs.get(SWEEP):
            parent.state, parent.killed = str(record["state"]), False
            parent.ended_ms = self._now
            if record.get("reason"):
                parent.tags["acutance.reason"] = str(record["reason"])[:_LONGEST_NOTE]

    def _budget(self, record: Record) -> None:
        """More may be spent: what ended for want of budget alone rests again."""
        for key, run in self.runs.items():
            if key != SWEEP and run.state == "STOPPED" and not run.stopped:
                run.state = "PAUSED"

    # --- records of one trial

    def _ask(self, record: Record) -> RunView:
        trial = str(record["trial"])
        kind = "train" if self.single else "trial"
        # Until a leg of it starts, a trial waits.
        state = "RUNNING" if self.single else "WAITING"
        run = RunView(self.name if self.single else trial, kind, self._now, state)
        run.tags = self._tags(kind) | {"acutance.trial": trial}
        for place, (key, _) in enumerate(record.get("stages") or ()):
            run.tags[f"acutance.stage.{place}"] = str(key)
        recipe = record.get("recipe") or {}
        if record.get("repeats"):
            run.tags |= {"acutance.repeats": str(record["repeats"])}
            recipe = {**recipe, "seed": record["seed"]}
        run.params = {clean_name(path): clean_value(value) for path, value in recipe.items()}
        return run

    def _report(self, run: RunView, record: Record) -> None:
        run.set_state("RUNNING")
        step = int(record["step"])
        run.add(step, _milliseconds(record["time"]), record["metrics"])
        for note in record.get("notes") or ():
            if note not in run.notes:
                run.notes[note] = step
                run.note("acutance.notes", f"step {step}: {note}")

    def _value(self, run: RunView, record: Record) -> None:
        run.set_state("PAUSED")  # a leg ends at its rung
        if "violations" in record:  # of a sweep with constraints
            run.tags["acutance.feasible"] = "false" if record["violations"] else "true"

    def _promote(self, run: RunView, record: Record) -> None:
        """It goes on, or a leg of it starts."""
        run.set_state("RUNNING")

    def _wait(self, run: RunView, record: Record) -> None:
        run.set_state("WAITING")

    def _failure(self, run: RunView, record: Record) -> None:
        run.set_state("WAITING", killed=True)
        self._error(run, record)

    def _end(self, run: RunView, record: Record) -> None:
        run.set_state(str(record["state"]))
        self._result(run, record)
        self._error(run, record)

    def _result(self, run: RunView, record: Record) -> None:
        if record.get("weights"):
            run.tags["acutance.weights"] = str(record["weights"])

    def _error(self, run: RunView, record: Record) -> None:
        if record.get("error"):
            run.tags["acutance.error"] = str(record["error"])[-_LONGEST_NOTE:]

    def _stop(self, run: RunView, record: Record) -> None:
        run.stopped = True

    def _run(self, run: RunView, record: Record) -> None:
        run.run_id = str(record["run_id"])

    def _tags(self, kind: str) -> dict[str, str]:
        return {"acutance.kind": kind, "acutance.sweep": self.identity, **self._origin}


def identity(name: str, first: Record) -> str:
    """What tells this sweep from another of the same name on the same MLflow: ``NAME-xxxxxxxx``."""
    text = json.dumps([name, first.get("time"), first.get("spec")], sort_keys=True, default=str)
    readable = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def clean_name(name: str) -> str:
    """A metric's or parameter's name with what MLflow refuses replaced by ``_``."""
    return _FORBIDDEN.sub("_", name)[:_LONGEST_NAME]


def clean_value(value: Any) -> str:
    """A searched value as text: JSON for lists and maps, at most MLflow's length."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _milliseconds(seconds: float) -> int:
    return round(float(seconds) * 1000)
