"""Distances that a network sees: definitions by hand, rankings on real pictures, files."""

import math

import numpy as np
import pytest
import torch
from feature_files import as_file, feature_file
from formula_picture import formula_picture
from metric_files import LPIPS_CHANNELS, lpips_files, lpips_heads
from scipy.ndimage import gaussian_filter, map_coordinates
from shared_data import read_rgb, shared

from acutance_models import (
    RegistryError,
    bicubic_upscale,
    build_features,
    build_metrics,
    crop_to_multiple,
    metric_files,
    score,
)

SMALL = {"kind": "random", "channels": 2}


def maps(picture, spec, layers, weights=None):
    """Return the layers' maps of a picture of 0..255, without batch."""
    network = build_features(spec, layers=layers, weights=weights)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return {layer: each[0].double().numpy() for layer, each in network(tensor, layers).items()}


@pytest.fixture
def pair():
    hr = formula_picture()
    return np.ascontiguousarray(hr[:, ::-1]), hr


def scored(sr, hr, *metrics, files=None):
    built = build_metrics(metrics, files=files)
    return score(sr, hr, protocol="rcan", scale=2, metrics=built, border=0)


def test_a_picture_is_at_no_distance_from_itself(pair):
    _, hr = pair
    found = scored(hr, hr, "feature_distance", "gram_distance", "lpips", files=lpips_files())
    assert found == {"feature_distance": 0, "gram_distance": 0, "lpips": 0}


@pytest.mark.parametrize("room", [None, 0])
@pytest.mark.parametrize("name", ["feature_distance", "gram_distance", "lpips"])
def test_a_real_picture_is_looked_at_once_as_far_as_there_is_room(pair, name, room):
    sr, hr = pair
    built = build_metrics([name], files=lpips_files())
    seen, passes = built[name]._made, []
    make = seen._make
    seen._make = lambda picture: passes.append(1) or make(picture)
    seen._room = seen._room if room is None else room
    values = [scored(each, hr, name, files=lpips_files())[name] for each in (sr, hr, sr)]
    assert [built[name](each, hr) for each in (sr, hr, sr)] == values
    assert len(passes) == (4 if room is None else 6)
    other = np.ascontiguousarray(hr[::-1])
    assert built[name](other, other) == 0
    assert built[name](sr, hr) == values[0]


@pytest.mark.parametrize("distance", ["l1", "mse"])
def test_feature_distance_is_its_definition(pair, distance):
    layers = {"conv2_1": 2.0, "relu1_2": 0.5}
    spec = {"kind": "feature_distance", "features": SMALL, "layers": layers, "distance": distance}
    ours, real = (maps(picture, SMALL, layers) for picture in pair)
    norm = np.abs if distance == "l1" else np.square
    wanted = sum(w * norm(ours[layer] - real[layer]).mean() for layer, w in layers.items())
    assert scored(*pair, spec)["feature_distance"] == pytest.approx(wanted, rel=1e-5)


def test_gram_distance_is_its_definition(pair):
    layers = {"conv2_1": 2.0, "relu1_2": 0.5}
    spec = {"kind": "gram_distance", "features": SMALL, "layers": layers}
    wanted = 0.0
    for layer, weight in layers.items():
        flat = [maps(picture, SMALL, layers)[layer].reshape(-1, 1) for picture in pair]
        flat = [each.reshape(len(maps(pair[0], SMALL, [layer])[layer]), -1) for each in flat]
        made, real = (each @ each.T for each in flat)
        wanted += weight * np.linalg.norm(made - real) / np.linalg.norm(real)
    assert scored(*pair, spec)["gram_distance"] == pytest.approx(wanted, rel=1e-5)


def test_a_gram_matrix_forgets_where_and_its_patches_do_not():
    hr = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    sr = np.ascontiguousarray(np.roll(hr, 16, axis=0))
    first = {"kind": "gram_distance", "features": SMALL, "layers": {"conv1_1": 1.0}}
    patched = {**first, "patch": 16, "name": "patched"}
    found = scored(sr, hr, first, patched)
    assert found["gram_distance"] < 0.05  # the borders alone
    assert found["patched"] > 2 * found["gram_distance"]


