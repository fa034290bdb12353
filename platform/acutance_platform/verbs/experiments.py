"""`experiment`: run what an experiment's folder asks, keep the results, write its tables."""

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acutance_platform.recipe import refuse
from acutance_platform.report.answer_figures import figure_png
from acutance_platform.report.answers import ran_at_all, written
from acutance_platform.search.numbers import plain
from acutance_platform.tracking import describe_environment
from acutance_platform.verbs import running
from acutance_platform.verbs.experiment_data import get_files, stored_datasets
from acutance_platform.verbs.experiment_files import (
    README,
    RESULTS,
    Folder,
    measurements,
    read_folder,
    results_fit,
    settings,
    settings_of,
)
from acutance_platform.verbs.experiment_measures import bicubic_values, pinned, trial_values
from acutance_platform.verbs.experiment_trials import cost_of, front_points, trials_of
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.journals import Log, Told
from acutance_platform.verbs.recording import Watch
from acutance_platform.verbs.written import write_whole

Say = Callable[[str], None]
_SCHEMA = 1


@dataclass(frozen=True)
class Answered:
    """What became of an experiment."""

    name: str
    """The experiment's."""
    results: Mapping[str, Any] | None
    """What `results.json` holds; None where it was interrupted."""
    ran: bool
    """Whether anything was run: False where stored results fit."""
    failed: list[str]
    """Trials without a result, as `SWEEP/TRIAL: error`."""


def experiment(
    path: StrPath,
    *,
    pictures: StrPath | None = None,
    again: bool = False,
    address: str | None = None,
    watch: Watch | None = None,
    say: Say | None = None,
    home: Home | None = None,
) -> Answered:
    """Run an experiment to its answer: sweeps, measurements, results, tables, figures.

    What was interrupted goes on; results that fit the folder's files are only shown again.

    Args:
        path: The experiment's folder.
        pictures: Folder with the pictures that `experiment.yaml` names; None takes those that its
            sweeps name, and leaves measurements on others out.
        again: Run it although its results are there.
        address: Of a Ray cluster that runs already; None takes RAY_ADDRESS, else this machine.
        watch: Called with each record of the sweeps' journals.
        say: Called with a line where something begins.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: With every problem of the folder's files.
    """
    folder, home, say = read_folder(Path(path)), home or open_home(), say or (lambda _: None)
    known = read_results(folder)
    if results_fit(folder, known) and not again:
        render(folder, known)
        return Answered(folder.name, known, False, _failed(known or {}))
    below = Path(pictures) if pictures is not None else None
    sets, asked = settings(folder, below), measurements(folder, below)
    get_files(folder.experiment.files, below, home, say)
    stored = stored_datasets(folder.experiment.datasets, folder.path, below, home)
    told: dict[str, Told] = {}
    for file in folder.experiment.sweeps:
        own = settings_of(folder, file, sets, stored)
        if own is None:
            say(f"{folder.name}: {file} is left out: its dataset lies below --pictures")
            continue
        name = _sweep_name(folder, file, sets, again, known, home)
        say(f"{folder.name}: sweep {name}")
        outcome = running.sweep(
            folder.path / file,
            name=name, sets=own, resume="auto", address=address, watch=watch, home=home,
        )  # fmt: skip
        if outcome.state == "INTERRUPTED":
            return Answered(folder.name, None, True, [])
        told[Path(file).stem] = outcome.told
    results = _results(folder, told, asked, below is not None, home, say)
    content = json.dumps(results, indent=1, allow_nan=False) + "\n"
    write_whole(content.encode(), folder.path / RESULTS)
    render(folder, results)
    return Answered(folder.name, results, True, _failed(results))


def read_results(folder: Folder) -> dict[str, Any] | None:
    """Return what `results.json` holds, None where there is none.

    Raises:
        RecipeErrors: If it is damaged or of a newer version.
    """
    file = folder.path / RESULTS
    if not file.exists():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("schema") != _SCHEMA:
        rule = f"this is not a results file of schema {_SCHEMA}"
        raise refuse(str(file), None, rule, "Bring it back from version control, or remove it.")
    return found


def render(folder: Folder, results: Mapping[str, Any] | None) -> None:
    """Write the README's tables and the figures from stored results.

    Raises:
        RecipeErrors: If there are none, the README lacks a mark, or a figure has nothing to show.
    """
    if results is None:
        way_out = f"Run `acutance experiment {folder.path}` first."
        raise refuse(str(folder.path / RESULTS), None, "there are no results yet", way_out)
    for name, content in pages(folder, results).items():
        file = folder.path / name
        if not file.exists() or file.read_bytes() != content:
            write_whole(content, file)


