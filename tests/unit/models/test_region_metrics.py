"""Metrics of what the segmentation map names, and of how much of a feature network answers."""

import math

import numpy as np
import pytest
import torch
from formula_picture import formula_picture

from acutance_models import (
    ProtocolError,
    bicubic_upscale,
    build_features,
    build_metrics,
    degrade_luma,
    matlab_resize,
    rgb_to_y,
    score,
    score_bicubic,
    score_luma,
)

FIRST, SECOND, ABSENT = (
    {"kind": "psnr_y_class", "label": label, "name": f"class{label}"} for label in (0, 1, 2)
)
SMALL = {"kind": "random", "channels": 2}


def halves(hr, classes=3):
    """Shares of three classes: the left half is the first, the right half mostly the second."""
    shares = np.zeros((*hr.shape[:2], classes), np.uint8)
    middle = hr.shape[1] // 2
    shares[:, :middle, 0] = 255
    shares[:, middle:, :2] = 100, 155
    return shares


def scored(sr, hr, *metrics, **more):
    return score(sr, hr, metrics=metrics, **{"protocol": "rcan", "scale": 2, "border": 4, **more})


@pytest.fixture
def pair():
    hr = formula_picture()
    return bicubic_upscale(matlab_resize(hr, scale=1 / 2), 2), hr


def test_psnr_of_a_class_is_psnr_of_its_pixels_inside_the_border(pair):
    sr, hr = pair
    found = scored(sr, hr, FIRST, SECOND, "psnr_y", shares=halves(hr))
    away = (rgb_to_y(sr) - rgb_to_y(hr))[4:-4, 4:-4] ** 2
    parts = {"class0": away[:, : away.shape[1] // 2], "class1": away[:, away.shape[1] // 2 :]}
    for name, part in parts.items():
        assert found[name] == pytest.approx(10 * math.log10(255**2 / part.mean()))
    assert min(parts, key=found.get) == max(parts, key=lambda name: parts[name].mean())
    assert found["psnr_y"] == pytest.approx(10 * math.log10(255**2 / away.mean()))


def test_an_error_outside_a_class_does_not_reach_it(pair):
    _, hr = pair
    sr = hr.copy()
    sr[:, : hr.shape[1] // 2] ^= 1
    found = scored(sr, hr, FIRST, SECOND, shares=halves(hr))
    assert found["class0"] < math.inf == found["class1"]


def test_a_class_that_a_picture_does_not_show_has_no_value(pair):
    sr, hr = pair
    assert set(scored(sr, hr, FIRST, ABSENT, "psnr_y", shares=halves(hr))) == {"class0", "psnr_y"}
    at_the_edge = np.zeros((*hr.shape[:2], 3), np.uint8)
    at_the_edge[..., 0] = 1
    at_the_edge[:4, :, 1] = 2
    assert scored(sr, hr, SECOND, shares=at_the_edge) == {}


def test_bicubic_and_luma_planes_have_classes_too():
    hr = formula_picture()
    odd = np.pad(hr, ((0, 1), (0, 1), (0, 0)))
    options = {"protocol": "y8", "scale": 2, "metrics": [FIRST, SECOND]}
    found = score_bicubic(odd, shares=halves(odd), **options)
    plane = degrade_luma(hr, "y8", 2)
    own = score_luma(bicubic_upscale(plane, 2), hr, shares=halves(odd)[:-1, :-1], **options)
    assert found == own
    assert found["class0"] != found["class1"]


def test_a_class_wants_a_map_and_one_of_the_pictures_size(pair):
    sr, hr = pair
    with pytest.raises(ProtocolError, match="class0 looks at a segmentation map, and there is no"):
        scored(sr, hr, FIRST)
    with pytest.raises(ProtocolError, match="Crop both to a multiple of the scale"):
        scored(sr, hr, FIRST, shares=halves(hr)[1:])


@pytest.mark.parametrize("layers", [{"relu1_1": 1.0}, {"relu1_2": 3.0, "pool1": 1.0}])
def test_active_features_are_those_that_are_not_zero(pair, layers):
    sr, hr = pair
    metric = {"kind": "active_features", "features": SMALL, "layers": layers}
    network = build_features(SMALL, layers=layers)
    with torch.no_grad():
        seen = network(torch.from_numpy(sr).permute(2, 0, 1)[None].float() / 255, layers)
    wanted = sum(
        w * np.count_nonzero(seen[name]) / seen[name].numel() for name, w in layers.items()
    )
    found = scored(sr, hr, metric, border=0)["active_features"]
    assert found == pytest.approx(wanted / sum(layers.values()))
    assert 0 < found < 1


def test_before_its_activation_a_layer_is_awake_everywhere(pair):
    sr, hr = pair
    metric = {"kind": "active_features", "features": SMALL, "layers": {"conv5_4": 1.0}}
    assert scored(sr, hr, metric)["active_features"] == 1
    black = np.zeros_like(hr)
    built = build_metrics([{**metric, "layers": {"relu1_1": 1.0}}])
    network = built["active_features"]._network
    for weight in network.parameters():
        weight.zero_()
    assert built["active_features"](black, hr) == 0
