"""Picture strips of a model on the pictures that its recipe is measured on."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acutance_models import bicubic_upscale, load_generators, score
from acutance_platform.recipe import Recipe
from acutance_platform.report import picture_strip
from acutance_platform.training import Pairs, picture_result
from acutance_platform.verbs.addresses import load_model, weights_of
from acutance_platform.verbs.home import Home
from acutance_storage import get_blob, open_dataset

_MOST = 4
"""Pictures that are drawn; more would make pages and runs heavy."""


def trial_strips(recipe: Recipe, address: str, home: Home) -> list[tuple[str, bytes]]:
    """Return LR nearest | bicubic | SR | HR of the recipe's first evaluation pictures.

    Args:
        recipe: Names dataset, split, degradation and protocol.
        address: MODEL that this recipe made: SWEEP/TRIAL, SWEEP/best or blob:SHA256.
        home: Where the dataset lies.

    Returns:
        (picture's name, PNG) each, with PSNR-Y in dB written over bicubic and SR.
    """
    dataset = open_dataset(home.store, recipe.data.dataset)
    pairs = Pairs(dataset, recipe, local=home.local)
    enlarge = _enlarging(recipe, address, pairs, home)
    found = []
    for index in dataset.indices(recipe.evaluation.split)[:_MOST]:
        name = dataset.pictures[index].name
        lr, hr = np.array(pairs.lr(index)), np.array(pairs.hr(index))
        bicubic, sr = bicubic_upscale(lr, recipe.scale), enlarge(index, lr)
        grey = dataset.pictures[index].grey
        scores = {
            "bicubic": _psnr(bicubic, hr, recipe, grey),
            "sr": _psnr(sr, hr, recipe, grey),
        }
        found.append((name, picture_strip(lr=lr, bicubic=bicubic, sr=sr, hr=hr, scores=scores)))
    return found


def _enlarging(
    recipe: Recipe, address: str, pairs: Pairs, home: Home
) -> Callable[[int, NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return what makes SR of a picture's index and LR pixels."""
    if recipe.zero_shot is None:
        model = load_model(address, home)

        def enlarge(index: int, lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
            condition = pairs.map(index) if model.classes is not None else None
            return model.upscale(lr, condition=condition)

        return enlarge
    _, _, sha256 = address.partition("blob:")
    networks = load_generators(get_blob(home.store, sha256 or weights_of(address, home)))

    def enlarge_own(index: int, lr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        own = networks.get(pairs.dataset.pictures[index].name) or networks[""]
        return picture_result(recipe, lr, own)

    return enlarge_own


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
