"""`evaluate`: measure a model on pictures under a named protocol."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import yaml

from acutance_models import (
    Degradation,
    Entry,
    Protocol,
    check_degradation,
    default_metrics,
    find_protocol,
    pirm_region,
)
from acutance_platform.recipe import RecipeErrors, refuse, registry_problems
from acutance_platform.training import mean_scores
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.maps import check_classes
from acutance_platform.verbs.measured import beside_of, built_metrics, opened, read_item
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.picture_scores import How, measuring_device, picture_scores
from acutance_storage import ImageDataset, Picture

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
    back_projections: int = 0,
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
        maps: Folder of HR's segmentation maps, for networks or metrics that look at classes.
        degradation: YAML of a degradation chain, in place of the protocol's.
        border: HR pixels ignored at each edge, in place of the protocol's.
        grey: Luma of files with one channel, in place of the protocol's rule.
        self_ensemble: Mean of each picture's eight orientations, the papers' "+".
        back_projections: How often what SR lacks of LR, shrunk as in training, is added to it.
        tile: Side of the LR tiles; None takes whole pictures.
        metrics: Names or `{kind: NAME, ...}`, also as YAML; None takes the protocol's.
        home: Store and local folder; None takes what the environment says.

    Raises:
        RecipeErrors, ProtocolError, StorageError: If model, data or options cannot be used.
    """
    home = home or open_home()
    network = model if isinstance(model, Model) else load_model(model, home)
    factor = network.scale(scale)
    network.require_network_for(
        tile=tile, self_ensemble=self_ensemble, back_projections=back_projections
    )
    how = How(
        rules=_replaced(find_protocol(protocol), border, grey),
        chain=_chain(degradation, factor, lr),
        scale=factor,
        metrics=built_metrics(metrics or default_metrics(protocol), home, measuring_device()),
        tile=tile,
        ensemble=self_ensemble,
        back_projections=back_projections,
    )
    beside = beside_of(network, how.metrics, factor, lr, maps)
    with opened(os.fspath(data), split, beside, home) as (label, dataset, indices):
        check_classes(network, dataset)
        images = [picture_scores(network, read_item(dataset, i, beside), how) for i in indices]
        return _summary(network, label, how, dataset, indices, images)


def _summary(
    model: Model,
    label: str,
    how: How,
    dataset: ImageDataset,
    indices: Sequence[int],
    images: list[dict[str, Any]],
) -> Evaluation:
    told = [{name: image[name] for name in how.metrics if name in image} for image in images]
    mean = mean_scores(told, how.metrics)
    return Evaluation(
        model=model.address,
        weights=model.weights,
        data=label,
        scale=how.scale,
        protocol=_described(how, dataset.lr_scale == how.scale),
        images=images,
        mean=mean,
        notes=list(_notes([dataset.pictures[index] for index in indices], how)),
        region=_region(how, mean),
    )


def _notes(pictures: Sequence[Picture], how: How) -> Iterator[str]:
    edge = how.scale if how.rules.border is None else how.rules.border
    for picture in pictures:
        height, width = (
            side // how.scale * how.scale - 2 * edge for side in (picture.height, picture.width)
        )
        for metric in how.metrics.values():
            caution = metric.caution(height, width)
            if caution is not None:
                yield f"{picture.name}: {caution}"


def _replaced(rules: Protocol, border: int | None, grey: Literal["raw", "rgb"] | None) -> Protocol:
    """Return a protocol in which the user's word stands above its own."""
    return replace(
        rules,
        border=rules.border if border is None else border,
        grey=rules.grey if grey is None else grey,
    )


def _region(how: How, mean: dict[str, float]) -> int | None:
    if how.rules.name != _PIRM or how.scale != _PIRM_SCALE or "rmse" not in mean:
        return None
    return pirm_region(mean["rmse"])


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


def _described(how: How, given: bool) -> dict[str, Any]:
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
        "back_projections": how.back_projections,
        "tile": how.tile,
    }
