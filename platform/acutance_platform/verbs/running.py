"""`sweep`, `resume` and `train`: run, record, and say what came of it."""

import json
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import yaml

from acutance_platform.recipe import Recipe, build_recipe, refuse
from acutance_platform.search.fold import Record, plain
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.tracking import Recorder, describe_environment, tracking_server
from acutance_platform.training import (
    Interrupted,
    Pairs,
    Report,
    Training,
    TrainingDiverged,
    device_of,
    machine_kind,
    measure,
)
from acutance_platform.verbs.files import File, read_recipe, read_sweep
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.journals import (
    TRAINING,
    Log,
    Told,
    check_name,
    open_sweep,
    sole_driver,
    tell,
)
from acutance_platform.verbs.plans import base_recipe, spec_of, sweep_plan
from acutance_storage import open_dataset

Watch = Callable[[Record], object]
Resume = Literal["never", "auto"]


@dataclass(frozen=True)
class Outcome:
    """How a sweep or training ended."""

    name: str
    """Of the sweep or training."""
    state: str
    """COMPLETE, STOPPED, FAILED or INTERRUPTED."""
    told: Told
    """What its journal says."""
    untracked: list[str]
    """What MLflow lacks, one line each; the journal has it, and a resume sends it."""
    notes: list[str] = field(default_factory=list)
    """What the user may not expect, one line each."""


def sweep(
    path: StrPath,
    *,
    name: str | None = None,
    sets: Iterable[str] = (),
    resume: Resume = "never",
    watch: Watch | None = None,
    home: Home | None = None,
) -> Outcome:
    """Run the search that a sweep file describes.

    Args:
        path: The sweep file.
        name: Of the sweep; the experiment folder's name unless given.
        sets: `path=value` settings over the file.
        resume: `auto` goes on with an unfinished sweep of this name and reports a finished one.
        watch: Called with each record of the journal.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If the file cannot be used, or the name exists and `resume` is `never`.
    """
    home = home or open_home()
    file, _ = read_sweep(Path(path), sets, home)
    name = name or file.name
    known = _existing(name, home, resume)
    if known is not None:
        return _go_on_with(file, name, known, home, watch)
    return _run_sweep(name, spec_of(file), home, watch, file.question)


def train(
    path: StrPath,
    *,
    name: str | None = None,
    sets: Iterable[str] = (),
    resume: Resume = "never",
    watch: Watch | None = None,
    home: Home | None = None,
) -> Outcome:
    """Run one recipe in this process; arguments as for `sweep`.

    Raises:
        RecipeErrors: As for `sweep`.
    """
    home = home or open_home()
    file = read_recipe(Path(path), sets, home)
    name = name or file.name
    known = _existing(name, home, resume)
    if known is not None:
        return _go_on_with(file, name, known, home, watch)
    return _run_training(name, spec_of(file), home, watch, file.question)


def resume(name: str, *, watch: Watch | None = None, home: Home | None = None) -> Outcome:
    """Go on with an interrupted sweep or training; a finished one is only reported.

    Raises:
        RecipeErrors: If there is none of that name.
    """
    home = home or open_home()
    return _go_on(name, open_sweep(home.store, name), home, watch)


def finished(told: Told) -> bool:
    """Return whether nothing is left to do."""
    return told.sweep.finished not in (None, "INTERRUPTED")


def trial_recipe(told: Told, trial: str) -> Recipe:
    """Return the complete recipe of a trial.

    Raises:
        RecipeErrors: If it cannot be built any more, for example without its plug-in.
    """
    spec = dict(told.sweep.spec)
    search = spec.pop("search", None)
    if search is None:
        return build_recipe(spec)
    space = parse_space(search["space"])
    outcome = space.replay(told.sweep.trials[trial].assignment, spec)
    return build_recipe(apply_to(spec, outcome.apply))


def _existing(name: str, home: Home, resume: Resume) -> Told | None:
    check_name(name)
    records = Log(home.store, name).read()
    if not records:
        return None
    if resume == "auto":
        return tell(records)
    raise refuse(
        "--name",
        name,
        "a sweep or training of this name exists",
        f"Go on with `acutance resume {name}`, add --resume auto, or choose another --name.",
    )


def _go_on_with(file: File, name: str, told: Told, home: Home, watch: Watch | None) -> Outcome:
    """Go on with what a file began; it goes on as it began, whatever the file says by now."""
    if (file.search is None) != (told.sweep.search is None):
        kinds = (
            ("a training", "a sweep") if told.sweep.search is None else ("a sweep", "a training")
        )
        rule = f"this name belongs to {kinds[0]}, and {file.path} describes {kinds[1]}"
        raise refuse("--name", name, rule, "Choose another --name.")
    outcome = _go_on(name, told, home, watch)
    if spec_of(file) == told.sweep.spec:
        return outcome
    note = (
        f"{name} began with other values than {file.path} has now, and keeps those. For the new"
        " ones choose another --name."
    )
    return replace(outcome, notes=[note])


def _go_on(name: str, told: Told, home: Home, watch: Watch | None) -> Outcome:
    if finished(told):
        untracked = [] if told.shipped else _send_again(name, told, home)
        return Outcome(name, told.sweep.state, told, untracked)
    run = _run_sweep if told.sweep.search is not None else _run_training
    return run(name, dict(told.sweep.spec), home, watch, told.question)


