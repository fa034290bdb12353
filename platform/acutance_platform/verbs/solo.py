"""One training in this process, without a search: the same journal as a sweep of one trial."""

import signal
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from acutance_platform.recipe import Recipe, chain
from acutance_platform.search.fold import Record, plain
from acutance_platform.training import (
    Interrupted,
    Report,
    Training,
    TrainingDiverged,
    ZeroShotTraining,
    machine_kind,
    open_training,
)
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import TRAINING, finished, tell
from acutance_platform.verbs.recording import Scene


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
    training = open_training(
        recipe,
        store=home.store,
        local=home.local,
        machine=machine_kind(recipe),
        owner=f"{name}/{TRAINING}",
    )
    if TRAINING not in known.sweep.trials:
        rungs, ends = [recipe.steps], [link.end for link in chain(recipe)]
        scene.write(
            {
                "do": "ask",
                "trial": TRAINING,
                "assignment": {},
                "recipe": {},
                "attrs": {},
                "rungs": rungs,
                "stages": [list(stage) for stage in zip(training.keys, ends, strict=True)],
                "time": now,
            }
        )
    with _stopped_by_signals(training):
        return _advance(training, recipe, scene)


def _advance(training: Training | ZeroShotTraining, recipe: Recipe, scene: Scene) -> str:
    """Tell every stored report, then train to the end; return the state."""
    told = set(tell(scene.log.read()).sweep.trials[TRAINING].reports)

    def note(report: Report) -> None:
        # After damage to the newest state, steps that were told already are computed again.
        if report.step not in told:
            fields = report.told_by(f"{scene.name}/{TRAINING}").as_dict()
            metrics = {metric: plain(value) for metric, value in report.metrics.items()}
            scene.write({"do": "report", "trial": TRAINING, **fields, "metrics": metrics})

    for report in training.reports:
        note(report)
    try:
        while training.step < recipe.steps:
            note(training.advance())
    except Interrupted as stop:
        return _finish(scene, "INTERRUPTED", str(stop))
    except TrainingDiverged as error:
        text = str(error)
        end = {"do": "end", "trial": TRAINING, "state": "FAILED", "weights": None, "error": text}
        scene.write({**end, "step": training.step, "time": time.time()})
        return _finish(scene, "FAILED", text)
    weights, now = training.reports[-1].weights, time.time()
    result = {"do": "result", "trial": TRAINING, "weights": weights, "step": training.step}
    end = {"do": "end", "trial": TRAINING, "state": "COMPLETE", "weights": weights}
    scene.write({**result, "time": now}, {**end, "step": training.step, "time": now})
    return _finish(scene, "COMPLETE", "")


def _finish(scene: Scene, state: str, reason: str) -> str:
    scene.write({"do": "finish", "state": state, "reason": reason, "time": time.time()})
    return state


@contextmanager
def _stopped_by_signals(training: Training | ZeroShotTraining) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a request to save and stop; a second one ends."""

    def ask(number: int, frame: FrameType | None) -> None:
        training.request_stop()
        signal.signal(number, signal.default_int_handler)

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
