"""The recorder: carries a journal into MLflow while training goes on.

The journal is the truth and MLflow shows it. Feeding a record never waits: one thread ships in
batches, repeats what failed, and starts from the whole journal again after a restart. MLflow may
be away for as long as it likes; what it lacks at the end is named, and the next start sends it.
"""

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, final

from acutance_platform.tracking.client import is_refusal
from acutance_platform.tracking.projection import SWEEP, Projection, Record
from acutance_platform.tracking.shipping import Artifact, Shipper

_log = logging.getLogger(__name__)

_GATHER: Final = 1.0  # seconds to wait for more records before a batch is shipped
_FIRST_PAUSE: Final = 0.5  # seconds before the first repetition; doubles
_LONGEST_PAUSE: Final = 15.0
_REFUSALS: Final = 5
"""After so many refusals in a row a run is set aside (two writers at once give passing ones)."""


_NAMED: Final = 10  # runs that are named one by one where MLflow lacks something


@dataclass(frozen=True)
class RecorderStatus:
    """How far the recorder is, for a live view."""

    pending: int
    """Metric values, files and unread records that MLflow does not have yet."""
    problem: str | None
    """Why it is behind, if something is wrong."""


@final
class Recorder:
    """Projects one journal into MLflow from a thread of its own.

    Args:
        where: MLflow's address, or a function that gives it (and starts the server if need be);
            asked again after every failure, always from the recorder's thread.
        name: name of the sweep or training, which is the name of the MLflow experiment.
        records: the journal so far, its first record included; more through `feed`.
        single: the journal of one training: a single run without a parent.
        on_run: called once with (trial, run id) for each run that the journal does not know,
            from the recorder's thread; the caller journals ``{"do": "run", ...}``.
    """

    def __init__(
        self,
        where: str | Callable[[], str],
        *,
        name: str,
        records: Iterable[Record] = (),
        single: bool = False,
        on_run: Callable[[str, str], None] | None = None,
    ) -> None:
        self._where = where if callable(where) else lambda: where
        self._on_run = on_run or (lambda trial, run_id: None)
        self._projection = Projection(name, single=single)
        self._inbox: list[Record | Artifact] = list(records)
        self._files: list[Artifact] = []  # not uploaded yet
        self._dirty: dict[str, None] = {}  # keys of runs to bring up to date, in order
        self._confirmed: dict[str, int] = {}  # points that MLflow has, by run
        self._refusals: dict[str, int] = {}
        self._set_aside: dict[str, str] = {}
        self._shipper: Shipper | None = None
        self._problem: str | None = None
        self._wake = threading.Condition()
        self._patience, self._deadline = 0.0, math.inf
        self._over = False
        self._thread = threading.Thread(target=self._work, name="acutance-recorder", daemon=True)
        self._thread.start()

    def feed(self, record: Record) -> None:
        """Take a record that is in the journal. Returns at once."""
        with self._wake:
            self._inbox.append(record)
            self._wake.notify()

    def artifact(self, trial: str | None, name: str, content: bytes | Path) -> None:
        """Attach a file to a trial's run, or to the sweep's for None. Returns at once.

        Args:
            trial: a trial that was asked for, or will be.
            name: where the run shows it, such as ``pictures/chelsea.png``.
            content: the bytes, or a file that stays until it is shipped.
        """
        with self._wake:
            self._inbox.append(Artifact(SWEEP if trial is None else trial, name, content))
            self._wake.notify()

    def run_ids(self) -> dict[str, str]:
        """The run of every trial that has one, as far as shipped."""
        runs = dict(self._projection.runs)
        return {key: run.run_id for key, run in runs.items() if key != SWEEP and run.run_id}

    def status(self) -> RecorderStatus:
        """How far the recorder is."""
        pending = len(self._inbox) + len(self._files)
        pending += sum(self._pending(key) for key in list(self._projection.runs))
        return RecorderStatus(pending, self._problem)

    def close(self, *, deadline: float = 60.0) -> list[str]:
        """Ship what is left, and end.

        Gives up after ``deadline`` seconds in which MLflow took nothing.

        Runs that the journal left running are shown as KILLED until a later driver resumes them.

        Returns:
            What MLflow lacks, in words, one line each; empty when it has everything. Nothing is
            lost: the journal has it, and the next recorder of this journal sends it.
        """
        with self._wake:
            if not self._over:
                self._over, self._patience = True, deadline
                self._deadline = time.monotonic() + deadline
            self._wake.notify()
        while self._thread.is_alive() and time.monotonic() < self._deadline + 1.0:
            self._thread.join(0.1)
        return self._missing()

    # --- the recorder's thread

    def _work(self) -> None:
        pause = 0.0
        while True:
            self._gather(pause)
            try:
                self._ship()
                pause = 0.0
            except Exception as error:  # MLflow is away, in one of many ways: say it, try again
                pause = min(max(_FIRST_PAUSE, pause * 2), _LONGEST_PAUSE)
                self._shipper = None
                self._say(error)
            if self._finished():
                return

    def _gather(self, pause: float) -> None:
        """Wait for records, or out a pause, and fold what came into the projection."""
        with self._wake:
            if pause:
                self._wake.wait_for(self._closing, timeout=pause)
            else:
                self._wake.wait_for(lambda: bool(self._inbox) or self._closing())
                self._wake.wait_for(self._closing, timeout=_GATHER)
            if pause and self._over:
                self._wake.wait(timeout=min(pause, max(0.0, self._deadline - time.monotonic())))
            arrived, self._inbox = self._inbox, []
            closing = self._closing()
        for item in arrived:
            if isinstance(item, Artifact):
                self._files.append(item)
            else:
                self._touch(self._projection.apply(item))
        if closing:
            self._dirty.update(dict.fromkeys(self._projection.interrupt()))

    def _closing(self) -> bool:
        return self._over

    def _touch(self, key: str | None) -> None:
        self._dirty.update(dict.fromkeys(self._projection.runs if key is None else [key]))

    def _finished(self) -> bool:
        if not self._over or self._inbox:
            return False
        shippable = self._dirty or any(self._target(file) is not None for file in self._files)
        return not shippable or time.monotonic() >= self._deadline

    def _ship(self) -> None:
        if not self._projection.runs or not (self._dirty or self._files):
            return
        if self._shipper is None:
            self._shipper = Shipper(self._where(), self._projection, on_run=self._on_run)
        for key in list(self._dirty):
            count = len(self._projection.runs[key].points)
            # Last in line while it is tried, so that a refused one does not hold up the others.
            self._dirty[key] = self._dirty.pop(key)
            self._attempt(_called(key), partial(self._shipper.ship, key))
            del self._dirty[key]
            self._confirmed[key] = count
            self._took()
        self._ship_files(self._shipper)
        if self._problem:
            _log.warning("MLflow has everything up to now again.")
            self._problem = None

    def _ship_files(self, shipper: Shipper) -> None:
        for file in list(self._files):
            run = self._target(file)
            if run is None:
                continue  # its trial was not asked for yet
            target = replace(file, run=run)
            self._attempt(f"{file.name} of {_called(run)}", partial(shipper.ship_artifact, target))
            self._files.remove(file)
            self._took()

    def _took(self) -> None:
        """Take in that MLflow is there and works: closing waits for as long as it does."""
        with self._wake:
            if self._over:
                self._deadline = time.monotonic() + self._patience

    def _target(self, file: Artifact) -> str | None:
        """The run that a file belongs to, None while there is no such run."""
        runs = self._projection.runs
        if file.run == SWEEP and self._projection.single:
            return next(iter(runs), None)
        return file.run if file.run in runs else None

    def _attempt(self, label: str, action: Callable[[], None]) -> None:
        """Do ``action``; if it is refused again and again, set it aside instead of raising."""
        try:
            action()
        except Exception as error:
            if not (is_refusal(error) or isinstance(error, FileNotFoundError)):
                raise
            self._refusals[label] = self._refusals.get(label, 0) + 1
            if self._refusals[label] < _REFUSALS:
                raise
            _log.error("MLflow refuses %s: %s", label, error)
            self._set_aside[label] = _first_line(error)
        else:
            self._refusals.pop(label, None)
            self._set_aside.pop(label, None)

    def _say(self, error: Exception) -> None:
        problem = f"MLflow does not take records ({_first_line(error)})"
        if self._problem is None:
            _log.warning("%s; the journal keeps them, and they are sent again.", problem)
        self._problem = problem

    # --- what is missing

    def _pending(self, key: str) -> int:
        return len(self._projection.runs[key].points) - self._confirmed.get(key, 0)

    def _missing(self) -> list[str]:
        behind = {key: self._pending(key) for key in list(self._dirty)}
        missing = [f"{_called(key)}: state, and {n} metric values" for key, n in behind.items()]
        if len(missing) > _NAMED:
            missing = [f"{len(behind)} runs: state, and {sum(behind.values())} metric values"]
        missing += [f"{file.name} of {_called(file.run)}" for file in self._files]
        missing += [f"{label}: refused, {why}" for label, why in self._set_aside.items()]
        if self._inbox:
            missing.append(f"{len(self._inbox)} records of the journal")
        if missing and self._problem:
            missing.append(f"because {self._problem}")
        return missing


def _called(run: str) -> str:
    return f"trial {run}" if run else "the sweep"


def _first_line(error: BaseException) -> str:
    """What went wrong at the bottom, without logins: the layers above repeat it at length."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    text = str(error).strip().splitlines() or [""]
    without_login = re.sub(r"//[^/@\s]+@", "//", text[0])
    return f"{type(error).__name__}: {without_login}"[:300]
