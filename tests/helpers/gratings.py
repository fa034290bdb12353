"""Pictures whose regions are gratings of two pixels' period, which reduction by four removes.

Each class is a grating on a smooth ground; LR shows the ground alone, so that only a map tells
which grating was there. Run as a program, it rewrites the pictures of `experiments/sftgan-prior`:

    python tests/helpers/gratings.py
"""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments" / "sftgan-prior"
GRATINGS = [
    np.zeros((2, 2)),
    np.array([[1, 1], [-1, -1]]),
    np.array([[1, -1], [1, -1]]),
    np.array([[1, -1], [-1, 1]]),
]
"""Class -> grey levels of a cell of 2x2 pixels: none, lying, upright, chequered."""


def draw(index: int, side: int, *, grey: bool = False) -> tuple[Image.Image, Image.Image]:
    """Return a picture and the map of its classes.

    Args:
        index: Which; each has its own regions and ground.
        side: In pixels, a multiple of 16.
        grey: Whether the ground has one channel, which makes a file of a third of the size.
    """
    y, x = np.mgrid[:side, :side]
    random = np.random.default_rng(index)
    seeds = random.uniform(0, side, (10, 2))
    nearest = np.hypot(y[..., None] - seeds[:, 0], x[..., None] - seeds[:, 1]).argmin(axis=2)
    classes = random.integers(0, len(GRATINGS), 10)[nearest].astype(np.uint8)
    texture = np.stack([np.tile(each, (side // 2, side // 2)) for each in GRATINGS])
    waves = np.take_along_axis(texture, classes[None].astype(int), axis=0)[0]
    shape = (side // 16, side // 16) if grey else (side // 16, side // 16, 3)
    coarse = Image.fromarray(random.integers(60, 196, shape, np.uint8))
    ground = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    mixed = np.clip(ground + 24.0 * (waves if grey else waves[..., None]), 0, 255)
    return Image.fromarray(mixed.astype(np.uint8)), Image.fromarray(classes)


def write(folder: Path, train: int = 8, validation: int = 4, side: int = 96) -> None:
    """Write `pictures/train`, `pictures/validation` and `maps` anew."""
    for name in ("pictures", "maps"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "maps").mkdir(parents=True)
    for index in range(train + validation):
        split = folder / "pictures" / ("train" if index < train else "validation")
        split.mkdir(parents=True, exist_ok=True)
        picture, classes = draw(index, side, grey=True)
        picture.save(split / f"{index:02}.png", optimize=True)
        classes.save(folder / "maps" / f"{index:02}.png", optimize=True)


if __name__ == "__main__":
    write(EXPERIMENT)
