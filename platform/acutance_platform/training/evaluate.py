"""Measure a network on whole pictures: always in f32, under a named protocol."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models import (
    Generator,
    Metric,
    ProtocolError,
    bicubic_upscale,
    matlab_resize,
    pooled,
    rgb_to_ycbcr,
    score,
    self_ensemble,
    upscale,
    ycbcr_to_rgb,
)
from acutance_models.ensemble import ORIENTATIONS
from acutance_platform.recipe import Recipe
from acutance_platform.training.conditions import condition_tensor
from acutance_platform.training.data import Pairs, Pixels

Scores = dict[str, float]
Map = Pixels | NDArray[np.float32]


def super_resolve(
    generator: Generator,
    lr: Pixels | NDArray[np.uint16] | NDArray[np.float32],
    *,
    device: torch.device,
    tile: int | None = None,
    ensemble: bool = False,
    condition: Map | None = None,
) -> NDArray[np.float32]:
    """Return the network's SR picture for an LR picture.

    Args:
        generator: The network, already on `device`.
        lr: (h, w, 3), 8 or 16 bits, or f32 in [0, 1] where a protocol does not round LR pictures.
        device: Where to compute.
        tile: Side of the LR tiles, or None for the whole picture at once.
        ensemble: Mean of the picture's eight orientations, in f32, before anything is rounded.
        condition: Segmentation map, (H, W, classes) of any sum over the classes, for a network that
            takes one; None = background everywhere.

    Returns:
        (H, W, 3) in f32, about [0, 1], not clipped.
    """
    # A memory-mapped picture is read-only, which torch cannot share; LR pictures are small.
    white = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(lr.dtype, 1.0)
    picture = np.array(lr, dtype=np.float32) / white
    if generator.channels == 1:
        return _luma_super_resolved(generator, picture, device, tile, ensemble, condition)
    return _enlarged_planes(generator, picture, device, tile, ensemble, condition)


def _luma_super_resolved(
    generator: Generator,
    picture: NDArray[np.float32],
    device: torch.device,
    tile: int | None,
    ensemble: bool,
    condition: Map | None,
) -> NDArray[np.float32]:
    """Enlarge luma by the network and colour by bicubic, as the papers of such networks do."""
    planes = rgb_to_ycbcr(picture * 255.0)
    luma = (planes[:, :, :1] / 255.0).astype(np.float32)
    y = _enlarged_planes(generator, luma, device, tile, ensemble, condition)
    enlarged = matlab_resize(planes, scale=generator.scale)
    enlarged[:, :, :1] = y * 255.0
    return (ycbcr_to_rgb(enlarged) / 255.0).astype(np.float32)


def _enlarged_planes(
    generator: Generator,
    picture: NDArray[np.float32],
    device: torch.device,
    tile: int | None,
    ensemble: bool,
    condition: Map | None,
) -> NDArray[np.float32]:
    shown = [] if condition is None else [condition_tensor(condition, device)]
    tensor = torch.from_numpy(picture).to(device).permute(2, 0, 1)

    def enlarged(lr: torch.Tensor, *maps: torch.Tensor) -> torch.Tensor:
        return upscale(generator, lr, tile=tile, condition=maps[0] if maps else None)

    with torch.inference_mode():
        orientations = ORIENTATIONS if ensemble else (0,)
        sr = self_ensemble(enlarged, tensor, orientations=orientations, beside=shown)
    return np.ascontiguousarray(sr.permute(1, 2, 0).cpu().numpy())


def super_resolve_luma(
    generator: Generator,
    lr: NDArray[np.floating],
    *,
    device: torch.device,
    tile: int | None = None,
    ensemble: bool = False,
    condition: Map | None = None,
) -> NDArray[np.float32]:
    """Return the enlarged luma plane of a network that knows luma alone.

    Args:
        generator: The network, already on `device`, of one channel.
        lr: (h, w), luma over 255.
        device: Where to compute.
        tile: Side of the LR tiles, or None for the whole picture at once.
        ensemble: Mean of the plane's eight orientations.
        condition: Segmentation map, see `super_resolve`.

    Returns:
        (H, W) in f32, luma over 255, not clipped.
    """
    plane = np.asarray(lr, dtype=np.float32)[:, :, None]
    return _enlarged_planes(generator, plane, device, tile, ensemble, condition)[:, :, 0]


def measure(
    generator: Generator | None,
    pairs: Pairs,
    recipe: Recipe,
    *,
    metrics: Mapping[str, Metric],
    device: torch.device,
) -> Scores:
    """Return each metric over the recipe's evaluation split.

    Args:
        generator: The network; None measures bicubic enlargement, the baseline.
        pairs: The dataset's pictures.
        recipe: Names split and protocol.
        metrics: The recipe's metrics, built.
        device: Where to compute.
    """
    return mean_scores(
        [
            score(
                _enlarged(generator, pairs, index, device),
                pairs.hr(index),
                protocol=recipe.evaluation.protocol,
                scale=recipe.scale,
                metrics=metrics,
                grey=pairs.dataset.pictures[index].grey,
                lr=pairs.lr(index),
                shares=pairs.map(index),
            )
            for index in pairs.dataset.indices(recipe.evaluation.split)
        ],
        metrics,
    )


def mean_scores(scores: Sequence[Mapping[str, float]], metrics: Mapping[str, Metric]) -> Scores:
    """Return each metric over the pictures that have it; without those that none has.

    A metric says itself how it is pooled: the mean for most, the root of the mean square for RMSE.

    Raises:
        ProtocolError: If no picture shows a class that a metric looks at.
    """
    having = {name: [each[name] for each in scores if name in each] for name in metrics}
    for name, metric in metrics.items():
        if metric.label is not None and not having[name]:
            raise ProtocolError(
                f"No picture shows class {metric.label} inside the border, so {name} has no value. "
                "Ask for another class, or add pictures that show it."
            )
    return {name: pooled(metrics[name], values) for name, values in having.items() if values}


def _enlarged(
    generator: Generator | None, pairs: Pairs, index: int, device: torch.device
) -> NDArray[np.float32] | Pixels:
    if generator is None:
        return bicubic_upscale(pairs.lr(index), pairs.scale)
    condition = pairs.map(index) if generator.condition_classes is not None else None
    return super_resolve(generator, pairs.lr(index), device=device, condition=condition)
