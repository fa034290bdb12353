"""Figures and strips, by what their pixels show."""

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sweep_example import example_picture, example_report

from acutance_platform.report import curves_png, picture_strip, scatter_png
from acutance_platform.report.figures import front
from acutance_platform.report.strip import busiest_crop
from acutance_platform.report.theme import THEMES, Theme, ThemeName

Draw = Callable[..., bytes]


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("draw", [scatter_png, curves_png])
def test_figures(draw: Draw, name: ThemeName) -> None:
    data = example_report(strips=0)
    png = draw(data, theme=name)
    drawn = pixels(png)
    assert drawn.shape == (704, 1024, 3)
    assert tuple(drawn[-1, -1]) == tuple(bytes.fromhex(THEMES[name].page[1:]))
    for colour in THEMES[name].families[:3]:  # each of the three families is there
        assert (drawn == list(bytes.fromhex(colour[1:]))).all(axis=2).any()
    assert draw(data, theme=name) == png


@pytest.mark.parametrize("draw", [scatter_png, curves_png])
def test_figures_of_nothing(draw: Draw) -> None:
    data = example_report(strips=0)
    empty = {**data.status, "trials": [], "best": None, "baseline": {}}
    assert draw(dataclasses.replace(data, status=empty, reports={}, rungs=()))


@pytest.mark.parametrize("theme", THEMES.values())
def test_colours_stand_out(theme: Theme) -> None:
    assert contrast(theme.ink, theme.page) > 7
    assert all(contrast(colour, theme.page) >= 3 for colour in (*theme.families, theme.baseline))


def test_front_keeps_equals_and_drops_the_dominated() -> None:
    values = [(2, 30), (1, 29), (2, 30), (3, 30), (1, 28), (4, 31)]
    points = [(float(x), float(y), {"trial": str(i)}) for i, (x, y) in enumerate(values)]
    assert [point[2]["trial"] for point in front(points)] == ["1", "0", "2", "5"]


def test_the_busiest_crop_is_found_on_the_grid() -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[33:47:2, 61:75:2] = 255
    top, left = busiest_crop(picture, 16, step=4)
    assert top % 4 == left % 4 == 0
    assert top <= 33 and top + 16 >= 47  # noqa: PT018
    assert left <= 61 and left + 16 >= 75  # noqa: PT018
    assert busiest_crop(np.zeros((8, 8, 3), np.uint8), 8) == (0, 0)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_strip_shows_the_four_crops(scale: int) -> None:
    hr = example_picture(height=30 * scale, width=40 * scale)
    lr = np.ascontiguousarray(hr[::scale, ::scale])
    sr, bicubic = 255 - hr, hr // 2
    drawn = pixels(
        picture_strip(lr=lr, bicubic=bicubic, models={"SR": sr}, hr=hr, crop=24, panel=24)
    )
    side = 24
    panels = [drawn[-8 - side : -8, 8 + i * (side + 8) :][:, :side] for i in range(4)]
    top, left = busiest_crop(hr, side, step=scale)
    window = np.s_[top : top + side, left : left + side]
    assert (panels[1] == bicubic[window]).all()
    assert (panels[2] == sr[window]).all()
    assert (panels[3] == hr[window]).all()
    low = lr.repeat(scale, axis=0).repeat(scale, axis=1)
    assert (panels[0] == low[window]).all()


def test_a_strip_of_several_models_has_a_panel_and_lines_for_each() -> None:
    hr = example_picture(height=60, width=80)
    lr = np.ascontiguousarray(hr[::2, ::2])
    made = {"t0000": hr // 2, "t0003, knee": hr // 3, "t0001": 255 - hr}
    lines = [("", "30.10 dB"), ("Feature distance", "0.1489")]
    how = {"lr": lr, "bicubic": hr, "hr": hr, "crop": 24, "panel": 24}
    one = pixels(picture_strip(**how, models=made, notes={"t0001": lines[:1]}))
    two = pixels(picture_strip(**how, models=made, notes={"t0001": lines}))
    assert one.shape[1] == two.shape[1] == 6 * (24 + 8) + 8
    assert two.shape[0] - one.shape[0] == 24  # a line more above the panels
    top, left = busiest_crop(hr, 24, step=2)
    window = np.s_[top : top + 24, left : left + 24]
    for place, picture in enumerate(made.values(), start=2):
        panel = two[-8 - 24 : -8, 8 + place * 32 :][:, :24]
        assert (panel == picture[window]).all()


def test_strip_of_a_small_picture_uses_all_of_it() -> None:
    hr = example_picture(height=10, width=14)
    lr = np.ascontiguousarray(hr[::2, ::2])
    assert (
        pixels(picture_strip(lr=lr, bicubic=hr, models={"SR": hr}, hr=hr)).shape[1]
        == 4 * (290 + 8) + 8
    )


def test_strip_refuses_what_does_not_fit() -> None:
    hr = example_picture(height=16, width=16)
    lr = np.zeros((5, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape") as error:
        picture_strip(lr=lr, bicubic=hr, models={"SR": hr}, hr=hr)
    assert "(5, 8, 3)" in str(error.value)
