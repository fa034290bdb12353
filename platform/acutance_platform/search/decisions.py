"""Who goes on, who rests and who is drawn next; no clock, no files, no Ray.

Each function reads the state of a sweep and returns records; whoever calls it journals them and
applies them. The same journal therefore leads to the same decisions, whoever died in between.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from acutance_platform.search.constraints import violations
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.history import unknown
from acutance_platform.search.numbers import number, plain
from acutance_platform.search.promotion import candidate, last_hope, section
from acutance_platform.search.refused import given_up, stuck
from acutance_platform.search.schedulers import Scheduler
from acutance_platform.search.spending import spent
from acutance_platform.search.trial import Trial

FAILURES = 3
"""Failures in a row, without a new report between them, that end a trial."""

_NO_COST = {"cpu_seconds": 0.0, "gpu_seconds": 0.0}


@dataclass(frozen=True)
class Next:
    """What to do with a free slot.

    Attributes:
        kind: `leg` starts or continues `trial`; `promote` lets it go on once another one has
            computed what it needs; `draw` asks the sampler for a new trial; `wait` may change
            when something reports; `over` cannot.
        trial: The trial of a leg or a promotion.
        records: To be journalled before the leg starts, or at once.
    """

    kind: Literal["leg", "promote", "draw", "wait", "over"]
    trial: Trial | None = None
    records: tuple[Record, ...] = ()


def next_leg(
    sweep: Sweep,
    scheduler: Scheduler,
    *,
    active: Collection[str],
    now: float,
    exhausted: bool = False,
    queue: int | None = None,
    busy: Callable[[str], bool] = lambda key: False,
) -> Next:
    """Return what to do with a free slot: in flight first, then promotions, then new trials.

    A trial whose stage is being computed by another one is passed over: it waits for the result.

    Args:
        sweep: Everything that is journalled.
        scheduler: Of this sweep.
        active: Names of the trials of which a leg holds a slot.
        now: Seconds since the epoch.
        exhausted: Whether the sampler has no further point.
        queue: Most trials that may wait for others' stages before a new one is drawn: one that is
            drawn early is drawn blindly. None where the sampler learns nothing anyway.
        busy: Says of a stage key whether another sweep is computing it.
    """
    if spent(sweep, now) is not None:
        return Next("wait" if active else "over")
    waiting = 0
    for trial in sweep.trials.values():
        if trial.target is not None and trial.name not in active:
            if not waits(sweep, trial, active, busy):
                return Next("leg", trial)
            waiting += 1
    found = candidate(sweep, scheduler)
    if found is None:
        full = queue is not None and waiting >= queue
        if sweep.queued or (not exhausted and not full and not _all_drawn(sweep)):
            return Next("draw")
        if active or waiting:
            return Next("wait")
        found = last_hope(sweep)
    if found is None:
        return Next("over")
    promoted = _promote(*found)
    if waits(sweep, found[0], active, busy):
        return Next("promote", found[0], (promoted, {"do": "wait", "trial": found[0].name}))
    return Next("leg", found[0], (promoted,))


def waits(sweep: Sweep, trial: Trial, active: Collection[str], busy: Callable[[str], bool]) -> bool:
    """Say whether somebody else is computing what a trial needs.

    What it needs may be further on than what it was told: another one that computes its second
    stage has finished the first.
    """
    others = [sweep.trials[name] for name in active if name != trial.name]
    needed = trial.ahead
    shared = any(stage in other.ahead for other in others for stage in needed)
    return shared or any(busy(key) for key, _ in needed)


def absorb(
    sweep: Sweep, trial: Trial, reports: Iterable[Record], used: Sequence[float] = ()
) -> list[Record]:
    """Return the records of a leg's reports, leaving out what is journalled already.

    Args:
        sweep: Everything that is journalled.
        trial: Whose leg it is.
        reports: Reports as plain data, with step, metrics, executed, cpu_seconds, gpu_seconds,
            time and weights.
        used: CPU and GPU seconds that come on top; told with the last new report, or alone.
    """
    records: list[Record] = []
    told = set(trial.reports)
    for report in sorted(reports, key=lambda report: int(report["step"])):
        step = int(report["step"])
        if step not in told:
            records += _told(trial, report)
            told.add(step)
        if step in trial.rungs and step not in trial.values and not _passes(trial, step):
            records += _reached(sweep, trial, report)
    if any(used):
        new = [record for record in records if record["do"] == "report"]
        records += [] if new else [{"do": "cost", "trial": trial.name, **_NO_COST}]
        last = new[-1] if new else records[-1]
        for key, seconds in zip(_NO_COST, used, strict=True):
            last[key] += seconds
    return records


def _passes(trial: Trial, step: int) -> bool:
    """Say whether a rung is none for this trial: a repeat is compared at its end alone."""
    return trial.repeats is not None and step != trial.end


def verdict(
    sweep: Sweep, scheduler: Scheduler, trial: Trial, now: float
) -> tuple[bool, list[Record]]:
    """Say whether a leg goes on after its reports were journalled, and what to journal for it.

    A trial that is promoted at once keeps its slot.
    """
    if trial.ended is not None:
        return False, []
    if trial.stopped_by:
        return False, [stopped(trial, now)]
    if spent(sweep, now) is not None:
        return False, []
    if trial.target is not None:
        return True, []
    found = candidate(sweep, scheduler)
    if found is not None and found[0] is trial:
        return True, [_promote(*found)]
    return False, []


def fail(trial: Trial, error: str, now: float, *, lost: bool = False) -> list[Record]:
    """Return the records of a leg that ended in error; the third in a row ends the trial.

    Where its node was `lost` or taken away, that is no fault of the trial's.
    """
    base = {"trial": trial.name, "step": trial.step, "time": now}
    records: list[Record] = [{"do": "failure", **base, "error": error, "lost": lost}]
    if trial.stopped_by:
        records.append(stopped(trial, now))
    elif not lost and trial.failures_in_a_row + 1 >= FAILURES:
        records.append(_ended(trial, "FAILED", trial.step, trial.weights, now))
    return records


def mend(sweep: Sweep, now: float) -> list[Record]:
    """Return the ends that a driver died before writing."""
    going = [trial for trial in sweep.trials.values() if trial.ended is None]
    return [
        _end(trial, trial.values[trial.end], trial.end, trial.weights, now)
        if trial.end in trial.values
        else stopped(trial, now)
        for trial in going
        if trial.stopped_by or trial.end in trial.values
    ]


def stopped(trial: Trial, now: float) -> Record:
    """Return the end of a trial that did not come to its end; its state stays."""
    return _ended(trial, "STOPPED", trial.step, trial.weights, now)


def finish(sweep: Sweep, now: float) -> list[Record]:
    """Return the records that close a sweep with nothing left to do.

    Trials that never came to their end are STOPPED. The sweep is STOPPED where a budget other
    than the number of trials was reached, FAILED where not one trial completed, else COMPLETE,
    also where the constraints let no further draw pass.
    """
    records = [stopped(trial, now) for trial in sweep.trials.values() if trial.ended is None]
    reason, state = spent(sweep, now), "COMPLETE"
    refused = stuck(sweep.refused, len(sweep.trials))
    if reason is not None:
        state = "STOPPED"
    elif not any(trial.ended == "COMPLETE" for trial in sweep.trials.values()):
        state, reason = "FAILED", ": ".join(filter(None, ("no trial completed", refused)))
    elif given_up(sweep.refused, len(sweep.trials)):
        reason = refused
    return [*records, {"do": "finish", "state": state, "reason": reason or "", "time": now}]


def _all_drawn(sweep: Sweep) -> bool:
    limit = section(sweep).budget.trials
    return limit is not None and sweep.drawn >= limit


def _promote(trial: Trial, rung: int) -> Record:
    return {"do": "promote", "trial": trial.name, "rung": rung}


def _told(trial: Trial, report: Record) -> list[Record]:
    """Return the records of one report that was not journalled yet."""
    fields = ("step", "executed", "cpu_seconds", "gpu_seconds", "time")
    metrics = {name: plain(value) for name, value in report["metrics"].items()}
    told = {field: report[field] for field in fields}
    if report.get("notes"):
        told["notes"] = list(report["notes"])
    records: list[Record] = [{"do": "report", "trial": trial.name, **told, "metrics": metrics}]
    if report.get("weights"):
        name, step = trial.name, report["step"]
        records.append({"do": "result", "trial": name, "weights": report["weights"], "step": step})
    return records


def _reached(sweep: Sweep, trial: Trial, report: Record) -> list[Record]:
    """Return the records of a rung: its value, and at the last one the trial's end."""
    step = int(report["step"])
    told = {
        name: plain(float(report["metrics"].get(name, math.nan)))
        for name in section(sweep).objectives
    }
    value: Record = {"do": "value", "trial": trial.name, "rung": step, "values": told}
    if rules := section(sweep).rules:
        missed = violations(rules, report["metrics"])
        value["violations"] = {name: plain(amount) for name, amount in missed.items()}
    records: list[Record] = [value]
    if step == trial.end:
        weights = report.get("weights") or trial.weights
        values = tuple(number(value) for value in told.values())
        records.append(_end(trial, values, step, weights, float(report["time"])))
    return records


