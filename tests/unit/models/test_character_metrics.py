"""Metrics that say in which way a picture departs: by hand, by invariance, by protocol."""

import math

import numpy as np
import pytest
from formula_picture import formula_picture
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from acutance_models import (
    PROTOCOLS,
    ProtocolError,
    bicubic_upscale,
    build_metrics,
    degrade,
    degrade_luma,
    matlab_resize,
    rgb_to_y,
    score,
    score_bicubic,
    score_luma,
)

OWN = ["brightness_shift", "chroma_shift", "edge_acutance", "psnr_y_detail"]
CB, CR = ({"kind": "chroma_shift", "channel": each, "name": each} for each in ("cb", "cr"))
_PLANES = arrays(np.uint8, st.tuples(st.integers(8, 14), st.integers(8, 14)))


def scored(sr, hr, *metrics, **more):
    options = {"protocol": "rcan", "scale": 2, "border": 0, **more}
    return score(sr, hr, metrics=metrics, **options)


def one(name, **arguments):
    return build_metrics([{"kind": name, **arguments}])[name]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_picture_departs_from_itself_in_no_way(protocol):
    hr = formula_picture()
    found = score(hr, hr, protocol=protocol, scale=2, metrics=OWN)
    assert found == {
        "brightness_shift": 0,
        "chroma_shift": 0,
        "edge_acutance": 1,
        "psnr_y_detail": math.inf,
    }


@given(st.integers(-60, 60))
def test_brightness_that_moves_by_k_grey_levels_is_a_shift_of_k_and_none_of_colour(k):
    hr = 60 + formula_picture() // 2
    found = scored(
        (hr + np.int64(k)).astype(np.uint8), hr, "brightness_shift", "chroma_shift", CB, CR
    )
    assert found["brightness_shift"] == pytest.approx(k, abs=1e-9)
    assert found["chroma_shift"] == pytest.approx(0, abs=1e-9)


def test_a_bluer_picture_has_more_cb_and_less_cr():
    hr = np.full((8, 8, 3), 100, np.uint8)
    sr = hr + np.array([0, 0, 10], np.uint8)
    found = scored(sr, hr, "brightness_shift", "chroma_shift", CB, CR)
    assert found["brightness_shift"] == pytest.approx(1.14)
    assert found["cb"] == pytest.approx((10 - 1.14) / 1.772)  # 5.0
    assert found["cr"] == pytest.approx(-1.14 / 1.402)
    assert found["chroma_shift"] == pytest.approx(math.hypot(found["cb"], found["cr"]))


def test_shifts_of_half_a_picture_each_way_cancel():
    hr = np.full((8, 8, 3), 100, np.uint8)
    sr = hr.copy()
    sr[:4] += 20
    sr[4:] -= 20
    assert scored(sr, hr, "brightness_shift")["brightness_shift"] == pytest.approx(0)


def test_an_edge_half_as_high_is_half_as_sharp():
    hr = np.zeros((12, 12))
    hr[:, 6:] = 100
    metric = one("edge_acutance")
    assert metric(hr, hr) == 1
    assert metric(50 + hr / 2, hr) == pytest.approx(0.5)
    assert metric(2 * hr, hr) == pytest.approx(2)
    assert metric(np.full((12, 12), 7.0), hr) == 0


def test_edges_are_where_hr_has_them_and_nowhere_else():
    hr = np.zeros((10, 20))
    hr[:, 10:] = 100
    sr = hr.copy()
    sr[:, :3] = 60  # an edge that HR does not have, in columns 2 and 3
    assert one("edge_acutance")(sr, hr) == 1  # a tenth of the pixels: HR's two columns
    assert one("edge_acutance", share=1)(sr, hr) > 1


def test_a_flat_picture_has_no_edge_to_lose():
    flat = np.full((9, 9), 5.0)
    assert one("edge_acutance")(np.eye(9) * 50, flat) == 1


@given(_PLANES, st.floats(0.3, 3), st.sampled_from([0.05, 0.1, 0.4, 1.0]))
def test_blur_never_sharpens_an_edge(plane, sigma, share):
    hr = plane.astype(float)
    blurred = gaussian_filter(hr, sigma, truncate=8, mode="reflect")
    assert one("edge_acutance", share=share)(blurred, hr) <= 1 + 1e-9


