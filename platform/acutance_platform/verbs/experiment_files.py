"""`experiment.yaml`: what an experiment runs, measures, tables and draws."""

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from acutance_platform.recipe import Problem, RecipeErrors, load_document, problems_of, refuse
from acutance_platform.report.answers import Figure, Table
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.experiment_data import Mapped

FILE: Final = "experiment.yaml"
RESULTS: Final = "results.json"
README: Final = "README.md"
_OPTIONS: Final = {*inspect.signature(evaluate).parameters, "trials"} - {"model", "home"}
_FOLDERS: Final = ("data", "lr", "maps")


class Experiment(BaseModel):
    """What stands in `experiment.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    sweeps: list[str] = ["sweep.yaml"]
    """Sweep files beside this one, in the order in which they run."""
    pictures: dict[str, str] = {"data.dataset": "train/bsds500_train"}
    """Recipe path -> folder below `--pictures` that takes the place of what the sweeps name."""
    datasets: dict[str, Mapped] = {}
    """Name that sweep files give their dataset -> pictures with segmentation maps. A sweep whose
    dataset lies below `--pictures` is left out without it."""
    files: dict[str, str] = {}
    """Published file -> its place below `--pictures`; one that the store lacks is taken from there,
    or fetched as by `acutance fetch`."""
    measure: dict[str, dict[str, Any]] = {}
    """Name -> arguments of `evaluate`, for the last weights of every trial. Folders lie below
    `--pictures`, and are left out without it; one that starts with `.` lies beside this file.
    With `trials: false` bicubic alone is measured."""
    tables: dict[str, Table] = {}
    """Name -> table of the README."""
    figures: dict[str, Figure] = {}
    """Name -> picture NAME.png beside the README."""


@dataclass(frozen=True)
class Folder:
    """An experiment's folder, read."""

    path: Path
    """Where it lies."""
    experiment: Experiment
    """What its file says."""
    asks: str
    """Hash of all that decides results: sweeps with their bases, pictures, measurements."""

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.path.resolve().name


def read_folder(path: Path) -> Folder:
    """Read an experiment's folder.

    Raises:
        RecipeErrors: With every problem of its `experiment.yaml`, or what it lacks.
    """
    for needed in (FILE, README):
        if not (path / needed).is_file():
            rule = f"an experiment is a folder with {FILE}, {README} and a sweep file"
            raise refuse(str(path / needed), None, rule, "Name such a folder, or add the file.")
    document = load_document(path / FILE)
    try:
        experiment = Experiment.model_validate(document.raw)
    except ValidationError as error:
        raise RecipeErrors(document.placed(problems_of(error, Experiment))) from None
    problems = [*_sweep_problems(experiment, path), *_measure_problems(experiment)]
    if problems:
        raise RecipeErrors(document.placed(problems))
    asked = {
        "sweeps": {name: load_document(path / name).raw for name in experiment.sweeps},
        "pictures": experiment.pictures,
        "measure": experiment.measure,
    }
    if experiment.datasets:
        asked["datasets"] = {name: each.model_dump() for name, each in experiment.datasets.items()}
    text = json.dumps(asked, sort_keys=True)
    return Folder(path, experiment, hashlib.sha256(text.encode()).hexdigest())


def settings(folder: Folder, pictures: Path | None) -> list[str]:
    """Return the `path=value` settings of its sweeps.

    Raises:
        RecipeErrors: If `--pictures` lacks a folder.
    """
    if pictures is None:
        return []
    found = []
    for path, below in folder.experiment.pictures.items():
        if not (pictures / below).is_dir():
            rule = f"{folder.name} learns from its folder {below}, which is not there"
            way_out = "Name a folder that has it, or leave --pictures out."
            raise refuse("--pictures", str(pictures), rule, way_out)
        found.append(f"{path}={(pictures / below).resolve()}")
    return found


def settings_of(
    folder: Folder, file: str, sets: Sequence[str], stored: Mapping[str, str]
) -> list[str] | None:
    """Return the settings of one sweep file, None where its dataset is not to be had.

    Args:
        folder: Of the experiment.
        file: Name of the sweep file.
        sets: Settings of all its sweeps.
        stored: Name -> NAME@VERSION of its datasets that are in the store.
    """
    named = load_document(folder.path / file).raw.get("data", {}).get("dataset")
    if named not in folder.experiment.datasets:
        return list(sets)
    return [*sets, f"data.dataset={stored[named]}"] if named in stored else None


def measurements(folder: Folder, pictures: Path | None) -> dict[str, dict[str, Any]]:
    """Return name -> arguments of `evaluate`, with folders that are there.

    Raises:
        RecipeErrors: If a folder is not there.
    """
    found = {}
    for name, said in folder.experiment.measure.items():
        if pictures is None and not str(said["data"]).startswith("."):
            continue
        placed = {key: _placed(folder, pictures, name, key, value) for key, value in said.items()}
        found[name] = placed
    return found


def _placed(folder: Folder, pictures: Path | None, name: str, key: str, value: Any) -> Any:
    if key not in _FOLDERS or value is None:
        return value
    place = f"{folder.path / FILE}: measure.{name}.{key}"
    beside = str(value).startswith(".")
    if pictures is None and not beside:
        raise refuse(place, value, "there is no --pictures", "Give it, or write ./ in front.")
    found = (folder.path if beside or pictures is None else pictures) / str(value)
    if not found.exists():
        raise refuse(place, value, f"{found} is not there", "Name a folder that is.")
    return str(found)


def _sweep_problems(experiment: Experiment, path: Path) -> Iterator[Problem]:
    if not experiment.sweeps:
        yield Problem("sweeps", "[]", "an experiment runs at least one sweep", "Name a file.")
    for index, name in enumerate(experiment.sweeps):
        if not (path / name).is_file():
            rule = "this is a sweep file beside experiment.yaml"
            yield Problem(f"sweeps.{index}", name, rule, "Check its spelling.")


def _measure_problems(experiment: Experiment) -> Iterator[Problem]:
    for name, said in experiment.measure.items():
        place = f"measure.{name}"
        if "data" not in said:
            yield Problem(place, "", "a measurement names its pictures", "Add data: FOLDER.")
        if "/" in name:
            rule = "a measurement's name stands before the slash of its metrics"
            yield Problem(place, name, rule, "Choose a name without a slash.")
        for key in sorted(set(said) - _OPTIONS):
            rule = f"a measurement has the options {', '.join(sorted(_OPTIONS))}"
            yield Problem(f"{place}.{key}", key, rule, "Check its spelling.")


def results_fit(folder: Folder, results: Mapping[str, Any] | None) -> bool:
    """Whether stored results answer what the folder's files ask now."""
    return results is not None and results.get("asks") == folder.asks
