"""Picture strips of models on the pictures that its recipe is measured on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acutance_models import Metric, bicubic_upscale, build_metrics, metric_name, score
from acutance_platform.recipe import Recipe
from acutance_platform.report import label, number, picture_strip
from acutance_platform.training import Pairs, device_here, files_of_metrics
from acutance_platform.verbs.addresses import load_model, weights_of
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.sides import own_networks
from acutance_storage import open_dataset

_MOST = 4
"""Pictures that are drawn; more would make pages and runs heavy."""


def model_strips(
    recipe: Recipe, models: Mapping[str, str], home: Home, *, shown: Sequence[str] = ()
) -> list[tuple[str, bytes]]:
    """Return LR nearest | bicubic | each SR | HR of the recipe's first evaluation pictures.

    Args:
        recipe: Names dataset, split, degradation and protocol.
        models: Title of a panel -> MODEL that such a recipe made: SWEEP/TRIAL or blob:SHA256.
        home: Where the dataset lies.
        shown: Metrics of the recipe that are written over the panels beside PSNR-Y.

    Returns:
        (picture's name, PNG) each, with the metrics of the whole picture.
    """
    dataset = open_dataset(home.store, recipe.data.dataset)
    pairs = Pairs(dataset, recipe, local=home.local)
    enlarge = {title: _enlarging(recipe, model, pairs, home) for title, model in models.items()}
    metrics = _metrics(recipe, shown, home)
    found = []
    for index in dataset.indices(recipe.evaluation.split)[:_MOST]:
        lr, hr = np.array(pairs.lr(index)), np.array(pairs.hr(index))
        bicubic = bicubic_upscale(lr, recipe.scale)
        made = {title: enlarged(index, lr) for title, enlarged in enlarge.items()}
        notes = {
            title: _notes(recipe, metrics, picture, pairs, index)
            for title, picture in {"bicubic": bicubic, **made}.items()
        }
        png = picture_strip(lr=lr, bicubic=bicubic, models=made, hr=hr, notes=notes)
        found.append((dataset.pictures[index].name, png))
    return found


def _metrics(recipe: Recipe, shown: Sequence[str], home: Home) -> dict[str, Metric]:
    """Return PSNR-Y and what else is to be shown of the recipe's metrics."""
    entries = {metric_name(entry): entry for entry in recipe.evaluation.metrics}
    others = [entries[name] for name in shown if name in entries and name != "psnr_y"]
    files = files_of_metrics(others, home.store)
    return build_metrics(["psnr_y", *others], files=files, device=device_here(recipe))


def _notes(
    recipe: Recipe, metrics: Mapping[str, Metric], picture: NDArray[Any], pairs: Pairs, index: int
) -> list[tuple[str, str]]:
    """Return a picture's metrics as the lines above its panel."""
    found = score(
        picture,
        pairs.hr(index),
        protocol=recipe.evaluation.protocol,
        scale=recipe.scale,
        metrics=metrics,
        grey=pairs.dataset.pictures[index].grey,
        lr=pairs.lr(index),
        shares=pairs.map(index),
    )
    psnr, *rest = found.items()
    lines = [(label(name).partition(" [")[0], number(name, value)) for name, value in rest]
    return [("", f"{psnr[1]:.2f} dB"), *lines]


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
    enlarge_own = own_networks(recipe, sha256 or weights_of(address, home), home.store)
    return lambda index, lr: enlarge_own(pairs.dataset.pictures[index].name, lr)
