"""Luma of grey pictures under each protocol, and how PIRM 2018 measures; numbers by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from acutance_models import (
    PROTOCOLS,
    build_metrics,
    crop_to_multiple,
    default_metrics,
    degrade_luma,
    matlab_resize,
    pirm_region,
    pooled,
    score,
    score_bicubic,
    score_luma,
)

_STUDIO = 219 / 255  # grey levels of Y per grey level of the file


def grey_picture(value, height=24, width=26):
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize(("protocol", "raw"), [("selfex", True), ("y8", True), ("rcan", False)])
def test_luma_of_a_grey_picture_is_its_values_or_goes_through_rgb(protocol, raw):
    hr, sr = grey_picture(100), grey_picture(110)
    found = score(sr, hr, protocol=protocol, scale=2, metrics=["rmse", "psnr_y"], grey=True)
    # Y of 100 is 101.88, of 110 is 110.47; the protocols that keep raw values do not compute them.
    expected = 10 if raw else 10 * _STUDIO
    assert found["rmse"] == pytest.approx(expected)
    assert found["psnr_y"] == pytest.approx(20 * math.log10(255 / expected))


def test_the_rule_for_grey_pictures_is_worth_1_32_decibels():
    hr = np.random.default_rng(0).integers(0, 256, (40, 40, 1)).repeat(3, axis=2).astype(np.uint8)
    sr = 255 - hr
    values = {
        rule: score(
            sr,
            hr,
            protocol=replace(PROTOCOLS["rcan"], grey=rule),
            scale=2,
            metrics=["psnr_y"],
            grey=True,
        )["psnr_y"]
        for rule in ("raw", "rgb")
    }
    assert values["rgb"] - values["raw"] == pytest.approx(20 * math.log10(255 / 219), abs=1e-9)
    in_colour = score(sr, hr, protocol="selfex", scale=2, metrics=["psnr_y"])["psnr_y"]
    assert in_colour == pytest.approx(values["rgb"], abs=0.01)  # the flag decides, not the pixels


def test_a_grey_picture_reaches_a_luma_network_as_it_is_stored():
    hr = np.random.default_rng(1).integers(0, 256, (16, 12, 1)).repeat(3, axis=2).astype(np.uint8)
    plane = degrade_luma(hr, "y8", 2, grey=True)
    np.testing.assert_allclose(plane, matlab_resize(hr[..., 0] / 255, scale=0.5), atol=1e-12)
    assert np.abs(plane - degrade_luma(hr, "y8", 2)).max() > 0.05
    same = score_luma(hr[..., 0] / 255, hr, protocol="y8", scale=2, metrics=["psnr_y"], grey=True)
    assert same["psnr_y"] == math.inf


def test_bicubic_of_a_grey_picture_follows_the_rule():
    hr = np.random.default_rng(2).integers(0, 256, (33, 40, 1)).repeat(3, axis=2).astype(np.uint8)
    found = score_bicubic(hr, protocol="y8", scale=2, metrics=["rmse"], grey=True)["rmse"]
    plane = crop_to_multiple(hr, 2)[..., 0].astype(float)
    sr = matlab_resize(matlab_resize(plane / 255, scale=0.5), scale=2) * 255
    sr = np.clip(np.floor(sr + 0.5), 0, 255)
    inside = np.s_[2:-2, 2:-2]
    assert found == pytest.approx(np.sqrt(np.mean((sr[inside] - plane[inside]) ** 2)))


def test_pirm_cuts_four_pixels_and_rounds_luma():
    hr = np.zeros((24, 24, 3), np.uint8)
    sr = hr.copy()
    sr[:4] = 255  # outside
    sr[4, 4] = (1, 2, 3)  # Y = 16 + (65.481 + 257.106 + 74.898) / 255 = 17.56, rounded 18
    found = score(sr, hr, protocol="pirm", scale=4, metrics=["rmse"])
    assert found["rmse"] == pytest.approx(math.sqrt(2**2 / 16**2))


def test_the_rmse_of_a_set_pools_squared_errors():
    built = build_metrics(["rmse", "psnr_y"])
    assert pooled(built["rmse"], [3.0, 4.0]) == pytest.approx(math.sqrt((9 + 16) / 2))
    assert pooled(built["psnr_y"], [30.0, 40.0]) == 35
    assert math.isnan(pooled(built["rmse"], [3.0, math.nan]))


def test_rmse_is_shown_by_its_own_protocol_alone():
    assert "rmse" in default_metrics("pirm")
    for name in PROTOCOLS.keys() - {"pirm"}:
        assert "rmse" not in default_metrics(name)
    assert set(default_metrics("pirm")) - {"rmse"} == set(default_metrics("rcan"))


@pytest.mark.parametrize(
    ("rmse", "region"),
    [
        (0, 1),
        (11.5, 1),
        (11.51, 2),
        (12.5, 2),
        (12.51, 3),
        (16, 3),
        (16.01, None),
        (math.nan, None),
    ],
)
def test_regions_end_where_the_challenge_says(rmse, region):
    assert pirm_region(rmse) == region
