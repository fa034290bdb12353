"""From stored pictures to batches of LR/HR crops, as a pure function of the step.

There is no loader state: which pictures, crops and flips step n sees follows from the recipe's
seed and n alone, so nothing has to be saved and a resumed training sees what it would have seen.
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from acutance_models import Degradation, stream
from acutance_platform.recipe import Problem, Recipe, chain, rank_count
from acutance_platform.training.conditions import class_problems, condition_tensor
from acutance_platform.training.resident import Resident, has_room
from acutance_platform.training.symmetry import TURNS, copy_turned
from acutance_storage import ImageDataset, Picture, open_pictures, write_pictures

Pixels = NDArray[np.uint8]


@final
class Pairs:
    """Aligned LR/HR pictures of a dataset under a recipe's degradation."""

    def __init__(self, dataset: ImageDataset, recipe: Recipe, *, local: Path) -> None:
        self.dataset = dataset
        dataset.prefetch()
        self.scale = recipe.scale
        self._degradation = Degradation(recipe.data.degradation, scale=recipe.scale)
        stored = recipe.data.lr_from == "stored"
        self._lr = None if stored else self._cached(local)

    def hr(self, index: int) -> Pixels:
        """Return picture `index`, (H, W, 3), cropped top-left to a multiple of the scale."""
        return _whole(self.dataset.hr(index), self.scale)

    def lr(self, index: int) -> Pixels:
        """Return the LR picture that belongs to `hr(index)`, (H/scale, W/scale, 3)."""
        return self.dataset.lr(index) if self._lr is None else self._lr[index]

    def map(self, index: int) -> Pixels | None:
        """Return the map of `hr(index)`, see `ImageDataset.map`; None = background everywhere."""
        if self.dataset.classes is None:
            return None
        return _whole(self.dataset.map(index), self.scale)

    def _cached(self, local: Path) -> Sequence[Pixels]:
        """Return all LR pictures, made once per machine and memory-mapped by every trial."""
        spec = json.dumps([self.dataset.version, self._degradation.spec, self.scale])
        key = hashlib.sha256(spec.encode()).hexdigest()
        path = local / "cache" / "lr" / f"{key}.arrow"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                write_pictures(path, self._degraded())
        return open_pictures(path)

    def _degraded(self) -> Iterator[Pixels]:
        for index, picture in enumerate(self.dataset.pictures):
            yield self._degradation(self.hr(index), picture_stream(picture))


class _Window(NamedTuple):
    """Where a training crop lies: picture, LR corner, and the symmetry that is applied to it."""

    picture: int
    y: int
    x: int
    turn: int


