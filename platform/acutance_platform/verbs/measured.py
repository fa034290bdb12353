"""What `evaluate` measures, and on which pictures: a folder's, or a split's of a dataset."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from acutance_models import Entry, Metric, RegistryError, build_metrics, crop_to_multiple
from acutance_platform.recipe import (
    Problem,
    RecipeErrors,
    refuse,
    registry_problems,
    resolve_metrics,
)
from acutance_platform.training import files_of_metrics, metric_problems
from acutance_platform.verbs.home import Home, StrPath
from acutance_platform.verbs.maps import classes_of
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.upscaling import PICTURE_SUFFIXES
from acutance_storage import (
    AddReport,
    ImageDataset,
    Picture,
    add_dataset,
    open_dataset,
    open_store,
)


@dataclass(frozen=True)
class Item:
    """One picture to measure on."""

    name: str
    """Path below its folder."""
    hr: NDArray[np.uint8]
    """(H, W, 3), cropped top-left to a multiple of the scale."""
    lr: NDArray[np.uint8] | None
    """(H / scale, W / scale, 3) where LR pictures are given."""
    picture: Picture
    """What the dataset knows of it."""
    map: NDArray[np.uint8] | None
    """(H, W, classes) where network or metrics look at it and the dataset has maps."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What belongs to HR pictures: LR pictures and segmentation maps."""

    scale: int
    """HR side over LR side."""
    lr: Path | None
    """Folder of given LR pictures."""
    maps: Path | None
    """Folder of given maps."""
    classes: int | None
    """Classes of the maps that the network takes; None where it takes none."""
    mapped: bool
    """Whether the network or a metric looks at maps."""


def beside_of(
    model: Model,
    metrics: Mapping[str, Metric],
    scale: int,
    lr: StrPath | None,
    maps: StrPath | None,
) -> Beside:
    """Return what a model and metrics look at beside HR.

    Raises:
        RecipeErrors: If maps are given and nothing looks at them.
    """
    of_classes = any(metric.label is not None for metric in metrics.values())
    return Beside(
        scale=scale,
        lr=Path(lr) if lr is not None else None,
        maps=Path(maps) if maps is not None else None,
        classes=model.classes if maps is None or of_classes else classes_of(model, Path(maps)),
        mapped=of_classes or model.classes is not None,
    )


@contextmanager
def opened(
    data: str, split: str, beside: Beside, home: Home
) -> Iterator[tuple[str, ImageDataset, list[int]]]:
    """Give label, dataset and indices; a folder is a dataset of its own for as long as it takes."""
    folder = Path(data)
    if folder.is_dir():
        home.local.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.local, prefix="evaluate-") as scratch:
            store = open_store(scratch)
            report = add_dataset(
                store,
                "evaluate",
                folder,
                split={"*": "test"},
                lr=beside.lr,
                scale=beside.scale if beside.lr is not None else None,
                maps=beside.maps,
                classes=beside.classes if beside.maps is not None else None,
            )
            # A LICENCE.md beside the pictures is fine; a picture left out would change the mean.
            damaged = [
                Problem(f"{folder}/{file}", "", why, "Mend the file or take it out.")
                for file, why in report.skipped
                if Path(file).suffix.lower() in PICTURE_SUFFIXES
            ]
            if damaged:
                raise RecipeErrors(damaged)
            yield str(folder), report.dataset, _one_per_file(report)
        return
    if beside.lr is not None:
        rule = "given LR pictures go with a folder"
        raise refuse("--lr", str(beside.lr), rule, "Name the HR folder.")
    if beside.maps is not None:
        way_out = "Add the dataset with `acutance data add --maps`, or name the HR folder."
        raise refuse("--maps", str(beside.maps), "given maps go with a folder", way_out)
    dataset = open_dataset(home.store, data)
    indices = dataset.indices(split)
    if not indices:
        rule = f"dataset {dataset.name} has no picture in split '{split}'"
        raise refuse("--split", split, rule, "Choose another split.")
    yield f"{dataset.name}@{dataset.version[:12]}/{split}", dataset, indices


def _one_per_file(report: AddReport) -> list[int]:
    """Return the picture of every file; files of the same pixels count as often as they are."""
    place = {picture.name: index for index, picture in enumerate(report.dataset.pictures)}
    twins = [place[kept] for _, kept in report.duplicates]
    return sorted([*place.values(), *twins])


def read_item(dataset: ImageDataset, index: int, beside: Beside) -> Item:
    """Return a picture, its LR picture where this scale's is given, its map where one is taken."""
    picture = dataset.pictures[index]
    given = dataset.lr(index) if dataset.lr_scale == beside.scale else None
    hr = crop_to_multiple(dataset.hr(index), beside.scale)
    shown = None
    if beside.mapped and dataset.classes is not None:
        shown = dataset.map(index, slice(hr.shape[0]), slice(hr.shape[1]))
    return Item(picture.name, hr, given, picture, shown)


def built_metrics(
    asked: Sequence[Entry] | str, home: Home, device: torch.device
) -> dict[str, Metric]:
    """Return name -> metric, ready for many pictures.

    Args:
        asked: Rows of the table of metrics, or `{kind: NAME, ...}`; as text, parted by commas.
        home: Its store has the files that they read.
        device: Where feature networks compute.

    Raises:
        RecipeErrors: If a metric is unknown or does not fit, or a file is missing or damaged.
    """
    if isinstance(asked, str):
        try:
            asked = yaml.safe_load(f"[{asked}]")
        except yaml.YAMLError:
            raise refuse("--metrics", asked, "this is not YAML", "Quote it.") from None
    entries, problems = resolve_metrics(asked, "--metrics")
    problems = problems or metric_problems(entries, home.store, "--metrics")
    if problems:
        raise RecipeErrors(problems)
    try:
        return build_metrics(entries, files=files_of_metrics(entries, home.store), device=device)
    except RegistryError as error:  # a file that is not what its name says
        raise RecipeErrors(registry_problems(error.problems, "--metrics")) from None
