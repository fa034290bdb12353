"""Self-ensemble, tiles, grey pictures, PIRM and given LR pictures, each by itself and together."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import photograph, photographs, refused
from PIL import Image

from acutance_models import (
    bicubic_upscale,
    build_generator,
    degrade_luma,
    dump_weights,
    matlab_resize,
    rgb_to_ycbcr,
    score,
    score_luma,
    upscale,
    ycbcr_to_rgb,
)

SMALL = {
    "rgb": {"kind": "srresnet", "channels": 4, "blocks": 1},
    "luma": {"kind": "idn", "channels": 8, "blocks": 1, "step": 2, "groups": 1},
    "unbounded": {"kind": "rcan", "channels": 8, "groups": 1, "blocks": 2, "reduction": 2},
}


@pytest.fixture
def model(place):
    """Write a small network with weights drawn from a seed, and return it with its file."""

    def written(name, scale=2):
        network = build_generator(SMALL[name], scale=scale, seed=1).eval()
        path = place / f"{name}.safetensors"
        path.write_bytes(dump_weights(network, network.spec, scale))
        return network, path

    return written


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


def eight_by_hand(network, lr):
    """Mean over mirroring and quarter turns, written out once more."""
    total = 0
    for turns in range(4):
        for mirrored in (False, True):
            seen = torch.rot90(lr, turns, (1, 2))
            seen = seen.flip(2) if mirrored else seen
            sr = upscale(network, seen)
            sr = sr.flip(2) if mirrored else sr
            total = total + torch.rot90(sr, -turns, (1, 2))
    return total / 8


def measured(acutance, *words):
    done = acutance("evaluate", *words, "--json")
    assert done.code == 0, done.err
    return done.json


def lr_of(folder, scale=2):
    hr = np.asarray(Image.open(folder / "p0.png"))
    return hr, matlab_resize(hr, scale=1 / scale)


def test_self_ensemble_is_the_mean_of_eight_orientations(place, acutance, model):
    network, path = model("rgb")
    folder = photographs(place / "one", 1, 40, 56)
    hr, lr = lr_of(folder)
    sr = eight_by_hand(network, tensor(lr)).permute(1, 2, 0).numpy()
    expected = score(sr, hr, protocol="rcan", scale=2, metrics=["psnr_y"])["psnr_y"]
    plus = measured(acutance, path, folder, "--self-ensemble")
    assert plus["mean"]["psnr_y"] == pytest.approx(expected, abs=1e-4)
    assert plus["protocol"]["self_ensemble"] is True
    plain = measured(acutance, path, folder)
    assert plain["protocol"]["self_ensemble"] is False
    assert plain["mean"]["psnr_y"] != pytest.approx(expected, abs=1e-3)


def test_self_ensemble_of_a_luma_network_turns_luma_and_leaves_colour_to_bicubic(
    place, acutance, model
):
    network, path = model("luma")
    folder = photographs(place / "one", 1, 40, 56)
    hr, lr = lr_of(folder)
    planes = rgb_to_ycbcr(lr)
    luma = torch.from_numpy(planes[None, :, :, 0] / 255).float()
    for words, y in [
        ((), upscale(network, luma)),
        (("--self-ensemble",), eight_by_hand(network, luma)),
    ]:
        enlarged = matlab_resize(planes, scale=2)
        enlarged[:, :, 0] = y[0].numpy() * 255
        sr = (ycbcr_to_rgb(enlarged) / 255).astype(np.float32)
        expected = score(sr, hr, protocol="rcan", scale=2, metrics=["psnr_y", "psnr_rgb"])
        found = measured(acutance, path, folder, *words)["mean"]
        assert found["psnr_y"] == pytest.approx(expected["psnr_y"], abs=1e-3)
        assert found["psnr_rgb"] == pytest.approx(expected["psnr_rgb"], abs=1e-3)


def projected_by_hand(sr, lr, times):
    """`sr += up(lr - down(sr))`, written out once more."""
    sr = np.clip(sr, 0, 1)
    for _ in range(times):
        small = matlab_resize(sr, scale=1 / 2)
        sr = np.clip(sr + matlab_resize(lr - small, scale=2.0), 0, 1)
    return sr


def test_back_projection_adds_what_sr_lacks_of_lr(place, acutance, model):
    network, path = model("rgb")
    folder = photographs(place / "one", 1, 40, 56)
    hr, lr = lr_of(folder)
    sr = upscale(network, tensor(lr)).permute(1, 2, 0).numpy()
    metrics = ["psnr_y", "lr_consistency"]
    words = (path, folder, "--metrics", ",".join(metrics))
    before = measured(acutance, *words)
    assert before["protocol"]["back_projections"] == 0
    for times in (1, 5):
        by_hand = projected_by_hand(sr, lr / np.float32(255), times).astype(np.float32)
        expected = score(by_hand, hr, protocol="rcan", scale=2, metrics=metrics, lr=lr)
        found = measured(acutance, *words, "--back-project", times)
        assert found["mean"] == pytest.approx(expected, abs=1e-2)
        assert found["protocol"]["back_projections"] == times
        assert found["mean"]["lr_consistency"] > before["mean"]["lr_consistency"] + 1
    table = acutance("evaluate", path, folder, "--back-project", 5).out
    assert "back-projected 5 times" in " ".join(table.split())


def test_back_projection_of_a_luma_network_under_a_protocol_of_luma(place, acutance, model):
    network, path = model("luma")
    folder = photographs(place / "one", 1, 40, 56)
    hr, _ = lr_of(folder)
    plane = degrade_luma(hr, "y8", 2)
    sr = upscale(network, torch.from_numpy(plane[None]).float())[0].numpy()
    by_hand = projected_by_hand(sr, plane.astype(np.float32), 3)
    expected = score_luma(by_hand, hr, protocol="y8", scale=2, metrics=["psnr_y"])["psnr_y"]
    found = measured(acutance, path, folder, "--protocol", "y8", "--back-project", 3)
    assert found["mean"]["psnr_y"] == pytest.approx(expected, abs=1e-2)
    plain = measured(acutance, path, folder, "--protocol", "y8")
    assert plain["mean"]["psnr_y"] != pytest.approx(expected, abs=1e-1)


@pytest.mark.parametrize("protocol", ["rcan", "y8"])
@pytest.mark.parametrize("name", ["rgb", "luma"])
def test_tiles_change_nothing_where_the_network_sees_a_part(name, protocol, place, acutance, model):
    network, path = model(name)
    folder = photographs(place / "one", 1, 96, 120)
    assert network.receptive_field is not None
    words = (path, folder, "--protocol", protocol)
    whole, tiled = measured(acutance, *words), measured(acutance, *words, "--tile", 16)
    assert tiled["mean"] == pytest.approx(whole["mean"], abs=2e-3)
    assert (whole["protocol"]["tile"], tiled["protocol"]["tile"]) == (None, 16)
    both = measured(acutance, *words, "--tile", 16, "--self-ensemble")
    plus = measured(acutance, *words, "--self-ensemble")
    assert both["mean"] == pytest.approx(plus["mean"], abs=2e-3)


def test_tiles_change_a_little_where_the_network_sees_everything(place, acutance, model):
    _, path = model("unbounded")
    folder = photographs(place / "one", 1, 192, 240)
    whole, tiled = (
        measured(acutance, path, folder, *words)["mean"] for words in ((), ("--tile", 16))
    )
    assert tiled["psnr_y"] != whole["psnr_y"]
    assert tiled["psnr_y"] == pytest.approx(whole["psnr_y"], abs=0.1)


def test_a_grey_file_is_measured_by_the_rule_of_the_protocol_or_the_asked_one(place, acutance):
    folder = place / "grey"
    folder.mkdir()
    plane = photograph(3)[..., 0]
    Image.fromarray(plane).save(folder / "grey.png")
    words = ("bicubic", folder, "--scale", 2)
    found = {
        rule: measured(acutance, *words, *(["--grey", rule] if rule else []))
        for rule in ("", "raw", "rgb")
    }
    assert found[""]["mean"] == found["rgb"]["mean"]
    assert found[""]["protocol"]["grey"] == "rgb"
    assert found["raw"]["protocol"]["grey"] == "raw"
    gap = found["rgb"]["mean"]["psnr_y"] - found["raw"]["mean"]["psnr_y"]
    assert gap == pytest.approx(20 * math.log10(255 / 219), abs=1e-6)
    sr = bicubic_upscale(matlab_resize(plane[..., None].repeat(3, axis=2), scale=0.5), 2)[..., 0]
    inside = np.s_[2:-2, 2:-2]
    error = np.mean((sr[inside].astype(float) - plane[inside]) ** 2)
    by_hand = 10 * math.log10(255**2 / error)
    assert found["raw"]["mean"]["psnr_y"] == pytest.approx(by_hand)
    Image.fromarray(plane).convert("RGB").save(folder / "grey.png")
    assert measured(acutance, *words, "--grey", "raw")["mean"] == found["rgb"]["mean"]


def test_a_grey_file_reaches_a_luma_network_as_its_paper_shows_it(place, acutance, model):
    network, path = model("luma")
    folder = place / "grey"
    folder.mkdir()
    plane = photograph(4, 64, 48)[..., 0]
    Image.fromarray(plane).save(folder / "grey.png")
    found = measured(acutance, path, folder, "--protocol", "y8")
    assert found["protocol"]["grey"] == "raw"
    lr = matlab_resize(plane / 255, scale=0.5)
    sr = upscale(network, torch.from_numpy(lr[None]).float())[0].numpy()
    sr = np.clip(np.floor(255 * sr.astype(float) + 0.5), 0, 255)
    inside = np.s_[2:-2, 2:-2]
    error = np.mean((sr[inside] - plane[inside]) ** 2)
    assert found["mean"]["psnr_y"] == pytest.approx(10 * math.log10(255**2 / error), abs=1e-3)


def test_pirm_shows_the_rmse_of_the_set_and_its_region(place, acutance):
    folder = photographs(place / "three", 3)
    words = ("bicubic", folder, "--scale", 4, "--protocol", "pirm")
    found = measured(acutance, *words)
    assert found["protocol"]["border"] == 4
    assert found["protocol"]["y"] == "uint8"
    values = [image["rmse"] for image in found["images"]]
    assert found["mean"]["rmse"] == pytest.approx(math.sqrt(np.mean(np.square(values))))
    assert found["mean"]["rmse"] != pytest.approx(np.mean(values), abs=1e-6)
    assert found["region"] == next(
        (n for n, most in [(1, 11.5), (2, 12.5), (3, 16)] if found["mean"]["rmse"] <= most), None
    )
    table = acutance("evaluate", *words).out
    assert "rmse" in table
    assert (f"PIRM region {found['region']}" in table) == (found["region"] is not None)
    assert (
        measured(acutance, "bicubic", folder, "--scale", 2, "--protocol", "pirm")["region"] is None
    )
    assert "region" not in measured(acutance, "bicubic", folder, "--scale", 4)


def test_given_lr_pictures_go_with_every_option(place, acutance, model):
    network, path = model("rgb")
    folder = photographs(place / "hr", 1, 40, 56)
    (place / "lr").mkdir()
    hr, _ = lr_of(folder)
    lr = np.ascontiguousarray(hr[::2, ::2])
    Image.fromarray(lr).save(place / "lr" / "p0.png")
    words = ("--lr", place / "lr", "--protocol", "pirm", "--border", 6)
    found = measured(acutance, path, folder, *words, "--self-ensemble", "--tile", 16)
    sr = eight_by_hand(network, tensor(lr)).permute(1, 2, 0).numpy()
    expected = score(sr, hr, protocol="pirm", scale=2, metrics=["rmse", "psnr_y"], border=6)
    assert found["mean"]["rmse"] == pytest.approx(expected["rmse"], abs=1e-2)
    assert found["protocol"] == {
        "name": "pirm",
        "degradation": "given LR pictures",
        "lr": "uint8",
        "sr_to_uint8": "round",
        "y": "uint8",
        "grey": "rgb",
        "border": 6,
        "self_ensemble": True,
        "back_projections": 0,
        "tile": 16,
    }


def test_options_that_cannot_be_used_are_refused(place, acutance, model):
    _, path = model("rgb")
    folder = photographs(place / "hr", 1, 40, 56)
    (place / "lr").mkdir()
    for side, name in ((20, "p0.png"), (20, "other.png")):
        Image.fromarray(photograph(9, side, side)).save(place / "lr" / name)
    evaluate = ("evaluate", path, folder)
    refused(acutance(*evaluate, "--lr", "lr"), "p0.png", "must be 20x28")
    (place / "lr" / "p0.png").unlink()
    refused(acutance(*evaluate, "--lr", "lr"), "no LR picture")
    refused(acutance(*evaluate, "--lr", "absent"), "absent")
    both = ("--lr", "lr", "--degradation", "matlab_bicubic")
    refused(acutance(*evaluate, *both), "--degradation", "given by --lr")
    refused(acutance(*evaluate, "--tile", 3), "--tile")
    refused(acutance(*evaluate, "--grey", "blue"), "--grey")
    refused(acutance(*evaluate, "--protocol", "prim"), "known: rcan, carn, selfex, y8")
    bicubic = ("bicubic", folder, "--scale", 2)
    refused(acutance("evaluate", *bicubic, "--tile", 64), "--tile", "bicubic has no network")
    refused(acutance("evaluate", *bicubic, "--self-ensemble"), "bicubic has no network")
    refused(acutance("evaluate", *bicubic, "--back-project", 1), "bicubic has no network")
    suite = ("evaluate", path, "--suite", "classics", "--back-project", 1)
    refused(acutance(*suite), "Leave --back-project out")
    picture = Path(folder) / "p0.png"
    words = ("upscale", picture, "--model", "bicubic", "--scale", 2, "--self-ensemble")
    refused(acutance(*words), "bicubic has no network")


def test_upscale_averages_eight_orientations_as_well(place, acutance, model):
    network, path = model("rgb")
    pixels = photograph(5, 20, 31)
    Image.fromarray(pixels).save("small.png")
    done = acutance("upscale", "small.png", "-o", "plus.png", "--model", path, "--self-ensemble")
    assert done.code == 0, done.err
    sr = eight_by_hand(network, tensor(pixels)).permute(1, 2, 0).numpy()
    expected = np.clip(np.floor(sr.astype(float) * 255 + 0.5), 0, 255)
    found = np.asarray(Image.open("plus.png")).astype(int)
    assert np.abs(found - expected).max() <= 1
    assert np.abs(found - expected).mean() < 0.01
