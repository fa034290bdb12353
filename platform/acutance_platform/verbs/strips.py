"""Picture strips of a model on the pictures that its recipe is measured on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from acutance_models import bicubic_upscale, score
from acutance_platform.recipe import Recipe
from acutance_platform.report import picture_strip
from acutance_platform.training import Pairs
from acutance_platform.verbs.addresses import Model
from acutance_platform.verbs.home import Home
from acutance_storage import open_dataset

_MOST = 4
"""Pictures that are drawn; more would make pages and runs heavy."""


def strips(recipe: Recipe, model: Model, home: Home) -> list[tuple[str, bytes]]:
    """Return LR nearest | bicubic | SR | HR of the recipe's first evaluation pictures.

    Args:
        recipe: Names dataset, split, degradation and protocol.
        model: What makes SR.
        home: Where the dataset lies.

    Returns:
        (picture's name, PNG) each, with PSNR-Y in dB written over bicubic and SR.
    """
    dataset = open_dataset(home.store, recipe.data.dataset)
    pairs = Pairs(dataset, recipe, local=home.local)
    found = []
    for index in dataset.indices(recipe.evaluation.split)[:_MOST]:
        lr, hr = np.array(pairs.lr(index)), np.array(pairs.hr(index))
        condition = pairs.map(index) if model.classes is not None else None
        bicubic, sr = bicubic_upscale(lr, recipe.scale), model.upscale(lr, condition=condition)
        grey = dataset.pictures[index].grey
        scores = {
            "bicubic": _psnr(bicubic, hr, recipe, grey),
            "sr": _psnr(sr, hr, recipe, grey),
        }
        strip = picture_strip(lr=lr, bicubic=bicubic, sr=sr, hr=hr, scores=scores)
        found.append((dataset.pictures[index].name, strip))
    return found


def _psnr(picture: NDArray[Any], hr: NDArray[np.uint8], recipe: Recipe, grey: bool) -> float:
    found = score(
        picture,
        hr,
        protocol=recipe.evaluation.protocol,
        scale=recipe.scale,
        metrics=["psnr_y"],
        grey=grey,
    )
    return found["psnr_y"]