def _send_again(name: str, told: Told, home: Home) -> list[str]:
    """Send MLflow what a driver that finished did not live to send; return what it still lacks."""
    recipe, single = base_recipe(dict(told.sweep.spec)), told.sweep.search is None
    with (
        sole_driver(home.local, name),
        _recorded(name, recipe, home, None, told.question, single=single) as scene,
    ):
        pass
    return scene.untracked


def _run_sweep(
    name: str, spec: dict[str, Any], home: Home, watch: Watch | None, question: str
) -> Outcome:
    # Ray takes seconds to import and is needed here alone.
    from acutance_platform.sweep.driver import run_sweep

    plan, recipe = sweep_plan(name, spec, home), base_recipe(spec)
    with (
        sole_driver(home.local, name),
        _recorded(name, recipe, home, watch, question, single=False) as scene,
    ):
        state = run_sweep(
            plan, journal=scene.log, store=home.store, local=home.local, on_event=scene.tell
        )
    return Outcome(name, state, tell(scene.log.read()), scene.untracked)


def _run_training(
    name: str, spec: dict[str, Any], home: Home, watch: Watch | None, question: str
) -> Outcome:
    recipe = base_recipe(spec)
    with (
        sole_driver(home.local, name),
        _recorded(name, recipe, home, watch, question, single=True) as scene,
    ):
        state = _training(name, spec, recipe, home, scene)
    return Outcome(name, state, tell(scene.log.read()), scene.untracked)


class _Scene:
    """What a run writes to: its journal, the recorder and whoever watches."""

    def __init__(
        self,
        name: str,
        log: Log,
        recorder: Recorder,
        watch: Watch | None,
        opening: Callable[[], list[Record]],
    ) -> None:
        self.name = name
        self.log = log
        self.recorder = recorder
        self.untracked: list[str] = []
        self._watch = watch
        self._opening = opening

    def tell(self, record: Record) -> None:
        """Pass on a record that is in the journal; the first start adds what opens a journal."""
        self.recorder.feed(record)
        if self._watch is not None:
            self._watch(record)
        if record["do"] == "start":
            self.write(*self._opening())

    def write(self, *records: Record) -> None:
        """Put records into the journal, then pass them on."""
        if records:
            self.log.append(*records)
        for record in records:
            self.tell(record)


@contextmanager
def _recorded(
    name: str, recipe: Recipe, home: Home, watch: Watch | None, question: str, *, single: bool
) -> Iterator[_Scene]:
    """Record a run in MLflow while the block runs; the server starts beside the training."""
    log = Log(home.store, name)
    earlier = log.read()
    fresh = not tell(earlier).baseline

    def opening() -> list[Record]:
        if not fresh:
            return []
        about = {"do": "about", "question": question, "time": time.time()}
        return [about, _baseline(recipe, home)]

    def on_run(trial: str, run_id: str) -> None:
        log.append({"do": "run", "trial": trial, "run_id": run_id, "time": time.time()})

    with tracking_server(home.local) as where:
        recorder = Recorder(where, name=name, records=earlier, single=single, on_run=on_run)
        scene = _Scene(name, log, recorder, watch, opening)
        try:
            # At every start: a driver that was killed before it shipped them left none.
            _attach_papers(recorder, recipe, single)
            yield scene
        finally:
            scene.untracked = recorder.close()
        if not scene.untracked:
            log.append({"do": "shipped", "time": time.time()})


def _attach_papers(recorder: Recorder, recipe: Recipe, single: bool) -> None:
    """Attach what a reader needs to repeat the run."""
    trial = TRAINING if single else None
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    recorder.artifact(trial, "recipe.yaml", text.encode())
    environment = describe_environment(dataset=recipe.data.dataset)
    recorder.artifact(trial, "environment.json", json.dumps(environment, indent=2).encode())


def _baseline(recipe: Recipe, home: Home) -> Record:
    """Measure bicubic; makes the LR pictures as well, before many trials want them at once."""
    pairs = Pairs(open_dataset(home.store, recipe.data.dataset), recipe, local=home.local)
    metrics = measure(None, pairs, recipe, device=device_of(recipe))
    return {"do": "baseline", "metrics": metrics, "time": time.time()}


def _training(name: str, spec: dict[str, Any], recipe: Recipe, home: Home, scene: _Scene) -> str:
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
    training = Training(
        recipe,
        store=home.store,
        local=home.local,
        machine=machine_kind(recipe),
        owner=f"{name}/{TRAINING}",
    )
    if TRAINING not in known.sweep.trials:
        rungs = [recipe.steps]
        scene.write(
            {
                "do": "ask",
                "trial": TRAINING,
                "assignment": {},
                "recipe": {},
                "attrs": {},
                "rungs": rungs,
                "stage": training.key,
                "time": now,
            }
        )
    with _stopped_by_signals(training):
        return _advance(training, recipe, scene)


def _advance(training: Training, recipe: Recipe, scene: _Scene) -> str:
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


def _finish(scene: _Scene, state: str, reason: str) -> str:
    scene.write({"do": "finish", "state": state, "reason": reason, "time": time.time()})
    return state


@contextmanager
def _stopped_by_signals(training: Training) -> Iterator[None]:
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