def test_more_blur_is_less_acutance():
    hr = rgb_to_y(formula_picture())
    values = [one("edge_acutance")(gaussian_filter(hr, sigma), hr) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] < 1


def test_detail_is_where_the_variance_is():
    hr = np.zeros((20, 20))
    hr[8:12, 8:12] = np.indices((4, 4)).sum(0) % 2 * 200
    calm, busy = hr.copy(), hr.copy()
    calm[0, 0] += 50
    busy[9, 9] += 50
    assert one("psnr_y_detail")(calm, hr) == math.inf
    assert one("psnr_y_detail")(busy, hr) < one("psnr_y_detail", share=1)(busy, hr)


def test_psnr_in_detail_is_psnr_of_these_pixels():
    hr = np.zeros((10, 10))
    hr[:, 0] = 30  # variance over 3x3 falls from the first column; mirrored at the border
    sr = hr + np.arange(10)[None]  # errors 0, 1, 2, ...
    variance = np.array([np.var([30, 30, 0] * 3), np.var([30, 0, 0] * 3), *[0] * 8])
    assert variance[0] == pytest.approx(variance[1])
    wanted = 10 * math.log10(255**2 / ((0 + 1) / 2))  # the ties at the 10th pixel all count
    assert one("psnr_y_detail", window=3)(sr, hr) == pytest.approx(wanted)


@given(_PLANES, _PLANES)
def test_detail_of_the_whole_picture_is_psnr(hr, sr):
    hr, sr = (each[:8, :8].astype(float) for each in (hr, sr))
    assert one("psnr_y_detail", share=1)(sr, hr) == one("psnr_y")(sr, hr)


def test_lr_consistency_is_psnr_between_the_shrunken_luma_and_lrs():
    hr = formula_picture()
    lr = degrade(hr, "rcan", 2)
    sr = bicubic_upscale(lr, 2)
    found = scored(sr, hr, "lr_consistency", lr=lr)["lr_consistency"]
    away = matlab_resize(rgb_to_y(sr), scale=0.5) - rgb_to_y(lr)
    assert found == pytest.approx(10 * math.log10(255**2 / np.mean(away**2)))


@pytest.mark.parametrize(("protocol", "least", "most"), [("rcan", 57, 63), ("y8", 100, math.inf)])
def test_hr_itself_is_consistent_up_to_lrs_rounding(protocol, least, most):
    hr = np.random.default_rng(0).integers(0, 256, (80, 60, 3)).astype(np.uint8)
    lr = degrade(hr, protocol, 2)
    found = score(hr, hr, protocol=protocol, scale=2, metrics=["lr_consistency"], lr=lr)
    assert least < found["lr_consistency"] <= most


def test_lr_consistency_looks_at_the_whole_picture_whatever_the_border():
    hr = formula_picture()
    lr = degrade(hr, "rcan", 2)
    sr = hr.copy()
    sr[0, 0] = 255
    values = [scored(sr, hr, "lr_consistency", lr=lr, border=border) for border in (0, 8)]
    assert values[0] == values[1] != scored(hr, hr, "lr_consistency", lr=lr)


def test_lr_consistency_of_a_luma_plane():
    hr = formula_picture()
    plane = degrade_luma(hr, "y8", 2)
    options = {"protocol": "y8", "scale": 2, "metrics": ["lr_consistency"]}
    found = score_luma(rgb_to_y(hr) / 255, hr, lr=plane, **options)["lr_consistency"]
    assert found > 55  # luma is rounded to 8 bits before it is shrunk to the plane
    assert score_bicubic(hr, **options)["lr_consistency"] > 25


def test_lr_consistency_without_lr_is_refused():
    hr = formula_picture()
    with pytest.raises(ProtocolError, match="lr_consistency looks at the LR picture"):
        scored(hr, hr, "lr_consistency")
    with pytest.raises(ProtocolError, match="lr_consistency looks at the LR picture"):
        score_luma(rgb_to_y(hr), hr, protocol="y8", scale=2, metrics=["lr_consistency"])


def test_a_shift_is_of_colours_and_not_of_a_luma_plane():
    hr = formula_picture()
    with pytest.raises(ProtocolError, match="brightness_shift looks at colours"):
        score_luma(rgb_to_y(hr), hr, protocol="y8", scale=2, metrics=["brightness_shift"])
