"""What a run writes to while it runs: its journal, MLflow, and whoever watches."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import yaml

from acutance_models import build_metrics
from acutance_platform.recipe import Recipe
from acutance_platform.search.fold import Record
from acutance_platform.tracking import (
    Recorder,
    describe_environment,
    git_state,
    origin_record,
    read_changes,
    same_origin,
    tracking_server,
)
from acutance_platform.training import Pairs, device_here, files_of_metrics, machine_kind, measure
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import TRAINING, Log, Told, tell
from acutance_platform.verbs.plans import trial_recipe
from acutance_platform.verbs.strips import model_strips
from acutance_storage import open_dataset

Watch = Callable[[Record], object]


class Scene:
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
def recorded(
    name: str, recipe: Recipe, home: Home, watch: Watch | None, question: str, *, single: bool
) -> Iterator[Scene]:
    """Record a run in MLflow while the block runs; the server starts beside the training."""
    log = Log(home.store, name)
    earlier = log.read()
    fresh = not tell(earlier).baseline

    def opening() -> list[Record]:
        machine = machine_kind(recipe, home.facts).as_dict()
        about = origin_record(Path.cwd(), machine, question)
        before: list[Record] = [each for each in earlier if each["do"] == "about"]
        # Code, versions or machine may be others than those of the session before.
        told = [] if before and same_origin(before[-1], about) else [about]
        return [*told, _baseline(recipe, home)] if fresh else told

    def on_run(trial: str, run_id: str) -> None:
        log.append({"do": "run", "trial": trial, "run_id": run_id, "time": time.time()})

    with tracking_server(home.local) as where:
        recorder = Recorder(where, name=name, records=earlier, single=single, on_run=on_run)
        scene = Scene(name, log, recorder, watch, opening)
        if watch is not None:
            for record in earlier:
                watch(record)
        try:
            # At every start: a driver that was killed before it shipped them left none.
            _attach_papers(recorder, recipe, single)
            yield scene
            _attach_trials(recorder, tell(log.read()), home)
        finally:
            scene.untracked = recorder.close()
        if not scene.untracked:
            log.append({"do": "shipped", "time": time.time()})
        log.fold()


def _attach_papers(recorder: Recorder, recipe: Recipe, single: bool) -> None:
    """Attach what a reader needs to repeat the run."""
    trial = TRAINING if single else None
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    recorder.artifact(trial, "recipe.yaml", text.encode())
    environment = describe_environment(dataset=recipe.data.dataset)
    environment["code"] = git_state(Path(__file__).parent)  # `git` is the experiment's folder
    recorder.artifact(trial, "environment.json", json.dumps(environment, indent=2).encode())
    if changes := read_changes(Path.cwd()):
        recorder.artifact(trial, changes.name, changes.document())


def _attach_trials(recorder: Recorder, told: Told, home: Home) -> None:
    """Attach each trial's resolved recipe, and pictures to those that came to their end."""
    for name, trial in told.sweep.trials.items():
        if not trial.rungs:
            continue  # its recipe could not be built
        recipe = trial_recipe(told, name)
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
        recorder.artifact(name, "recipe.yaml", text.encode())
        if trial.ended == "COMPLETE" and trial.weights is not None:
            for picture, png in model_strips(recipe, {"SR": f"blob:{trial.weights}"}, home):
                recorder.artifact(
                    name, f"pictures/{PurePosixPath(picture).with_suffix('.png')}", png
                )


def _baseline(recipe: Recipe, home: Home) -> Record:
    """Measure bicubic; makes the LR pictures as well, before many trials want them at once."""
    pairs = Pairs(open_dataset(home.store, recipe.data.dataset), recipe, local=home.local)
    asked, device = recipe.evaluation.metrics, device_here(recipe)
    metrics = build_metrics(asked, files=files_of_metrics(asked, home.store), device=device)
    found = measure(None, pairs, recipe, metrics=metrics, device=device)
    return {"do": "baseline", "metrics": found, "time": time.time()}
