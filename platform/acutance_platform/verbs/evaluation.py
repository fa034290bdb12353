"""`evaluate`: measure a model on pictures under a named protocol."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from acutance_models import (
    METRICS,
    Degradation,
    ModelsError,
    Protocol,
    bicubic_upscale,
    check_degradation,
    crop_to_multiple,
    degrade,
    degrade_luma,
    find_protocol,
    score,
    score_bicubic,
    score_luma,
)
from acutance_platform.recipe import Problem, RecipeErrors, refuse, registry_problems
from acutance_platform.training import (
    mean_scores,
    picture_stream,
    placed,
    super_resolve,
    super_resolve_luma,
)
from acutance_platform.verbs.addresses import Model, load_model
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.maps import check_classes, classes_of
from acutance_platform.verbs.upscaling import PICTURE_SUFFIXES
from acutance_storage import (
    AddReport,
    ImageDataset,
    Picture,
    add_dataset,
    open_dataset,
    open_store,
)

Lr = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one model on one set of pictures, with the protocol that gives them meaning."""

    model: str
    """MODEL as the user said it."""
    weights: str | None
    """SHA-256 of the weights; None for bicubic."""
    data: str
    """Folder, or NAME@VERSION/SPLIT."""
    scale: int
    """SR side over LR side."""
    protocol: dict[str, Any]
    """Name, degradation, colour, rounding, border."""
    images: list[dict[str, Any]]
    """One entry per picture: name and metrics."""
    mean: dict[str, float]
    """Each metric's mean over the pictures."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class _Item:
    name: str
    hr: NDArray[np.uint8]
    lr: NDArray[np.uint8] | None
    picture: Picture
    map: NDArray[np.uint8] | None


@dataclass(frozen=True)
class _Shown:
    """A folder of maps, and the classes that the network takes."""

    folder: Path
    classes: int


def evaluate(
    model: StrPath,
    data: StrPath,
    *,
    split: str = "validation",
    protocol: str = "rcan",
    scale: int | None = None,
    lr: StrPath | None = None,
    maps: StrPath | None = None,
    degradation: str | None = None,
    border: int | None = None,
    metrics: Sequence[str] | None = None,
    home: Home | None = None,
) -> Evaluation:
    """Measure a model; f32 always.

    Args:
        model: MODEL.
        data: A folder of HR pictures, or NAME[@VERSION] of a dataset.
        split: Split of a dataset; folders are taken whole.
        protocol: Names degradation, colour, rounding and border.
        scale: Needed for bicubic only.
        lr: Folder of given LR pictures, in place of made ones.
        maps: Folder of segmentation maps of the HR pictures, for a network that takes them; a
            dataset has its own.
        degradation: YAML of a degradation chain, in place of the protocol's.
        border: HR pixels ignored at each edge, in place of the protocol's.
        metrics: Rows of the table of metrics; None takes all.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If model, data or options cannot be used, or a picture cannot be measured.
        StorageError: If the data cannot be read.
    """
    home = home or open_home()
    network = load_model(model, home)
    factor = network.scale(scale)
    rules = find_protocol(protocol)
    chain = _chain(degradation, factor)
    names = list(metrics) if metrics else METRICS.names()
    images: list[dict[str, Any]] = []
    given_lr = Path(lr) if lr is not None else None
    shown = _Shown(Path(maps), classes_of(network, Path(maps))) if maps is not None else None
    opened = _opened(os.fspath(data), split, factor, given_lr, shown, home)
    with opened as (label, dataset, indices):
        check_classes(network, dataset)
        for index in indices:
            item = _item(dataset, index, factor, maps=network.classes is not None)
            try:
                scores = _score(network, item, rules, chain, factor, names, border)
            except ModelsError as error:
                rule, _, way_out = str(error).partition(". ")
                raise refuse(item.name, None, rule, way_out or "Leave it out.") from None
            images.append({"name": item.name, **scores})
        given = dataset.lr_scale == factor
    described = _described(rules, chain, given, factor, border)
    mean = mean_scores([{n: image[n] for n in names if n in image} for image in images])
    return Evaluation(network.address, network.weights, label, factor, described, images, mean)


def _score(
    model: Model,
    item: _Item,
    rules: Protocol,
    chain: Degradation | None,
    scale: int,
    metrics: Sequence[str],
    border: int | None,
) -> dict[str, float]:
    common: dict[str, Any] = {
        "protocol": rules,
        "scale": scale,
        "metrics": metrics,
        "border": border,
    }
    if model.generator is None and item.lr is None and chain is None:
        return score_bicubic(item.hr, **common)
    if model.generator is not None and _sees_luma(model, rules, chain, item.lr is not None):
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        plane = degrade_luma(item.hr, rules, scale)
        sr = super_resolve_luma(placed(model.generator, device), plane, device=device)
        luma_only = [n for n in metrics if METRICS.build({"kind": n}).colour == "y"]
        return score_luma(sr, item.hr, **{**common, "metrics": luma_only})
    small: Lr
    if chain is not None:
        small = chain(item.hr, picture_stream(item.picture))
    elif item.lr is not None:
        small = item.lr
    else:
        small = degrade(item.hr, rules, scale)
    if model.generator is None:
        return score(bicubic_upscale(small, scale), item.hr, **common)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = placed(model.generator, device)
    sr = super_resolve(network, small, device=device, condition=item.map)
    return score(sr, item.hr, **common)


def _sees_luma(model: Model, rules: Protocol, chain: Degradation | None, given: bool) -> bool:
    """Return whether network and protocol both know luma alone, and the protocol makes LR."""
    knows_luma = model.generator is not None and model.generator.channels == 1
    return knows_luma and rules.luma_only and chain is None and not given


def _chain(text: str | None, scale: int) -> Degradation | None:
    if text is None:
        return None
    try:
        chain = yaml.safe_load(text)
    except yaml.YAMLError:
        raise refuse("--degradation", text, "this is not YAML", "Quote it.") from None
    chain = [{"kind": chain}] if isinstance(chain, str) else chain
    found = check_degradation(chain, scale=scale)
    if found:
        raise RecipeErrors(registry_problems(found, "--degradation"))
    return Degradation(chain, scale)


@contextmanager
def _opened(
    data: str, split: str, scale: int, lr: Path | None, maps: _Shown | None, home: Home
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
                lr=lr,
                scale=scale if lr is not None else None,
                maps=maps.folder if maps else None,
                classes=maps.classes if maps else None,
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
    if lr is not None:
        raise refuse("--lr", str(lr), "given LR pictures go with a folder", "Name the HR folder.")
    if maps is not None:
        way_out = "Add the dataset with `acutance data add --maps`, or name the HR folder."
        raise refuse("--maps", str(maps.folder), "given maps go with a folder", way_out)
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


def _item(dataset: ImageDataset, index: int, scale: int, *, maps: bool) -> _Item:
    picture = dataset.pictures[index]
    given = dataset.lr(index) if dataset.lr_scale == scale else None
    hr = crop_to_multiple(dataset.hr(index), scale)
    shown = None
    if maps and dataset.classes is not None:
        shown = dataset.map(index, slice(hr.shape[0]), slice(hr.shape[1]))
    return _Item(picture.name, hr, given, picture, shown)


def _described(
    rules: Protocol,
    chain: Degradation | None,
    given: bool,
    scale: int,
    border: int | None,
) -> dict[str, Any]:
    made: Any = chain.spec if chain is not None else [dict(step) for step in rules.degradation]
    edge = border if border is not None else rules.border
    return {
        "name": rules.name,
        "degradation": "given LR pictures" if given and chain is None else made,
        "lr": rules.lr,
        "sr_to_uint8": rules.sr_to_uint8,
        "y": rules.y,
        "border": scale if edge is None else edge,
    }