def test_no_texture_is_at_distance_one_and_texture_from_none_is_infinite():
    metric = build_metrics(["gram_distance"])["gram_distance"]
    none, some = torch.zeros(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
    assert metric._of(none, some) == pytest.approx(1)
    assert metric._of(none, none) == 0
    assert metric._of(some, none) == math.inf


def test_lpips_is_its_definition(pair):
    files = lpips_files()
    heads = lpips_heads()
    ours, real = (maps(p, "vgg16", LPIPS_CHANNELS, files["vgg16"]) for p in pair)
    wanted = 0.0
    for place, layer in enumerate(LPIPS_CHANNELS):
        unit = [each[layer] / np.linalg.norm(each[layer], axis=0) for each in (ours, real)]
        weight = heads[f"lin{place}.model.1.weight"].numpy().reshape(-1, 1, 1)
        wanted += (weight * np.nan_to_num(unit[0] - unit[1]) ** 2).sum(axis=0).mean()
    assert scored(*pair, "lpips", files=files)["lpips"] == pytest.approx(wanted, rel=1e-4)


def test_lpips_is_symmetric_and_its_heads_are_linear(pair):
    sr, hr = pair
    files = lpips_files()
    doubled = as_file({name: 2 * head for name, head in lpips_heads().items()})
    once = scored(sr, hr, "lpips", files=files)["lpips"]
    assert scored(hr, sr, "lpips", files=files)["lpips"] == pytest.approx(once)
    twice = scored(sr, hr, "lpips", files={**files, "lpips-vgg": doubled})["lpips"]
    assert twice == pytest.approx(2 * once, rel=1e-5)


def _pushed(hr, seed):
    """Return the picture with every place pushed about by a pixel: sharp, and wrong."""
    noise = np.random.default_rng(seed).normal(size=(2, *hr.shape[:2]))
    push = [gaussian_filter(each, 4) for each in noise]
    push = [each / each.std() for each in push]
    y, x = np.mgrid[: hr.shape[0], : hr.shape[1]]
    planes = [
        map_coordinates(hr[..., c].astype(float), [y + push[0], x + push[1]], mode="nearest")
        for c in range(3)
    ]
    return np.stack(planes, axis=2).clip(0, 255).round().astype(np.uint8)


def set5(name):
    """Return HR and MATLAB's bicubic at scale 4."""
    hr = crop_to_multiple(read_rgb(shared(f"data/Set5/HR/{name}.png")), 4)
    return hr, bicubic_upscale(read_rgb(shared(f"data/Set5/LRx4/{name}.png")), 4)


def test_the_defaults_rank_set5_as_their_documentation_says():
    """Sharp before blurred, which PSNR ranks the other way round."""
    names = ["psnr_y", "feature_distance", "gram_distance"]
    built = build_metrics(names)
    found = {}
    for name in ("baby", "bird", "butterfly", "head", "woman"):
        hr, bicubic = set5(name)
        noise = np.random.default_rng(0).normal(0, 10, hr.shape)
        pictures = {
            "pushed": _pushed(hr, 1),
            "noisy": np.clip(hr + noise, 0, 255).round().astype(np.uint8),
            "bicubic": bicubic,
        }
        here = {
            kind: score(sr, hr, protocol="rcan", scale=4, metrics=built, border=0)
            for kind, sr in pictures.items()
        }
        assert here["pushed"]["psnr_y"] < here["bicubic"]["psnr_y"] - 1.5
        for metric in ("feature_distance", "gram_distance"):
            assert here["pushed"][metric] < 0.8 * here["bicubic"][metric]
        for kind, values in here.items():
            found.setdefault(kind, []).append([values[metric] for metric in names])
    means = {kind: np.mean(rows, axis=0) for kind, rows in found.items()}
    assert means["pushed"] == pytest.approx([26.3, 0.12, 0.037], rel=0.05)
    assert means["noisy"][1:] == pytest.approx([0.22, 0.61], rel=0.05)
    assert means["bicubic"] == pytest.approx([28.4, 0.29, 0.50], rel=0.05)


@pytest.mark.parametrize("network", [{"seed": 1}, {"seed": 2}, {"seed": 0, "channels": 16}])
def test_the_ranking_is_not_one_seeds(network):
    hr, bicubic = set5("butterfly")
    features = {"kind": "random", "channels": 8, **network}
    asked = [{"kind": kind, "features": features} for kind in ("feature_distance", "gram_distance")]
    sharp, blurred = (scored(sr, hr, *asked) for sr in (_pushed(hr, 1), bicubic))
    assert sharp["feature_distance"] < 0.8 * blurred["feature_distance"]
    assert sharp["gram_distance"] < 0.3 * blurred["gram_distance"]


def test_shallow_random_layers_prefer_the_blurred_picture():
    hr, bicubic = set5("butterfly")
    shallow = {"kind": "feature_distance", "layers": {"conv1_2": 1.0}}
    sharp, blurred = (
        scored(sr, hr, shallow)["feature_distance"] for sr in (_pushed(hr, 1), bicubic)
    )
    assert sharp > blurred


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("psnr_y", ()),
        ("feature_distance", ()),
        ({"kind": "feature_distance", "features": "vgg19", "layers": {"conv5_4": 1.0}}, ("vgg19",)),
        (
            {
                "kind": "gram_distance",
                "features": {"kind": "vgg16", "file": "minc"},
                "layers": {"relu2_1": 1.0},
            },
            ("minc",),
        ),
        ("lpips", ("vgg16", "lpips-vgg")),
        ("niqe", ("niqe",)),
        ({"kind": "niqe", "file": "mine", "name": "ours"}, ("mine",)),
    ],
)
def test_a_metric_says_which_files_it_reads(entry, files):
    assert metric_files(entry) == files


@pytest.mark.parametrize(
    ("entry", "files", "words"),
    [
        (
            {"kind": "feature_distance", "features": "vgg19", "layers": {"conv1_1": 1.0}},
            {},
            "needs the file vgg19",
        ),
        ("lpips", {"vgg16": b""}, "lpips needs the file lpips-vgg"),
        ("lpips", {"lpips-vgg": as_file(lpips_heads())}, "needs the file vgg16"),
        ("lpips", {"lpips-vgg": as_file({"lin0.model.1.weight": torch.ones(1, 3, 1, 1)})}, "lin0"),
        (
            "lpips",
            {"lpips-vgg": as_file({**lpips_heads(), "more": torch.ones(1)})},
            "no heads of LPIPS for VGG-16: more",
        ),
    ],
)
def test_files_that_are_missing_or_wrong_are_named(entry, files, words):
    with pytest.raises(RegistryError, match=words):
        build_metrics([entry], files=files)


def test_a_network_of_a_file_is_used(pair):
    file = feature_file("vgg19-normalised", ["relu2_1"])
    spec = {
        "kind": "feature_distance",
        "features": "vgg19-normalised",
        "layers": {"relu2_1": 1.0},
    }
    ours, real = (maps(p, "vgg19-normalised", ["relu2_1"], file)["relu2_1"] for p in pair)
    found = scored(*pair, spec, files={"vgg19-normalised": file})["feature_distance"]
    assert found == pytest.approx(np.abs(ours - real).mean(), rel=1e-5)