def _end(
    trial: Trial, values: Sequence[float], step: int, weights: str | None, now: float
) -> Record:
    """Return the end of a training; without finite objectives it compares with nothing."""
    if unknown(values):
        error = f"an objective is not a finite number at step {step}"
        return {**_ended(trial, "FAILED", step, weights, now), "error": error}
    return _ended(trial, "COMPLETE", step, weights, now)


def ended(trial: Trial, state: str, now: float) -> Record:
    """Return the end of a trial where it stands."""
    return _ended(trial, state, trial.step, trial.weights, now)


def _ended(trial: Trial, state: str, step: int, weights: str | None, now: float) -> Record:
    end = {"do": "end", "trial": trial.name, "state": state}
    return {**end, "weights": weights, "step": step, "time": now}


def asked(
    ordinal: int,
    *,
    rungs: Sequence[int],
    stages: Sequence[tuple[str, int]],
    now: float,
    **drawn: Any,
) -> Record:
    """Return the record of a new trial.

    Args:
        ordinal: Position in the sweep, from 0.
        rungs: Steps at which it is compared, the end last; empty if it cannot be built.
        stages: Key and absolute end of each stage of its chain, if known.
        now: Seconds since the epoch.
        **drawn: assignment, recipe (as shown) and attrs.
    """
    trial = f"t{ordinal:04d}"
    plain_stages = [list(stage) for stage in stages]
    ask = {"do": "ask", "trial": trial, **drawn, "rungs": list(rungs)}
    return {**ask, "stages": plain_stages, "time": now}


def unbuildable(trial: str, error: str, now: float) -> Record:
    """Return the end of a trial whose drawn recipe nobody can train; it costs no step."""
    base = {"do": "end", "trial": trial, "state": "FAILED", "weights": None, "step": 0}
    return {**base, "error": error, "time": now}
