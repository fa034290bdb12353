"""Segmentation maps on their way to a network that takes them."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acutance_models import Generator, build_generator
from acutance_platform.recipe import Link, Problem, Recipe, chain
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
    """Return why a dataset's segmentation maps cannot serve a recipe's stages; each once."""
    found = [
        problem
        for link in chain(recipe)
        for problem in (*_network_problems(dataset, link), *_label_problems(dataset, link))
    ]
    return [*dict.fromkeys(found), *_metric_problems(dataset, recipe)]


def _metric_problems(dataset: ImageDataset, recipe: Recipe) -> Iterator[Problem]:
    """Yield which metrics look at a class that the dataset's maps do not have."""
    for index, entry in enumerate(recipe.evaluation.metrics):
        label = entry.get("label") if isinstance(entry, dict) else None
        if label is None or label < (dataset.classes or 0):
            continue
        has = f"maps of {dataset.classes} classes" if dataset.classes else "no segmentation maps"
        rule = f"this metric looks at class {label}, and {dataset.name} has {has}"
        way_out = "Leave it out, or add maps: `acutance data add NAME FOLDER --maps FOLDER`."
        yield Problem(f"evaluation.metrics.{index}.label", str(label), rule, way_out)


def _network_problems(dataset: ImageDataset, link: Link) -> Iterator[Problem]:
    """Yield that a stage's network takes maps of another number of classes."""
    if dataset.classes is None:
        return
    recipe = link.recipe
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    wanted = network.condition_classes
    if wanted not in (None, dataset.classes):
        place = f"stages.{link.name}.generator" if link.stage.generator else "generator"
        rule = f"its segmentation map has {wanted} classes, those of {dataset.name} "
        way_out = "Give the network as many classes, or add the maps again under another name."
        yield Problem(place, str(recipe.generator["kind"]), f"{rule}{dataset.classes}", way_out)


def _label_problems(dataset: ImageDataset, link: Link) -> Iterator[Problem]:
    """Yield what keeps the terms of a stage that name classes from knowing them."""
    terms = link.stage.loss
    for name, term in terms.items():
        if term["kind"] != "classification":
            continue
        place = f"stages.{link.name}.loss"
        named = terms[term["of"]]["discriminator"].get("classes")
        if dataset.classes is None:
            rule = f"this term needs segmentation maps, and {dataset.name} has none"
            way_out = "Add them: `acutance data add NAME FOLDER --maps FOLDER`; or leave it out."
            yield Problem(f"{place}.{name}", "classification", rule, way_out)
        elif named is not None and named != dataset.classes:
            rule = f"it names {named} classes, and the maps of {dataset.name} have "
            way_out = f"Write {dataset.classes}."
            where = f"{place}.{term['of']}.discriminator.classes"
            yield Problem(where, str(named), f"{rule}{dataset.classes}", way_out)
