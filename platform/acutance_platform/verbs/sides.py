"""One picture of a dataset from every side: HR, LR, bicubic, and what a model makes of it."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from acutance_models import Degradation, crop_to_multiple, load_generators
from acutance_platform.recipe import Recipe, build_recipe, load_plugins
from acutance_platform.training import picture_result, picture_stream
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.model import Piece
from acutance_storage import BlobStore, ImageDataset, get_blob, open_dataset

Pixels = NDArray[np.uint8]

_ROWS: Final = 512


@dataclass(frozen=True, kw_only=True)
class Side:
    """What is to be made of a picture; plain data, for another process."""

    what: str
    """`hr`, `lr`, `bicubic` or `model`."""
    data: str
    """NAME@VERSION of a dataset."""
    index: int
    """Of the picture there."""
    scale: int
    """SR pixels per LR pixel."""
    degradation: list[dict[str, Any]] | None
    """Chain that makes LR; None = LR is stored beside HR."""
    model: str | None = None
    """`shipped`, or blob:SHA256."""
    zero_shot: dict[str, Any] | None = None
    """The complete recipe of a model that learns from each picture, whose weights hold several."""
    plugins: tuple[str, ...] = ()
    """Modules that the model is built from."""


@final
class Sides:
    """Makes sides of pictures; the last LR picture is kept, for several models take the same.

    Args:
        home: Where datasets and weights lie.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lr = functools.lru_cache(maxsize=1)(self._made_lr)

    def pieces(
        self, side: Side, nearest: Callable[[], tuple[int, int]] = lambda: (0, 0)
    ) -> tuple[tuple[int, int], Iterator[Piece]]:
        """Return height and width of a side, and its pieces as they are made.

        Put together they are bit for bit what `acutance upscale` makes of the same LR picture, and
        what a training of this degradation is measured with. LR has a size and pixels of its own.

        Args:
            side: What is to be made.
            nearest: See `Model.pieces`.

        Raises:
            RecipeErrors: If the model cannot be built or its output is not finite.
            StorageError: If something cannot be read.
        """
        load_plugins(side.plugins)
        dataset = open_dataset(self._home.store, side.data)
        if side.what == "hr":
            hr = crop_to_multiple(dataset.hr(side.index), side.scale)
            return hr.shape[:2], _bands(hr)
        lr = self._lr(side.data, side.index, side.scale, json.dumps(side.degradation))
        if side.what == "lr":
            return lr.shape[:2], _bands(lr)
        size = (lr.shape[0] * side.scale, lr.shape[1] * side.scale)
        return size, self._enlarged(side, dataset, lr, nearest)

    def _made_lr(self, data: str, index: int, scale: int, degradation: str) -> Pixels:
        dataset = open_dataset(self._home.store, data)
        return lr_picture(dataset, index, scale, json.loads(degradation))

    def _enlarged(
        self, side: Side, dataset: ImageDataset, lr: Pixels, nearest: Callable[[], tuple[int, int]]
    ) -> Iterator[Piece]:
        if side.what == "bicubic":
            yield from load_model("bicubic").pieces(lr, scale=side.scale, nearest=nearest)
        elif side.zero_shot is not None:
            weights = str(side.model).removeprefix("blob:")
            enlarge = own_networks(build_recipe(side.zero_shot), weights, self._home.store)
            yield Piece(0, 0, enlarge(dataset.pictures[side.index].name, lr))
        else:
            model = load_model(str(side.model), self._home)
            condition = None
            if model.classes is not None and dataset.classes is not None:
                condition = crop_to_multiple(dataset.map(side.index), side.scale)
            yield from model.pieces(lr, condition=condition, nearest=nearest)


def lr_picture(
    dataset: ImageDataset, index: int, scale: int, degradation: list[dict[str, Any]] | None
) -> Pixels:
    """Return the LR picture that `Pairs` of such a recipe has, made alone."""
    if degradation is None:
        return np.array(dataset.lr(index))
    hr = crop_to_multiple(dataset.hr(index), scale)
    made: Pixels = Degradation(degradation, scale=scale)(
        hr, picture_stream(dataset.pictures[index])
    )
    return made


def own_networks(recipe: Recipe, weights: str, store: BlobStore) -> Callable[[str, Pixels], Pixels]:
    """Return what makes SR of a picture's name and LR where each picture has its own network."""
    networks: Mapping[str, Any] = load_generators(get_blob(store, weights))

    def enlarge(name: str, lr: Pixels) -> Pixels:
        return picture_result(recipe, lr, networks.get(name) or networks[""])

    return enlarge


def _bands(picture: Pixels) -> Iterator[Piece]:
    for top in range(0, picture.shape[0], _ROWS):
        yield Piece(top, 0, picture[top : top + _ROWS])
