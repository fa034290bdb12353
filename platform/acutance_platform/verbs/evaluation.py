"""`evaluate`: measure a model on pictures under a named protocol."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from acutance_models import (
    Degradation,
    Entry,
    Metric,
    ModelsError,
    Protocol,
    bicubic_upscale,
    check_degradation,
    default_metrics,
    degrade,
    degrade_luma,
    find_protocol,
    pirm_region,
    score,
    score_bicubic,
    score_luma,
)
from acutance_platform.recipe import RecipeErrors, refuse, registry_problems
from acutance_platform.training import (
    mean_scores,
    picture_stream,
    placed,
    super_resolve,
    super_resolve_luma,
)
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.maps import check_classes, classes_of
from acutance_platform.verbs.measured import Beside, Item, built_metrics, opened, read_item
from acutance_platform.verbs.model import Model
from acutance_storage import Picture

Lr = NDArray[np.uint8] | NDArray[np.float32]
_PIRM = "pirm"
_PIRM_SCALE = 4


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
    """Each metric over the pictures: the mean, for `rmse` the root of the mean square."""
    notes: list[str]
    """Which numbers of which pictures are to be doubted, and why."""
    region: int | None
    """Region of the PIRM challenge; None above its bounds, and for other scales or protocols."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints; the region under its protocol alone."""
        content = asdict(self)
        if self.protocol["name"] != _PIRM:
            del content["region"]
        return content


@dataclass(frozen=True, kw_only=True)
class _How:
    """What a model is measured with, the same for every picture."""

    rules: Protocol
    chain: Degradation | None
    scale: int
    metrics: Mapping[str, Metric]
    tile: int | None
    ensemble: bool


def evaluate(
    model: StrPath | Model,
    data: StrPath,
    *,
    split: str = "validation",
    protocol: str = "rcan",
    scale: int | None = None,
    lr: StrPath | None = None,
    maps: StrPath | None = None,
    degradation: str | None = None,
    border: int | None = None,
    grey: Literal["raw", "rgb"] | None = None,
    self_ensemble: bool = False,
    tile: int | None = None,
    metrics: Sequence[Entry] | str | None = None,
    home: Home | None = None,
) -> Evaluation:
    """Measure a model; f32 always.

    Args:
        model: MODEL, or what `load` returned for it.
        data: A folder of HR pictures, or NAME[@VERSION] of a dataset.
        split: Split of a dataset; folders are taken whole.
        protocol: Names degradation, colour, rounding and border.
        scale: Needed for bicubic only.
        lr: Folder of given LR pictures, in place of made ones.
        maps: Folder of segmentation maps of the HR pictures, for a network that takes them; a
            dataset has its own.
        degradation: YAML of a degradation chain, in place of the protocol's.
        border: HR pixels ignored at each edge, in place of the protocol's.
        grey: Luma of files with one channel, in place of the protocol's rule.
        self_ensemble: Mean of each picture's eight orientations, the papers' "+".
        tile: Side of the LR tiles; None takes whole pictures.
        metrics: Rows of the table of metrics, or `{kind: NAME, ...}` with arguments, also as YAML;
            None takes the protocol's.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors: If model, data or options cannot be used, or a picture cannot be measured.
        StorageError: If the data cannot be read.
    """
    home = home or open_home()
    network = model if isinstance(model, Model) else load_model(model, home)
    factor = network.scale(scale)
    network.require_network_for(tile=tile, self_ensemble=self_ensemble)
    how = _How(
        rules=_replaced(find_protocol(protocol), border, grey),
        chain=_chain(degradation, factor, lr),
        scale=factor,
        metrics=built_metrics(metrics or default_metrics(protocol), home, _device()),
        tile=tile,
        ensemble=self_ensemble,
    )
    beside = _beside(network, factor, lr, maps)
    with opened(os.fspath(data), split, beside, home) as (label, dataset, indices):
        check_classes(network, dataset)
        images = [_image(network, read_item(dataset, index, beside), how) for index in indices]
        given = dataset.lr_scale == factor
        notes = list(_notes([dataset.pictures[index] for index in indices], how))
    return _summary(network, label, how, given, images, notes)


def _beside(model: Model, scale: int, lr: StrPath | None, maps: StrPath | None) -> Beside:
    return Beside(
        scale=scale,
        lr=Path(lr) if lr is not None else None,
        maps=Path(maps) if maps is not None else None,
        classes=model.classes if maps is None else classes_of(model, Path(maps)),
    )


