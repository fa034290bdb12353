"""What a new blind test asks: which crops of which pictures, of which models."""

import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.dashboard.panels import MOST, Named
from acutance_platform.recipe import refuse
from acutance_storage import ImageDataset

_MOST_QUESTIONS: Final = 400
_TRIED: Final = 24  # crops of which the one with most detail is taken


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
    """Give crops with detail of pictures drawn by lot, for every two models."""
    lot = random.Random(f"{asked.name} {dataset.version}")
    fitting = [
        index
        for index in dataset.indices(asked.split)
        if min(dataset.pictures[index].height, dataset.pictures[index].width) >= asked.side
    ]
    count = len(asked.models)
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    number = min(asked.pictures, len(fitting))
    if number * asked.crops * len(pairs) > _MOST_QUESTIONS:
        rule = f"{number * asked.crops * len(pairs)} questions are more than {_MOST_QUESTIONS}"
        raise refuse("pictures", asked.pictures, rule, "Ask for fewer pictures, crops or models.")
    for index in sorted(lot.sample(fitting, number)):
        picture = dataset.pictures[index]
        for x, y in _crops(dataset.hr(index), asked.side, asked.crops, lot):
            for pair in pairs:
                yield {
                    "picture": picture.name,
                    "index": index,
                    "size": [picture.height, picture.width],
                    "crop": [x, y, asked.side, asked.side],
                    "pair": pair,
                }


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
