"""Suites: named, versioned lists of datasets and a protocol, `experiments/suites/NAME.yaml`."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from acutance_models import ModelsError, find_protocol
from acutance_platform.recipe import (
    Document,
    Problem,
    RecipeErrors,
    load_document,
    problems_of,
    refuse,
)
from acutance_platform.recipe.schema import Part
from acutance_storage import BlobStore, DatasetError, open_dataset

FOLDER = Path("experiments/suites")
"""Where suites lie, below the working folder."""


class Pictures(Part):
    """One dataset of a suite."""

    dataset: str = Field(min_length=1)
    """NAME or NAME@VERSION of a stored dataset."""
    split: Literal["all", "train", "validation", "test"] = "all"
    """Which of its pictures."""


class SuiteFile(Part):
    """A list of datasets and how they are measured."""

    protocol: str = "rcan"
    """Degradation, colour, rounding and border, by name."""
    datasets: list[Pictures] = Field(min_length=1)
    """What is measured on."""


@dataclass(frozen=True)
class Suite:
    """A suite whose datasets are in the store.

    Attributes:
        name: Of its file.
        version: Twelve digits of the hash of protocol and whole versions of all datasets: other
            pictures or another protocol are another version.
        protocol: By name.
        sets: (NAME@VERSION, split) each.
    """

    name: str
    version: str
    protocol: str
    sets: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"


def suite_names(folder: Path = FOLDER) -> list[str]:
    """Return the names of the suites that lie there, sorted."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def load_suite(name: str, store: BlobStore, folder: Path = FOLDER) -> Suite:
    """Return a suite with the versions of its datasets.

    Args:
        name: Of a file in `folder`, or a path that ends with .yaml.
        store: Where the datasets lie.
        folder: Where suites lie.

    Raises:
        RecipeErrors: If there is none, if its file is wrong, or datasets are missing; all at once.
    """
    document, file = _file(name, folder)
    problems, sets = list[Problem](), list[tuple[str, str]]()
    try:
        find_protocol(file.protocol)
    except ModelsError as error:
        rule, _, way_out = str(error).partition(". ")
        problems.append(Problem("protocol", repr(file.protocol), rule, way_out))
    for index, each in enumerate(file.datasets):
        place = f"datasets.{index}"
        try:
            dataset = open_dataset(store, each.dataset)
        except DatasetError as error:
            way_out = f"`acutance data add {each.dataset.partition('@')[0]} FOLDER`."
            problems.append(Problem(place, repr(each.dataset), str(error), f"Add it: {way_out}"))
            continue
        if not dataset.indices(each.split):
            rule = f"dataset {dataset.name} has no picture in split '{each.split}'"
            problems.append(Problem(place, repr(each.split), rule, "Name another split."))
        sets.append((f"{dataset.name}@{dataset.version}", each.split))
    if problems:
        raise RecipeErrors(document.placed(problems))
    content = json.dumps([file.protocol, sets]).encode()
    version = hashlib.sha256(content).hexdigest()[:12]
    return Suite(document.path.stem, version, file.protocol, tuple(sets))


def present_suites(store: BlobStore, folder: Path = FOLDER) -> tuple[list[Suite], list[str]]:
    """Return the suites whose datasets are all in the store, and a note for each other one.

    Raises:
        RecipeErrors: If a suite's file is wrong.
    """
    found, notes = list[Suite](), list[str]()
    for name in suite_names(folder):
        _, file = _file(name, folder)
        missing = [each.dataset for each in file.datasets if not _is_there(store, each.dataset)]
        if missing:
            notes.append(f"suite {name} does not count: {', '.join(missing)} not in the store")
        else:
            found.append(load_suite(name, store, folder))
    return found, notes


def _file(name: str, folder: Path) -> tuple[Document, SuiteFile]:
    path = Path(name) if name.endswith(".yaml") else folder / f"{name}.yaml"
    if not path.exists():
        known = ", ".join(suite_names(folder)) or "none yet"
        raise refuse("--suite", name, f"there is no {path}", f"Suites here: {known}.")
    document = load_document(path)
    try:
        return document, SuiteFile.model_validate(document.raw)
    except ValidationError as error:
        raise RecipeErrors(document.placed(problems_of(error, SuiteFile))) from None


def _is_there(store: BlobStore, name: str) -> bool:
    try:
        open_dataset(store, name)
    except DatasetError:
        return False
    return True
