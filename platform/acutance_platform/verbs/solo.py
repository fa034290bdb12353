"""One training in this process, without a search: the same journal as a sweep of one trial."""

import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, final

from acutance_platform.recipe import Recipe, build_recipe, chain
from acutance_platform.search.decisions import fail
from acutance_platform.search.fold import Record
from acutance_platform.search.numbers import plain
from acutance_platform.search.requests import LOOK_EVERY, Requests
from acutance_platform.search.shrinking import shrunk
from acutance_platform.search.space import apply_to
from acutance_platform.search.steering import honour
from acutance_platform.search.trial import Trial
from acutance_platform.training import (
    Interrupted,
    OutOfMemory,
    RankLost,
    Report,
    States,
    Training,
    TrainingDiverged,
    ZeroShotTraining,
    machine_kind,
    open_training,
)
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import TRAINING, finished, tell
from acutance_platform.verbs.recording import Scene
from acutance_storage import StorageError
from acutance_storage.leases import Leases

_LOOK_AGAIN = 0.5  # seconds


def run_alone(name: str, spec: dict[str, Any], recipe: Recipe, home: Home, scene: Scene) -> str:
    """Train to the end, or until a signal; return COMPLETE, FAILED or INTERRUPTED."""
    known = tell(scene.log.read())
    if finished(known):  # by another process, while this one started
        return known.sweep.state
    now = time.time()
    head: list[Record] = []
    if not known.sweep.name:
        head.append({"do": "sweep", "name": name, "spec": spec, "time": now})
    driver = uuid.uuid4().hex[:12]
    head.append({"do": "start", "driver": driver, "host": socket.gethostname(), "time": now})
    scene.write(*head)
    leases, requests = Leases(home.store, name), Requests(home.store, name)
    known_trial = known.sweep.trials.get(TRAINING)
    if known_trial is not None and known_trial.overrides:
        recipe = build_recipe(apply_to(recipe.model_dump(mode="json"), known_trial.overrides))
    work = _Work(name, recipe, home, leases, scene.write)
    if TRAINING not in known.sweep.trials:
        scene.write(
            {
                "do": "ask",
                "trial": TRAINING,
                "assignment": {},
                "recipe": {},
                "attrs": {},
                "rungs": [recipe.steps],
                "stages": [list(stage) for stage in work.stages],
                "time": now,
            }
        )
    with leases.beating(), _stopped_by_signals(work), _stopped_by_requests(work, requests):
        state, reason = _advance(work, recipe, scene)
    asked_by = _answer(requests, scene)
    if state == "INTERRUPTED" and asked_by:
        reason = f"stopped by {asked_by}"
    scene.write({"do": "finish", "state": state, "reason": reason, "time": time.time()})
    return state


