"""What `evaluate` does with one picture: LR, SR by a model, back-projections, metrics."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models import (
    Degradation,
    Metric,
    ModelsError,
    Protocol,
    bicubic_upscale,
    degrade,
    degrade_luma,
    score,
    score_bicubic,
    score_luma,
)
from acutance_platform.recipe import refuse
from acutance_platform.training import picture_stream, placed, super_resolve, super_resolve_luma
from acutance_platform.verbs.measured import Item
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.shrinking import Shrinking, shrinking_of

Lr = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class How:
    """What a model is measured with, the same for every picture."""

    rules: Protocol
    """What stands in the protocol, or was put in its place."""
    chain: Degradation | None
    """HR -> LR in place of the protocol's; None = the protocol's, or given LR pictures."""
    scale: int
    """SR pixels per LR pixel."""
    metrics: Mapping[str, Metric]
    """Name -> metric, built."""
    tile: int | None
    """Side of the LR tiles; None = whole pictures."""
    ensemble: bool
    """Whether the mean of eight orientations is measured."""
    back_projections: int
    """How often what SR lacks of LR is added to it."""


def picture_scores(model: Model, item: Item, how: How) -> dict[str, Any]:
    """Return a picture's name and metrics.

    Raises:
        RecipeErrors: If the picture cannot be measured, or the network's output is not finite.
    """
    try:
        found = _scores(model, item, how)
        if found and all(math.isnan(value) for value in found.values()):
            rule = f"the network's output for {item.name} is not finite"
            raise refuse("MODEL", model.address, rule, "Its weights are damaged, or diverged.")
        return {"name": item.name, **found}
    except ModelsError as error:
        rule, _, way_out = str(error).partition(". ")
        raise refuse(item.name, None, rule, way_out or "Leave it out.") from None


def measuring_device() -> torch.device:
    """Return where models are measured."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _scores(model: Model, item: Item, how: How) -> dict[str, float]:
    common: dict[str, Any] = {
        "protocol": how.rules,
        "scale": how.scale,
        "metrics": how.metrics,
        "grey": item.picture.grey,
        "shares": item.map,
    }
    made_lr = how.chain is None and item.lr is None
    if model.generator is None and made_lr:
        return score_bicubic(item.hr, **common)
    if model.generator is None:
        lr = _lr(item, how)
        return score(bicubic_upscale(lr, how.scale), item.hr, lr=lr, **common)
    device = measuring_device()
    generator = placed(model.generator, device)
    options: dict[str, Any] = {
        "device": device,
        "tile": how.tile,
        "ensemble": how.ensemble,
        "condition": item.map if generator.condition_classes is not None else None,
    }
    if generator.channels == 1 and how.rules.luma_only and made_lr:
        plane = degrade_luma(item.hr, how.rules, how.scale, grey=item.picture.grey)
        plainly = shrinking_of(None, how.scale)  # a protocol of luma shrinks by bicubic
        sr = _projected(super_resolve_luma(generator, plane, **options), plane, how, plainly)
        luma = {name: metric for name, metric in how.metrics.items() if metric.colour == "y"}
        return score_luma(sr, item.hr, lr=plane, **{**common, "metrics": luma})
    lr = _lr(item, how)
    sr = super_resolve(generator, lr, **options)
    sr = _projected(sr, lr, how, model.shrinking) if how.back_projections else sr
    return score(sr, item.hr, lr=lr, **common)


def _projected(sr: NDArray[Any], lr: NDArray[Any], how: How, shrinking: Shrinking) -> NDArray[Any]:
    """Return the SR picture as the back-projections leave it; one that is not finite as it is."""
    if not how.back_projections or not np.isfinite(sr).all():
        return sr
    return shrinking.project(sr, lr, scale=how.scale, iterations=how.back_projections)


def _lr(item: Item, how: How) -> Lr:
    """Return the LR picture: by the asked degradation, as given, or by the protocol."""
    if how.chain is not None:
        return how.chain(item.hr, picture_stream(item.picture))
    return item.lr if item.lr is not None else degrade(item.hr, how.rules, how.scale)