def pages(folder: Folder, results: Mapping[str, Any]) -> dict[str, bytes]:
    """Return file -> content of the README and the figures, as the results make them.

    Raises:
        RecipeErrors: As `render`.
    """
    readme = folder.path / README
    try:
        text = readme.read_text(encoding="utf-8")
        made = {README: written(text, results, folder.experiment.tables, ran(results)).encode()}
    except ValueError as error:
        raise refuse(str(readme), None, f"it lacks {error}", "Add them.") from None
    for name, figure in folder.experiment.figures.items():
        if not ran_at_all(results, figure):
            continue
        try:
            made[f"{name}.png"] = figure_png(results, figure)
        except ValueError as error:
            raise refuse(f"figures.{name}", None, str(error), "Mend experiment.yaml.") from None
    return made


def ran(results: Mapping[str, Any]) -> str:
    """Return when, how and on what an experiment was run, a paragraph of Markdown."""
    where, costs = results["environment"], results["sweeps"].values()
    versions = where["packages"]
    minutes = 60 * sum(cost["cpu_hours"] for cost in costs)
    wall = 60 * sum(cost["wall_hours"] for cost in costs)
    machine = where["machine"]
    cards = f", {', '.join(machine['gpus'])}" if machine["gpus"] else ""
    return (
        f"Run on {results['date']} by `{results['command']}`: {len(results['trials'])} trainings,"
        f" {minutes:.1f} CPU-minutes, {wall:.1f} minutes; {machine['processor']},"
        f" {machine['cores']} cores{cards}; Python {where['python']}, torch {versions['torch']};"
        f" pictures {where['dataset']}. All numbers: [{RESULTS}]({RESULTS})."
    )


def _sweep_name(
    folder: Folder,
    file: str,
    sets: list[str],
    again: bool,
    known: Mapping[str, Any] | None,
    home: Home,
) -> str:
    """Return the sweep's name: of its own for other files or pictures, and for another run."""
    stem = Path(file).stem
    plainly = folder.name if stem == "sweep" else f"{folder.name}-{stem}"
    kind = "-on-pictures" if sets else ""
    first = f"{plainly}{kind}-{folder.asks[:8]}"
    done = {cost["name"] for cost in known["sweeps"].values()} if again and known else set[str]()
    names = (first if n == 1 else f"{first}-{n}" for n in range(1, 10**6))
    return next(n for n in names if n not in done or not Log(home.store, n).read())


def _results(
    folder: Folder,
    told: Mapping[str, Told],
    asked: Mapping[str, Mapping[str, Any]],
    pictured: bool,
    home: Home,
    say: Say,
) -> dict[str, Any]:
    trials = [entry for stem, each in told.items() for entry in trials_of(stem, each)]
    first = next(iter(told.values()))
    baselines = {
        stem: {k: plain(v) for k, v in each.baseline.items()} for stem, each in told.items()
    }
    for name, said in asked.items():
        options = {key: value for key, value in said.items() if key != "trials"}
        options = pinned(options, f"measure.{name}", folder.path, home)
        measured = trials if said.get("trials", True) else []
        say(f"{folder.name}: measuring bicubic and {len(measured)} trials on {name}")
        for stem, each in told.items():
            scale = each.sweep.spec["scale"]
            baselines[stem] |= bicubic_values(scale, name, options, home)
        for trial in measured:
            if trial["weights"] is not None:
                own = told[trial["sweep"]]
                trial["values"] |= trial_values(own, trial["trial"], name, options, home)
    called = f"experiments/{folder.name}"
    dataset = first.sweep.spec.get("data", {}).get("dataset")
    return {
        "schema": _SCHEMA,
        "experiment": folder.name,
        "asks": folder.asks,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"acutance experiment {called}" + (" --pictures FOLDER" if pictured else ""),
        "environment": describe_environment(folder.path, dataset=dataset),
        "sweeps": {stem: cost_of(each) for stem, each in told.items()},
        "baselines": baselines,
        "fronts": {stem: front_points(each) for stem, each in told.items()},
        "trials": trials,
    }


def _failed(results: Mapping[str, Any]) -> list[str]:
    return [
        f"{trial['sweep']}/{trial['trial']}: {' '.join(trial['error']) or trial['state']}"
        for trial in results.get("trials", ())
        if trial["state"] == "FAILED"
    ]
