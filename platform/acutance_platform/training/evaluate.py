"""Measure a network on whole pictures: always in f32, under a named protocol."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models import Generator, bicubic_upscale, score, upscale
from acutance_platform.recipe import Recipe
from acutance_platform.training.data import Pairs, Pixels

Scores = dict[str, float]


def super_resolve(
    generator: Generator,
    lr: Pixels | NDArray[np.float32],
    *,
    device: torch.device,
    tile: int | None = None,
) -> NDArray[np.float32]:
    """Return the network's SR picture for an LR picture.

    Args:
        generator: The network, already on `device`.
        lr: (h, w, 3), 8 bits, or f32 in [0, 1] where a protocol does not round LR pictures.
        device: Where to compute.
        tile: Side of the LR tiles, or None for the whole picture at once.

    Returns:
        (H, W, 3) in f32, about [0, 1], not clipped.
    """
    # A memory-mapped picture is read-only, which torch cannot share; LR pictures are small.
    picture = torch.from_numpy(np.array(lr)).to(device).permute(2, 0, 1)
    tensor = picture.to(torch.float32).div(255.0) if lr.dtype == np.uint8 else picture
    with torch.inference_mode():
        sr = upscale(generator, tensor, tile=tile)
    return np.ascontiguousarray(sr.permute(1, 2, 0).cpu().numpy())


def measure(
    generator: Generator | None, pairs: Pairs, recipe: Recipe, *, device: torch.device
) -> Scores:
    """Return the mean of each metric over the recipe's evaluation split.

    Args:
        generator: The network; None measures bicubic enlargement, the baseline.
        pairs: The dataset's pictures.
        recipe: Names split, protocol and metrics.
        device: Where to compute.
    """
    return mean_scores(
        [
            score(
                _enlarged(generator, pairs, index, device),
                pairs.hr(index),
                protocol=recipe.evaluation.protocol,
                scale=recipe.scale,
                metrics=recipe.evaluation.metrics,
            )
            for index in pairs.dataset.indices(recipe.evaluation.split)
        ]
    )


def mean_scores(scores: Sequence[Mapping[str, float]]) -> Scores:
    """Return each metric's mean over pictures, in the order of the first picture's metrics."""
    return {name: float(np.mean([entry[name] for entry in scores])) for name in scores[0]}


def _enlarged(
    generator: Generator | None, pairs: Pairs, index: int, device: torch.device
) -> NDArray[np.float32] | Pixels:
    if generator is None:
        return bicubic_upscale(pairs.lr(index), pairs.scale)
    return super_resolve(generator, pairs.lr(index), device=device)