@final
class _Work:
    """The training of a recipe, of which no stage is computed by another one as well.

    Args:
        name: Of the training.
        recipe: Complete.
        home: Store and local folder.
        leases: Of this training.
        write: Journals a record.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        home: Home,
        leases: Leases,
        write: Callable[[Record], object],
    ) -> None:
        self._name, self._recipe, self._home = name, recipe, home
        self._leases, self._write = leases, write
        self._stop = False
        self.training = self._open()
        self.stages = self._stages()
        """Key and end of each stage."""

    def request_stop(self) -> None:
        """Ask for saving and stopping; safe in a signal handler."""
        self._stop = True
        self.training.request_stop()

    def hold_stages(self) -> None:
        """Hold the stages ahead; wait first while another computes one, and take up what it left.

        Raises:
            Interrupted: If `request_stop` was called meanwhile.
        """
        ahead = [key for key, end in self.stages if end > self.training.step]
        for key in ahead:
            self._wait(key)
        for key in ahead:
            self._leases.take(key)
        store, local = self._home.store, self._home.local
        saved = [States(store, key, local=local, keep=1).newest_step() or 0 for key in ahead]
        if max(saved, default=0) > self.training.step:  # since the training was opened
            self.training = self._open()
            self.leave_stages()

    def leave_stages(self) -> None:
        """Let go of the stages that are finished."""
        for key, end in self.stages:
            if end <= self.training.step:
                self._leases.let_go(key)

    def shrink(self, trial: Trial, error: OutOfMemory) -> None:
        """Start the stage that did not fit into memory again in smaller parts, and journal it.

        Where no part will do, what is journalled is the training's end.
        """

        def follow(changed: dict[str, Any]) -> list[tuple[str, int]]:
            self._recipe = build_recipe(changed)
            for key, _ in self.stages:
                self._leases.let_go(key)
            self.training.close()
            self.training = self._open()
            self.stages = self._stages()
            return self.stages

        recipe = self._recipe.model_dump(mode="json")
        now = time.time()
        stage, crops = error.stage, error.crops
        records = shrunk(recipe, trial, stage=stage, crops=crops, stages_of=follow, now=now)
        for record in records:
            self._write(record)

    def open_again(self) -> None:
        """Go on from the newest state, as a leg of a sweep that failed does."""
        self.training.close()
        self.training = self._open()

    def _stages(self) -> list[tuple[str, int]]:
        ends = [link.end for link in chain(self._recipe)]
        return list(zip(self.training.keys, ends, strict=True))

    def _wait(self, key: str) -> None:
        """Wait until nobody else holds a stage."""
        owner = self._leases.holder(key)
        if owner is None:
            return
        wait = {"do": "wait", "trial": TRAINING, "stage": key, "owner": owner}
        self._write({**wait, "time": time.time()})
        while self._leases.held_by_another(key):
            if self._stop:
                raise Interrupted(f"stopped while {owner} computed the same stage")
            time.sleep(_LOOK_AGAIN)

    def _open(self) -> Training | ZeroShotTraining:
        training = open_training(
            self._recipe,
            store=self._home.store,
            local=self._home.local,
            machine=machine_kind(self._recipe),
            owner=f"{self._name}/{TRAINING}",
        )
        if self._stop:
            training.request_stop()
        return training


def _advance(work: _Work, recipe: Recipe, scene: Scene) -> tuple[str, str]:
    """Tell every stored report, then train to the end; return the state, and why it ended."""
    told = set(_trial(scene).reports)

    def note(report: Report) -> None:
        # After damage to the newest state, steps that were told already are computed again.
        if report.step not in told:
            fields = report.told_by(f"{scene.name}/{TRAINING}").as_dict()
            metrics = {metric: plain(value) for metric, value in report.metrics.items()}
            scene.write({"do": "report", "trial": TRAINING, **fields, "metrics": metrics})

    try:
        work.hold_stages()
        for report in work.training.reports:
            note(report)
        while work.training.step < recipe.steps:
            try:
                note(work.training.advance())
                work.leave_stages()
            except OutOfMemory as error:
                work.shrink(_trial(scene), error)
                if (trial := _trial(scene)).ended is not None:
                    return "FAILED", trial.errors[-1]
                work.hold_stages()
            except RankLost as error:
                scene.write(*fail(_trial(scene), str(error), time.time()))
                if (trial := _trial(scene)).ended is not None:
                    return "FAILED", trial.errors[-1]
                work.open_again()
    except Interrupted as stop:
        return "INTERRUPTED", str(stop)
    except TrainingDiverged as error:
        text = str(error)
        end = {"do": "end", "trial": TRAINING, "state": "FAILED", "weights": None, "error": text}
        scene.write({**end, "step": work.training.step, "time": time.time()})
        return "FAILED", text
    last, now = work.training.reports[-1], time.time()
    result = {"do": "result", "trial": TRAINING, "weights": last.weights, "step": last.step}
    end = {"do": "end", "trial": TRAINING, "state": "COMPLETE", "weights": last.weights}
    scene.write({**result, "time": now}, {**end, "step": last.step, "time": now})
    return "COMPLETE", ""


def _trial(scene: Scene) -> Trial:
    return tell(scene.log.read()).sweep.trials[TRAINING]


def _answer(requests: Requests, scene: Scene) -> str:
    """Journal and delete what was asked of the training; return who stopped it, if anybody did."""
    sweep, asked_by = tell(scene.log.read()).sweep, ""
    found: list[Record] = []
    with suppress(StorageError, OSError):
        found = list(requests.pending(sweep.honoured))
    for request in found:
        records = honour(sweep, request, active=[TRAINING], space=None, now=time.time())
        scene.write(*records)
        asked_by = str(request["by"]) if records[0]["do"] == "stop" else asked_by
        with suppress(StorageError, OSError):
            requests.drop(request["id"])
    return asked_by


@contextmanager
def _stopped_by_requests(work: _Work, requests: Requests) -> Iterator[None]:
    """Let a request that lies in the store save and stop the training while the block runs."""
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            with suppress(StorageError, OSError):
                if any(request["do"] == "stop" for request in requests.pending()):
                    work.request_stop()
                    return
            ended.wait(LOOK_EVERY)

    thread = threading.Thread(target=look, name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _stopped_by_signals(work: _Work) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a request to save and stop; a second one ends."""

    def ask(number: int, frame: FrameType | None) -> None:
        work.request_stop()
        signal.signal(number, signal.default_int_handler)

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
