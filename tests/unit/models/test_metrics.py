import math

import numpy as np
import pytest
from formula_picture import formula_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acutance_models import (
    PROTOCOLS,
    PictureError,
    Protocol,
    ProtocolError,
    RegistryError,
    degrade,
    rgb_to_y,
    score,
    score_bicubic,
)
from acutance_models.metrics.fidelity import psnr, ssim

ALL = ["psnr_rgb", "psnr_y", "rmse", "ssim_rgb", "ssim_y"]
_PICTURES = arrays(np.uint8, st.tuples(st.integers(19, 24), st.integers(19, 24), st.just(3)))


def _noisy(picture, strength, seed=0):
    noise = np.random.default_rng(seed).normal(0, strength, picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


@given(_PICTURES, st.integers(0, 60), st.sampled_from(sorted(PROTOCOLS)))
def test_metrics_are_symmetric(hr, strength, protocol):
    sr = _noisy(hr, strength)
    one = score(sr, hr, protocol=protocol, scale=2, metrics=ALL)
    other = score(hr, sr, protocol=protocol, scale=2, metrics=ALL)
    assert one == pytest.approx(other, rel=1e-9)


@given(_PICTURES, st.sampled_from(sorted(PROTOCOLS)))
def test_a_picture_is_equal_to_itself(hr, protocol):
    scores = score(hr, hr, protocol=protocol, scale=2, metrics=ALL)
    assert scores["psnr_y"] == scores["psnr_rgb"] == math.inf
    assert scores["rmse"] == 0
    assert scores["ssim_y"] == pytest.approx(1, abs=1e-12)
    assert scores["ssim_rgb"] == pytest.approx(1, abs=1e-12)


@given(_PICTURES, st.data())
def test_psnr_is_finite_as_soon_as_one_pixel_differs(hr, data):
    sr = hr.copy()
    place = tuple(data.draw(st.integers(2, side - 3)) for side in hr.shape[:2])
    sr[place] ^= 1
    assert score(sr, hr, protocol="rcan", scale=2, metrics=["psnr_rgb"])["psnr_rgb"] < math.inf


def test_psnr_is_its_definition():
    assert psnr(np.full((4, 4), 10.0), np.full((4, 4), 15.0)) == pytest.approx(
        10 * math.log10(255**2 / 25)
    )


def test_ssim_is_its_definition():
    x, y = (formula_picture(14, 13)[..., each].astype(float) for each in (0, 1))
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for top in range(4):
        for left in range(3):
            a, b = x[top : top + 11, left : left + 11], y[top : top + 11, left : left + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a = (window * (a - mean_a) ** 2).sum()
            var_b = (window * (b - mean_b) ** 2).sum()
            cov = (window * (a - mean_a) * (b - mean_b)).sum()
            c1, c2 = 2.55**2, 7.65**2
            over = (2 * mean_a * mean_b + c1) * (2 * cov + c2)
            values.append(over / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    assert ssim(x, y) == pytest.approx(np.mean(values), abs=1e-12)


def test_luma_is_bt601_in_studio_swing():
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    wanted = [[16, 235, 81.481, 144.553, 40.966]]
    np.testing.assert_allclose(rgb_to_y(corners.astype(np.uint8)), wanted)


def test_the_border_is_ignored():
    hr = formula_picture()
    sr = hr.copy()
    sr[:3] = 0
    sr[:, -3:] = 255
    assert score(sr, hr, protocol="rcan", scale=3, metrics=["psnr_y"])["psnr_y"] == math.inf
    inner = score(sr, hr, protocol="rcan", scale=3, metrics=["psnr_y"], border=2)
    assert inner["psnr_y"] < math.inf


def test_protocols_differ_by_their_rounding_alone():
    hr = formula_picture()
    sr = (hr + 0.7) / 255
    found = {
        name: score(sr, hr, protocol=name, scale=2, metrics=["psnr_rgb"]) for name in PROTOCOLS
    }
    assert found["carn"]["psnr_rgb"] > 60  # the surplus is cut off
    assert found["rcan"]["psnr_rgb"] == pytest.approx(48.13, abs=0.05)  # rounded up by one level
    noisy = _noisy(hr, 5)
    values = {
        name: score(noisy, hr, protocol=name, scale=2, metrics=["psnr_y"], border=2)["psnr_y"]
        for name in PROTOCOLS
    }
    assert values["rcan"] == values["carn"]
    assert values["selfex"] == values["y8"] == values["pirm"]
    assert values["rcan"] > values["y8"]  # rounding errors add to the difference


def test_floats_are_scored_as_the_eight_bits_they_round_to():
    hr = formula_picture()
    sr = _noisy(hr, 9)
    exact = score(sr, hr, protocol="rcan", scale=2, metrics=ALL)
    near = (sr + 0.3) / np.float32(255)
    assert score(near.astype(np.float32), hr, protocol="rcan", scale=2, metrics=ALL) == exact


def test_values_that_are_not_finite_are_told_and_not_hidden():
    hr = formula_picture()
    sr = hr / np.float32(255)
    sr[20, 20, 0] = np.nan
    scores = score(sr, hr, protocol="rcan", scale=2, metrics=ALL)
    assert list(scores) == ALL
    assert all(math.isnan(value) for value in scores.values())


@pytest.mark.parametrize(
    ("sr", "asked", "error", "words"),
    [
        (np.zeros((8, 8, 3), np.uint8), {}, PictureError, "8x8, the HR picture 48x36"),
        (np.zeros((48, 36), np.uint8), {}, PictureError, r"\(48, 36\)"),
        (np.zeros((48, 36, 3), np.int64), {}, PictureError, "uint8 or floating point"),
        (formula_picture(), {"border": 18}, PictureError, "Nothing of a picture"),
        (formula_picture(), {"border": -1}, PictureError, "Nothing of a picture"),
        (formula_picture(), {"border": 13}, PictureError, "at least 11x11"),
        (formula_picture(), {"protocol": "rcna"}, ProtocolError, "Unknown protocol 'rcna'"),
        (formula_picture(), {"metrics": ["psnr"]}, RegistryError, "Did you mean 'psnr_y'"),
    ],
)
def test_what_cannot_be_scored_is_refused(sr, asked, error, words):
    arguments = {"protocol": "rcan", "scale": 2, "metrics": ["ssim_y"], **asked}
    with pytest.raises(error, match=words):
        score(sr, formula_picture(), **arguments)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bicubic_has_a_value_for_every_metric_and_odd_sizes(protocol):
    scores = score_bicubic(formula_picture(51, 38), protocol=protocol, scale=4, metrics=ALL)
    assert list(scores) == ALL
    assert all(math.isfinite(value) for value in scores.values())


def test_a_protocol_of_ones_own_can_be_used():
    own = Protocol(**{**vars(PROTOCOLS["rcan"]), "name": "own", "border": 4})
    hr = formula_picture()
    sr = _noisy(hr, 9)
    by_hand = score(sr, hr, protocol="rcan", scale=2, metrics=["psnr_y"], border=4)
    assert score(sr, hr, protocol=own, scale=2, metrics=["psnr_y"]) == by_hand


def test_degrade_rounds_only_where_the_protocol_does():
    hr = formula_picture()
    assert degrade(hr, "rcan", 2).dtype == np.uint8
    lr = degrade(hr, "y8", 2)
    assert lr.dtype == np.float32
    assert (lr * 255 != np.round(lr * 255)).any()
