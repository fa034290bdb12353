"""`sweep`, `resume` and `train`: run, record, and say what came of it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from acutance_platform.recipe import refuse
from acutance_platform.search.fold import Record
from acutance_platform.search.requests import asker
from acutance_platform.search.spending import topped_up
from acutance_platform.verbs.clusters import on_cluster, raw_recipe
from acutance_platform.verbs.files import File, read_recipe, read_sweep, sweep_name
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.journals import (
    Log,
    Told,
    check_name,
    finished,
    is_name,
    open_sweep,
    sole_driver,
    tell,
)
from acutance_platform.verbs.plans import base_recipe, spec_of, sweep_plan, warm_records
from acutance_platform.verbs.points import missing_points, points_between
from acutance_platform.verbs.recording import Scene, Watch, recorded
from acutance_platform.verbs.solo import run_alone

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
    address: str | None = None,
    watch: Watch | None = None,
    home: Home | None = None,
) -> Outcome:
    """Run the search that a sweep file describes.

    Args:
        path: The sweep file.
        name: Of the sweep; the experiment folder's name unless given.
        sets: `path=value` settings over the file.
        resume: `auto` goes on with an unfinished sweep of this name and reports a finished one.
        address: Of a Ray cluster that runs already; None takes RAY_ADDRESS, else this machine.
        watch: Called with each record of the journal, those of earlier sessions first.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If the file cannot be used, or the name exists and `resume` is `never`.
        SweepError: If the cluster cannot be used.
    """
    path, sets, home = Path(path), tuple(sets), home or open_home()
    name = name or sweep_name(path)
    begun = resume == "auto" and is_name(name) and Log(home.store, name).read()
    with _held(home, name, tell(begun) if begun else None):
        home = on_cluster(home, address, raw_recipe(path, sets))
    file, search = read_sweep(path, sets, home)
    known = _existing(name, home, resume)
    if known is not None:
        return _go_on_with(file, name, known, home, watch)
    warm_records(search, file.recipe.model_dump(mode="json"), home)
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


def resume(
    name: str,
    *,
    budget: Iterable[str] = (),
    address: str | None = None,
    watch: Watch | None = None,
    home: Home | None = None,
) -> Outcome:
    """Go on with an interrupted sweep or training; a finished one is only reported.

    Args:
        name: Of the sweep or training.
        budget: New limits, `KEY=NUMBER` or `KEY=+NUMBER` above the present one. With them a sweep
            that has ended goes on: trials that were STOPPED for want of budget, and new ones.
        address: As for `sweep`.
        watch: Called with each record of the journal, those of earlier sessions first.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If there is none of that name, or the budget cannot be used.
        SweepError: If the cluster cannot be used.
    """
    home, asked = home or open_home(), list(budget)
    told = open_sweep(home.store, name)
    if told.sweep.search is not None and (asked or not finished(told)):
        with _held(home, name, told):
            home = on_cluster(home, address, told.sweep.spec)
    if not asked:
        return _go_on(name, told, home, watch)
    if told.sweep.search is None:
        raise refuse("--budget", name, "a single training has no budget", "Leave --budget out.")
    limits = topped_up(told.sweep, asked).model_dump()
    record = {"do": "budget", "budget": limits, "by": asker(), "time": time.time()}
    return _run_sweep(name, dict(told.sweep.spec), home, watch, told.question, record)


@contextmanager
def _held(home: Home, name: str, told: Told | None) -> Iterator[None]:
    """Hold a sweep that has begun: a second driver is told before it asks a cluster's nodes."""
    if told is None or finished(told):
        yield
        return
    with sole_driver(home, name):
        yield


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
        complete = told.shipped and not missing_points(told, home)
        untracked = [] if complete else _finish_again(name, told, home)
        return Outcome(name, told.sweep.state, open_sweep(home.store, name), untracked)
    run = _run_sweep if told.sweep.search is not None else _run_training
    return run(name, dict(told.sweep.spec), home, watch, told.question)


def _finish_again(name: str, told: Told, home: Home) -> list[str]:
    """Do what a driver that finished did not live to do; return what MLflow still lacks."""
    recipe, single = base_recipe(dict(told.sweep.spec)), told.sweep.search is None
    with (
        sole_driver(home, name),
        recorded(name, recipe, home, None, told.question, single=single) as scene,
    ):
        _add_points(scene, home)
    return scene.untracked


def _add_points(scene: Scene, home: Home) -> None:
    """Journal each point between trials of the front as soon as it is measured."""
    for record in points_between(tell(scene.log.read()), home):
        scene.write(record)


def _run_sweep(
    name: str,
    spec: dict[str, Any],
    home: Home,
    watch: Watch | None,
    question: str,
    *first: Record,
) -> Outcome:
    # Ray takes seconds to import and is needed here alone.
    from acutance_platform.sweep.driver import run_sweep

    plan, recipe = sweep_plan(name, spec, home), base_recipe(spec)
    with (
        sole_driver(home, name),
        recorded(name, recipe, home, watch, question, single=False) as scene,
    ):
        scene.write(*first)
        state = run_sweep(
            plan,
            journal=scene.log,
            store=home.store,
            local=home.local,
            on_event=scene.tell,
            address=home.address,
        )
        _add_points(scene, home)
    return Outcome(name, state, tell(scene.log.read()), scene.untracked)


def _run_training(
    name: str, spec: dict[str, Any], home: Home, watch: Watch | None, question: str
) -> Outcome:
    recipe = base_recipe(spec)
    with (
        sole_driver(home, name),
        recorded(name, recipe, home, watch, question, single=True) as scene,
    ):
        state = run_alone(name, spec, recipe, home, scene)
    return Outcome(name, state, tell(scene.log.read()), scene.untracked)
