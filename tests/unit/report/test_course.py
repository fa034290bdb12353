"""Figures of how a search went: their pixels, their words, their place on the page."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from sweep_example import example_report

from acutance_platform.report.course import importance_png, rungs_png, volume_png
from acutance_platform.report.parallel import parallel_png, parallel_scales
from acutance_platform.report.pictures import drawn
from acutance_platform.report.theme import THEMES

VOLUMES = [(400, 0.1), (900, 0.3), (2000, 0.32)]
IMPORTANCE = {"optimizer.lr": 0.7, "generator": 0.25, "stages.train.loss.pixel.kind": 0.05}
SURVIVAL = [(200, 3, 4, 1), (600, 3, 0, 0), (1800, 3, 0, 0)]


def report(**changes):
    data = example_report(strips=0)
    told = {"volumes": VOLUMES, "importance": IMPORTANCE, "survival": SURVIVAL, **changes}
    return dataclasses.replace(data, **told)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def inked(png, colour):
    return int((pixels(png) == list(bytes.fromhex(colour[1:]))).all(axis=2).sum())


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("draw", [importance_png, parallel_png, rungs_png, volume_png])
def test_figures_have_the_houses_size_and_colours_and_are_the_same_again(draw, name):
    png = draw(report(), theme=name)
    drawing = pixels(png)
    assert drawing.shape == (704, 1024, 3)
    assert tuple(drawing[-1, -1]) == tuple(bytes.fromhex(THEMES[name].page[1:]))
    if draw is not parallel_png:
        assert inked(png, THEMES[name].families[0]) > 100
    assert draw(report(), theme=name) == png


def test_more_trials_that_fail_at_a_rung_are_more_of_their_colour():
    colour = THEMES["light"].families[1]
    few = rungs_png(report(survival=[(200, 3, 4, 1)]))
    many = rungs_png(report(survival=[(200, 3, 1, 4)]))
    assert 0 < inked(few, colour) < inked(many, colour)
    assert inked(rungs_png(report(survival=[(200, 3, 5, 0)])), colour) == 0


def test_axes_are_the_searched_paths_that_differ():
    scales = {scale.path: scale for scale in parallel_scales(report())}
    assert list(scales) == ["generator", "optimizer.lr", "stages.train.loss.pixel.kind"]
    rates = scales["optimizer.lr"].places
    # Rates are powers of ten at equal distances, which only their logarithms show.
    assert [rates[f"t{i:04d}"] for i in range(8)] == pytest.approx([1 - i / 7 for i in range(8)])
    kinds = scales["stages.train.loss.pixel.kind"]
    assert [text for _, text in kinds.ticks] == ["l1", "mse"]
    assert (kinds.places["t0000"], kinds.places["t0001"]) == (1.0, 0.0)


def test_a_value_that_one_trial_lacks_is_absent_and_what_all_share_has_no_axis():
    trials = [
        {"trial": f"t{i}", "state": "COMPLETE", "metrics": {"psnr_y": 30.0 + i}, "steps": 1,
         "recipe": {"a.b": 3, "loss.form": "x"} if i else {"a.b": 3}}
        for i in range(3)
    ]  # fmt: skip
    status = {**example_report(strips=0).status, "trials": trials, "best": "t2"}
    (scale,) = parallel_scales(report(status=status))
    assert scale.path == "loss.form"
    assert set(scale.places) == {"t1", "t2"}
    assert parallel_png(report(status=status))


def test_the_words_say_what_the_figures_show():
    words = {picture.title: picture.alt for picture in drawn(report(), "It went well.")}
    assert list(words) == [
        "Hypervolume",
        "Quality over cost",
        "Learning curves",
        "Who passed the rungs",
        "Searched values",
        "What mattered",
    ]
    assert "ends at 0.32 after 2,000 steps" in words["Hypervolume"]
    assert "nine tenths of that after 900" in words["Hypervolume"]
    assert "at step 200 3 of 8 passed" in words["Who passed the rungs"]
    assert "generator, lr, pixel.kind" in words["Searched values"]
    assert "lr 70%, generator 25%, pixel.kind 5%" in words["What mattered"]


def test_what_has_nothing_to_show_is_left_out():
    data = report(volumes=(), importance={}, survival=[(1800, 8, 0, 0)])
    titles = [picture.title for picture in drawn(data, "")]
    assert titles == ["Quality over cost", "Learning curves", "Searched values"]
