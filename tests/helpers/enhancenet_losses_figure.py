"""The figure of `experiments/enhancenet-losses`: details of photographs, a column per mix."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from acutance_models import matlab_resize

FIGURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "enhancenet-losses.png"

Picture = NDArray[np.uint8]
"""RGB of 8 bits, (H, W, 3)."""

DETAILS = {"chelsea.png": (64, 132), "coffee.png": (120, 180)}
"""Photograph -> top and left of its detail in HR pixels."""
SIDE, ZOOM = 72, 3  # of a detail in HR pixels; pixels of the figure per HR pixel
_GAP, _TEXT = 8, 20


class Panel(NamedTuple):
    """One network of the figure."""

    title: str
    upscale: Callable[[Picture], Picture]
    row: Mapping[str, float]
    """`psnr_y` and `feature_distance` of all photographs, told under it."""


def figure(panels: Sequence[Panel], photographs: Path, scale: int) -> Image.Image:
    """Return LR | each panel | HR, a line of details for each photograph."""
    side = SIDE * ZOOM
    columns = ["LR", *(panel.title for panel in panels), "HR"]
    width = _GAP + len(columns) * (side + _GAP)
    paper = Image.new("RGB", (width, 3 * _TEXT + len(DETAILS) * (side + _GAP)), "white")
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(15)
    for place, title in enumerate(columns):
        pen.text((_left(place), _TEXT / 2), title, fill="black", font=font, anchor="lm")
    for line, name in enumerate(DETAILS):
        top = _TEXT + line * (side + _GAP)
        for place, shown in enumerate(_details(panels, photographs / name, scale)):
            paper.paste(shown, (_left(place), top))
    below = _TEXT + len(DETAILS) * (side + _GAP)
    for place, panel in enumerate(panels, start=1):
        told = (f"{panel.row['psnr_y']:.2f} dB", f"features {panel.row['feature_distance']:.3f}")
        for number, text in enumerate(told):
            spot = _left(place), below + (number + 0.4) * _TEXT
            pen.text(spot, text, fill=(80, 80, 80), font=font, anchor="lm")
    return paper


def _left(place: int) -> int:
    return _GAP + place * (SIDE * ZOOM + _GAP)


def _details(panels: Sequence[Panel], file: Path, scale: int) -> list[Image.Image]:
    """Return the same detail of LR, of what each network makes of it, and of HR, enlarged."""
    hr = np.asarray(Image.open(file).convert("RGB"))
    hr = hr[: hr.shape[0] // scale * scale, : hr.shape[1] // scale * scale]
    small = matlab_resize(hr, size=(hr.shape[0] // scale, hr.shape[1] // scale))
    lr = np.floor(np.clip(small, 0, 255) + 0.5).astype(np.uint8)
    pictures = [lr.repeat(scale, axis=0).repeat(scale, axis=1)]
    pictures += [panel.upscale(lr) for panel in panels] + [hr]
    top, left = DETAILS[file.name]
    crops = [picture[top : top + SIDE, left : left + SIDE] for picture in pictures]
    size = (SIDE * ZOOM, SIDE * ZOOM)
    return [Image.fromarray(crop).resize(size, Image.Resampling.NEAREST) for crop in crops]
