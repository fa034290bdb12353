"""What a new blind test asks: which crops of which pictures, of which models."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.dashboard.panels import MOST, Named
from acutance_platform.recipe import refuse
from acutance_storage import ImageDataset

MOST_CHOSEN: Final = 40
_MOST_QUESTIONS: Final = 400
_LEAST: Final = 8  # pixels of a chosen crop's sides
_TRIED: Final = 24  # crops of which the one with most detail is taken


_CROP: Final = re.compile(r"(.{1,40}):(\d{1,6}),(\d{1,6}),(\d{1,6}),(\d{1,6})")
_Pixels = Annotated[int, Field(ge=0, le=10**6)]


class Chosen(BaseModel):
    """A part of a picture that somebody chose by eye."""

    model_config = ConfigDict(extra="forbid")

    picture: str = Field(max_length=300)
    crop: tuple[_Pixels, _Pixels, _Pixels, _Pixels] | None = None
    """First column, first row, width, height in HR pixels; None lets the most detailed be found."""


class NewTest(BaseModel):
    """What a blind test is made of."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)
    models: list[str] = Field(min_length=2, max_length=MOST)
    data: str = Field(max_length=200)
    split: str = Field(default="validation", max_length=20)
    pictures: int = Field(default=10, ge=1, le=100)
    crops: int = Field(default=1, ge=1, le=5)
    side: int = Field(default=128, ge=32, le=1024)
    chosen: list[Chosen] = Field(default=[], max_length=MOST_CHOSEN)
    """Where it is not empty, these are asked, and `pictures` counts for nothing."""


def handed(pictures: Sequence[str], crops: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the address of a page hands to a new test, with words for each part.

    Args:
        pictures: Names; kept crops are of the first.
        crops: Each NAME:x,y,width,height, as /compare keeps them.

    Raises:
        RecipeErrors: If one is no crop.
    """
    told: list[dict[str, Any]] = []
    for text in crops[:MOST_CHOSEN] if pictures else ():
        found = _CROP.fullmatch(text)
        if found is None:
            rule = "a crop is NAME:x,y,width,height"
            raise refuse("crop", text[:80], rule, "Keep the crop anew on /compare.")
        x, y, width, height = map(int, found.groups()[1:])
        words = f"{found[1]}, {width} × {height} at {x}, {y}"
        told.append({"picture": pictures[0], "crop": [x, y, width, height], "words": words})
    whole = pictures[1:] if told else pictures
    return told + [{"picture": name, "crop": None, "words": "found by detail"} for name in whole]


def kept(named: Named) -> dict[str, Any]:
    """Return a model as a test keeps it: what SWEEP/best is later changes nothing."""
    told = asdict(named)
    recipe = named.recipe
    if recipe is not None and not recipe.get("zero_shot"):
        data = {key: recipe["data"][key] for key in ("degradation", "lr_from")}
        protocol = {"protocol": recipe["evaluation"]["protocol"]}
        plugins = recipe.get("plugins") or []
        told["recipe"] = {"data": data, "evaluation": protocol, "plugins": plugins}
    return told


def questions(asked: NewTest, dataset: ImageDataset) -> Iterator[dict[str, Any]]:
    """Give crops with detail of pictures drawn by lot, or chosen ones, for every two models."""
    lot = random.Random(f"{asked.name} {dataset.version}")
    count = len(asked.models)
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    parts = _parts(asked, dataset, lot, len(pairs))
    for index, crop in parts:
        picture = dataset.pictures[index]
        for pair in pairs:
            yield {
                "picture": picture.name,
                "index": index,
                "size": [picture.height, picture.width],
                "crop": crop,
                "pair": pair,
            }


def _parts(
    asked: NewTest, dataset: ImageDataset, lot: random.Random, pairs: int
) -> Iterator[tuple[int, list[int]]]:
    """Give pictures by index, each with first column, first row, width and height of a crop."""
    if asked.chosen:
        _limit(sum(asked.crops if part.crop is None else 1 for part in asked.chosen) * pairs)
        for place, part in enumerate(asked.chosen):
            index = _index(dataset, asked.split, part.picture, f"chosen.{place}")
            if part.crop is not None:
                yield index, _checked(dataset, index, list(part.crop), f"chosen.{place}.crop")
            elif _fits(dataset, index, asked.side):
                for x, y in _crops(dataset.hr(index), asked.side, asked.crops, lot):
                    yield index, [x, y, asked.side, asked.side]
        return
    fitting = [i for i in dataset.indices(asked.split) if _fits(dataset, i, asked.side)]
    number = min(asked.pictures, len(fitting))
    _limit(number * asked.crops * pairs)
    for index in sorted(lot.sample(fitting, number)):
        for x, y in _crops(dataset.hr(index), asked.side, asked.crops, lot):
            yield index, [x, y, asked.side, asked.side]


def _limit(number: int) -> None:
    if number > _MOST_QUESTIONS:
        rule = f"{number} questions are more than {_MOST_QUESTIONS}"
        raise refuse("pictures", None, rule, "Ask for fewer pictures, crops or models.")


def _fits(dataset: ImageDataset, index: int, side: int) -> bool:
    picture = dataset.pictures[index]
    return min(picture.height, picture.width) >= side


def _index(dataset: ImageDataset, split: str, name: str, place: str) -> int:
    for index in dataset.indices(split):
        if dataset.pictures[index].name == name:
            return index
    rule = f"split {split} of {dataset.name} has no such picture"
    raise refuse(place, name[:80], rule, "Choose it on /compare.")


def _checked(dataset: ImageDataset, index: int, crop: list[int], place: str) -> list[int]:
    picture, (x, y, width, height) = dataset.pictures[index], crop
    inside = x + width <= picture.width and y + height <= picture.height
    if not inside or min(width, height) < _LEAST:
        rule = f"a crop lies in the picture, {picture.width} × {picture.height}, and has"
        rule += f" {_LEAST} pixels a side at least"
        raise refuse(place, ",".join(map(str, crop)), rule, "Keep another one on /compare.")
    return crop


def _crops(
    hr: NDArray[np.uint8], side: int, count: int, lot: random.Random
) -> list[tuple[int, int]]:
    """Return the corners (x, y) of those squares drawn by lot that have most detail."""
    height, width = hr.shape[:2]
    corners = [
        (lot.randint(0, width - side), lot.randint(0, height - side)) for _ in range(_TRIED * count)
    ]

    def detail(corner: tuple[int, int]) -> float:
        x, y = corner
        green = hr[y : y + side, x : x + side, 1].astype(np.int16)
        across, down = np.abs(np.diff(green, axis=1)), np.abs(np.diff(green, axis=0))
        return float(across.mean() + down.mean())

    chosen: list[tuple[int, int]] = []
    for x, y in sorted(dict.fromkeys(corners), key=detail, reverse=True):
        if all(abs(x - a) >= side // 2 or abs(y - b) >= side // 2 for a, b in chosen):
            chosen.append((x, y))
    return chosen[:count]
