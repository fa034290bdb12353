"""Segmentation maps on their way to a network that takes them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acutance_models import Generator, build_generator
from acutance_platform.recipe import Problem, Recipe
from acutance_storage import ImageDataset


def condition_tensor(
    shares: NDArray[np.uint8] | NDArray[np.float32], device: torch.device
) -> Tensor:
    """Return class probabilities as a network takes them.

    Args:
        shares: Shape (..., H, W, classes), of any sum above 0 over the classes.
        device: Where to put them.

    Returns:
        Shape (..., classes, H, W), f32, of sum 1 over the classes.
    """
    # A memory-mapped array is read-only, which torch cannot share.
    owned = shares if shares.flags.writeable else shares.copy()
    tensor = torch.from_numpy(owned).to(device).movedim(-1, -3).to(torch.float32)
    return tensor / tensor.sum(dim=-3, keepdim=True)


def sr_outputs(generator: Generator, lr: Tensor, condition: Tensor | None) -> list[Tensor]:
    """Return what training compares with HR, see `Generator.outputs`, given a map or none."""
    return generator.outputs(lr) if condition is None else [generator(lr, condition)]


def class_problems(dataset: ImageDataset, recipe: Recipe) -> list[Problem]:
    """Return why a dataset's segmentation maps cannot serve a recipe's network."""
    if dataset.classes is None:
        return []
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    wanted = network.condition_classes
    if wanted in (None, dataset.classes):
        return []
    rule = f"its segmentation map has {wanted} classes, those of {dataset.name} {dataset.classes}"
    way_out = "Give the network as many classes, or add the maps again under another name."
    return [Problem("generator", str(recipe.generator["kind"]), rule, way_out)]