@final
class Batches:
    """Training crops: `batches(step)` gives the LR and HR tensors of that step.

    Args:
        pairs: The dataset's pictures.
        recipe: A stage's.
        device: Where the tensors are wanted.
        rank: Which part of each batch, of as many as the recipe has ranks; None = all of it.
    """

    def __init__(
        self, pairs: Pairs, recipe: Recipe, *, device: torch.device, rank: int | None = None
    ) -> None:
        self._pairs = pairs
        self._seed = recipe.seed
        self._patch = recipe.data.patch
        self._batch = recipe.data.batch
        each = self._batch // (1 if rank is None else rank_count(recipe.resources))
        self._crops = range((rank or 0) * each, ((rank or 0) + 1) * each)
        self._turns = TURNS[recipe.data.augment]
        self._device = device
        self._per_crop = (
            Degradation(recipe.data.degradation, scale=recipe.scale)
            if recipe.data.lr_from == "crop"
            else None
        )
        self._indices = pairs.dataset.indices("train")
        self._places = {index: place for place, index in enumerate(self._indices)}
        self._resident = self._kept()
        self._order = functools.lru_cache(maxsize=4)(self._shuffled)

    def __call__(self, step: int, attempt: int = 0) -> tuple[Tensor, Tensor]:
        """Return LR (B, 3, p/s, p/s) and HR (B, 3, p, p) in [0, 1], f32, channels last.

        `attempt` counts the NaN guard's restarts: a further attempt draws other crops.
        """
        if self._resident is None:
            small, large = (torch.from_numpy(crops) for crops in self.pixels(step, attempt))
        else:
            small, large = self._gathered(step, attempt)
        return self._tensor(small), self._tensor(large)

    def pixels(self, step: int, attempt: int = 0) -> tuple[Pixels, Pixels]:
        """Return the same batch in 8 bits: LR (B, p/s, p/s, 3) and HR (B, p, p, 3)."""
        side = self._patch // self._pairs.scale
        lr = np.empty((len(self._crops), side, side, 3), np.uint8)
        hr = np.empty((len(self._crops), self._patch, self._patch, 3), np.uint8)
        for place, (k, window) in enumerate(self._windows(step, attempt)):
            patch = self._pairs.hr(window.picture)[self._hr_part(window)]
            if self._per_crop is None:
                y, x = window.y, window.x
                small = self._pairs.lr(window.picture)[y : y + side, x : x + side]
            else:
                small = self._per_crop(patch, stream(self._seed, "degradation", step, attempt, k))
            copy_turned(small, window.turn, lr[place])
            copy_turned(patch, window.turn, hr[place])
        return lr, hr

    def condition(self, step: int, attempt: int = 0) -> Tensor | None:
        """Return the segmentation maps of the same crops, (B, classes, p, p) in f32.

        None where the dataset has no maps, which means background everywhere.
        """
        dataset = self._pairs.dataset
        if dataset.classes is None:
            return None
        side = self._patch
        maps = np.empty((len(self._crops), side, side, dataset.classes), np.uint8)
        for own, (_, window) in zip(maps, self._windows(step, attempt), strict=True):
            copy_turned(dataset.map(window.picture, *self._hr_part(window)), window.turn, own)
        return condition_tensor(maps, self._device)

    def _windows(self, step: int, attempt: int) -> Iterator[tuple[int, _Window]]:
        """Yield place in the whole batch and window of each crop of this part."""
        corners = stream(self._seed, "crop", step, attempt).random((self._batch, 2))
        turns = stream(self._seed, "flip", step, attempt).integers(0, 8, self._batch)
        scale, side = self._pairs.scale, self._patch // self._pairs.scale
        for k in self._crops:
            corner, turn = corners[k], turns[k]
            epoch, place = divmod(step * self._batch + k, len(self._indices))
            index = self._indices[self._order(epoch)[place]]
            picture = self._pairs.dataset.pictures[index]
            rows, columns = picture.height // scale, picture.width // scale
            y = int(corner[0] * (rows - side + 1))
            x = int(corner[1] * (columns - side + 1))
            yield k, _Window(index, y, x, self._turns[turn])

    def _hr_part(self, window: _Window) -> tuple[slice, slice]:
        top, left = window.y * self._pairs.scale, window.x * self._pairs.scale
        return slice(top, top + self._patch), slice(left, left + self._patch)

    def _shuffled(self, epoch: int) -> NDArray[np.int64]:
        return stream(self._seed, "order", epoch).permutation(len(self._indices))

    def _kept(self) -> tuple[Resident, Resident] | None:
        """Return LR and HR training pictures on a GPU with room for both, else None."""
        chosen = [self._pairs.dataset.pictures[index] for index in self._indices]
        needed = 2 * 3 * sum(picture.height * picture.width for picture in chosen)
        if self._per_crop is not None or not has_room(self._device, needed):
            return None
        small = (self._pairs.lr(index) for index in self._indices)
        large = (self._pairs.hr(index) for index in self._indices)
        side = self._patch // self._pairs.scale
        return Resident(small, side, self._device), Resident(large, self._patch, self._device)

    def _gathered(self, step: int, attempt: int) -> tuple[Tensor, Tensor]:
        """Return what `pixels` does, cut on the device."""
        assert self._resident is not None
        windows = [window for _, window in self._windows(step, attempt)]
        places = [self._places[window.picture] for window in windows]
        ys, xs = [w.y for w in windows], [w.x for w in windows]
        turns, scale = [w.turn for w in windows], self._pairs.scale
        small = self._resident[0].crops(places, ys, xs, turns)
        up = [y * scale for y in ys], [x * scale for x in xs]
        return small, self._resident[1].crops(places, *up, turns)

    def _tensor(self, crops: Tensor) -> Tensor:
        # (B, H, W, 3) seen as (B, 3, H, W) is channels_last already: no second copy is made.
        pixels = crops.to(self._device)
        return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255.0)


def dataset_problems(dataset: ImageDataset, recipe: Recipe) -> list[Problem]:
    """Return why a dataset cannot serve a recipe; empty where it can."""
    problems = []
    needed = [("data.dataset", "train"), ("evaluation.split", recipe.evaluation.split)]
    for place, split in needed[1:] if recipe.zero_shot else needed:
        if not dataset.indices(split):
            rule = f"dataset {dataset.name} has no picture in its {split} split"
            way_out = "Add pictures, or assign splits with `acutance data add --split`."
            problems.append(Problem(place, split, rule, way_out))
    if recipe.data.lr_from == "stored" and dataset.lr_scale != recipe.scale:
        has = f"of scale {dataset.lr_scale}" if dataset.lr_scale else "none"
        rule = f"`stored` needs LR pictures of scale {recipe.scale}; {dataset.name} has {has}"
        way_out = (
            "Add them with `acutance data add NAME FOLDER --lr FOLDER --scale N`,"
            " or write lr_from: picture."
        )
        problems.append(Problem("data.lr_from", "stored", rule, way_out))
    if recipe.zero_shot:
        return problems
    problems += class_problems(dataset, recipe)
    for link in chain(recipe):
        own = link.stage.data.patch is not None
        place = f"stages.{link.name}.data.patch" if own else "data.patch"
        problems += _small_pictures(dataset, link.recipe.data.patch, place)
    return list(dict.fromkeys(problems))


def _small_pictures(dataset: ImageDataset, patch: int, place: str) -> list[Problem]:
    small = [
        picture.name
        for picture in (dataset.pictures[i] for i in dataset.indices("train"))
        if min(picture.height, picture.width) < patch
    ]
    if not small:
        return []
    shown = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
    rule = f"every training picture of {dataset.name} holds a patch; too small: {shown}"
    way_out = "Choose a smaller patch, or leave these pictures out."
    return [Problem(place, str(patch), rule, way_out)]


def picture_stream(picture: Picture) -> np.random.Generator:
    """Return the random stream of a picture's degradation, keyed by the picture alone."""
    return stream(0, "degradation/picture", int(picture.sha256[:12], 16))


def _whole(picture: Pixels, scale: int) -> Pixels:
    height, width = picture.shape[0] // scale * scale, picture.shape[1] // scale * scale
    return picture[:height, :width]