def _summary(
    model: Model,
    label: str,
    how: _How,
    given: bool,
    images: list[dict[str, Any]],
    notes: list[str],
) -> Evaluation:
    told = [{name: image[name] for name in how.metrics if name in image} for image in images]
    mean = mean_scores(told, how.metrics)
    return Evaluation(
        model=model.address,
        weights=model.weights,
        data=label,
        scale=how.scale,
        protocol=_described(how, given),
        images=images,
        mean=mean,
        notes=notes,
        region=_region(how, mean),
    )


def _notes(pictures: Sequence[Picture], how: _How) -> Iterator[str]:
    edge = how.scale if how.rules.border is None else how.rules.border
    for picture in pictures:
        height, width = (
            side // how.scale * how.scale - 2 * edge for side in (picture.height, picture.width)
        )
        for metric in how.metrics.values():
            caution = metric.caution(height, width)
            if caution is not None:
                yield f"{picture.name}: {caution}"


def _image(model: Model, item: Item, how: _How) -> dict[str, Any]:
    """Return a picture's name and metrics, or say which picture cannot be measured."""
    try:
        found = _score(model, item, how)
        if found and all(math.isnan(value) for value in found.values()):
            rule = f"the network's output for {item.name} is not finite"
            raise refuse("MODEL", model.address, rule, "Its weights are damaged, or diverged.")
        return {"name": item.name, **found}
    except ModelsError as error:
        rule, _, way_out = str(error).partition(". ")
        raise refuse(item.name, None, rule, way_out or "Leave it out.") from None


def _replaced(rules: Protocol, border: int | None, grey: Literal["raw", "rgb"] | None) -> Protocol:
    """Return a protocol in which the user's word stands above its own."""
    return replace(
        rules,
        border=rules.border if border is None else border,
        grey=rules.grey if grey is None else grey,
    )


def _region(how: _How, mean: dict[str, float]) -> int | None:
    if how.rules.name != _PIRM or how.scale != _PIRM_SCALE or "rmse" not in mean:
        return None
    return pirm_region(mean["rmse"])


def _score(model: Model, item: Item, how: _How) -> dict[str, float]:
    common: dict[str, Any] = {
        "protocol": how.rules,
        "scale": how.scale,
        "metrics": how.metrics,
        "grey": item.picture.grey,
    }
    made_lr = how.chain is None and item.lr is None
    if model.generator is None and made_lr:
        return score_bicubic(item.hr, **common)
    if model.generator is None:
        lr = _lr(item, how)
        return score(bicubic_upscale(lr, how.scale), item.hr, lr=lr, **common)
    device = _device()
    generator = placed(model.generator, device)
    options: dict[str, Any] = {
        "device": device,
        "tile": how.tile,
        "ensemble": how.ensemble,
        "condition": item.map,
    }
    if generator.channels == 1 and how.rules.luma_only and made_lr:
        plane = degrade_luma(item.hr, how.rules, how.scale, grey=item.picture.grey)
        sr = super_resolve_luma(generator, plane, **options)
        luma = {name: metric for name, metric in how.metrics.items() if metric.colour == "y"}
        return score_luma(sr, item.hr, lr=plane, **{**common, "metrics": luma})
    lr = _lr(item, how)
    return score(super_resolve(generator, lr, **options), item.hr, lr=lr, **common)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _lr(item: Item, how: _How) -> Lr:
    """Return the LR picture: by the asked degradation, as given, or by the protocol."""
    if how.chain is not None:
        return how.chain(item.hr, picture_stream(item.picture))
    return item.lr if item.lr is not None else degrade(item.hr, how.rules, how.scale)


def _chain(text: str | None, scale: int, lr: StrPath | None) -> Degradation | None:
    if text is None:
        return None
    if lr is not None:
        rule = "LR pictures are given by --lr, so none are made"
        raise refuse("--degradation", text, rule, "Leave one of the two out.")
    try:
        chain = yaml.safe_load(text)
    except yaml.YAMLError:
        raise refuse("--degradation", text, "this is not YAML", "Quote it.") from None
    chain = [{"kind": chain}] if isinstance(chain, str) else chain
    found = check_degradation(chain, scale=scale)
    if found:
        raise RecipeErrors(registry_problems(found, "--degradation"))
    return Degradation(chain, scale)


def _described(how: _How, given: bool) -> dict[str, Any]:
    rules, chain = how.rules, how.chain
    made: Any = chain.spec if chain is not None else [dict(step) for step in rules.degradation]
    return {
        "name": rules.name,
        "degradation": "given LR pictures" if given and chain is None else made,
        "lr": rules.lr,
        "sr_to_uint8": rules.sr_to_uint8,
        "y": rules.y,
        "grey": rules.grey,
        "border": how.scale if rules.border is None else rules.border,
        "self_ensemble": how.ensemble,
        "tile": how.tile,
    }
