"""`acutance evaluate`: the numbers that the literature prints, and every way to choose the LR."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shared_data import shared

from acutance_models import Degradation, bicubic_upscale, score, stream


@pytest.mark.parametrize(
    ("protocol", "decibels"),
    [("rcan", (33.67, 30.41, 28.43)), ("y8", (33.66, 30.39, 28.42))],
)
def test_bicubic_on_set5_is_what_the_literature_prints(protocol, decibels, acutance):
    folder = shared("data/Set5/HR")
    for scale, expected in zip((2, 3, 4), decibels, strict=True):
        words = ("--scale", scale, "--protocol", protocol, "--json")
        found = acutance("evaluate", "bicubic", folder, *words)
        assert found.code == 0, found.err
        assert found.json["mean"]["psnr_y"] == pytest.approx(expected, abs=0.01)


def test_set5_with_its_distributed_lr_pictures_gives_the_same(acutance):
    folder = shared("data/Set5")
    words = ("--lr", folder / "LRx3", "--scale", 3, "--json")
    found = acutance("evaluate", "bicubic", folder / "HR", *words)
    assert found.code == 0, found.err
    assert found.json["mean"]["psnr_y"] == pytest.approx(30.41, abs=0.01)
    assert found.json["protocol"]["degradation"] == "given LR pictures"


def test_the_document_has_the_promised_shape(place, acutance, weights):
    Path("m.safetensors").write_bytes(weights)
    found = acutance("evaluate", "m.safetensors", "photos", "--json")
    assert found.code == 0, found.err
    assert found.err == ""
    document = found.json
    assert list(document) == [
        "model", "weights", "data", "scale", "protocol", "images", "mean", "notes",
    ]  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", document["weights"])
    assert [image["name"] for image in document["images"]] == [f"p{n}.png" for n in range(5)]
    for name, mean in document["mean"].items():
        assert mean == pytest.approx(np.mean([image[name] for image in document["images"]]))
    assert document["protocol"]["border"] == document["scale"] == 2


def test_the_table_for_people_says_the_same(acutance):
    words = ("evaluate", "bicubic", "photos", "--scale", 2)
    document = acutance(*words, "--json").json
    table = acutance(*words).out
    assert f"{document['mean']['psnr_y']:.4f}" in table
    assert "protocol rcan" in table


def test_degradation_and_border_replace_those_of_the_protocol(place, acutance):
    def mean(*words):
        found = acutance("evaluate", "bicubic", "photos", "--scale", 2, "--json", *words)
        assert found.code == 0, found.err
        return found.json

    plain = mean()
    blurred = mean("--degradation", "[{kind: blur_isotropic, sigma: 2.0}, {kind: matlab_bicubic}]")
    assert blurred["protocol"]["degradation"][0]["kind"] == "blur_isotropic"
    assert blurred["mean"]["psnr_y"] < plain["mean"]["psnr_y"] - 0.5
    short = mean("--degradation", "matlab_bicubic")
    assert short["mean"] == plain["mean"]
    wide = mean("--border", 20)
    hr = np.asarray(Image.open("photos/p0.png"))
    lr = Degradation([{"kind": "matlab_bicubic"}], 2)(hr, stream(0, "unused"))
    inside = np.s_[20:-20, 20:-20]
    sr = bicubic_upscale(lr, 2)[inside]
    alone = score(sr, hr[inside], protocol="rcan", scale=2, metrics=["psnr_y"], border=0)
    assert wide["images"][0]["psnr_y"] == pytest.approx(alone["psnr_y"])
    assert wide["protocol"]["border"] == 20


def test_given_lr_pictures_are_the_ones_measured(place, acutance):
    (place / "lr").mkdir()
    for file in (place / "photos").iterdir():
        hr = np.asarray(Image.open(file))
        Image.fromarray(hr[::2, ::2]).save(place / "lr" / file.name)
    found = acutance("evaluate", "bicubic", "photos", "--lr", "lr", "--scale", 2, "--json")
    assert found.code == 0, found.err
    hr = np.asarray(Image.open("photos/p0.png"))
    sr = bicubic_upscale(np.ascontiguousarray(hr[::2, ::2]), 2)
    alone = score(sr, hr, protocol="rcan", scale=2, metrics=["psnr_y"])
    assert found.json["images"][0]["psnr_y"] == pytest.approx(alone["psnr_y"])


def test_a_licence_beside_the_pictures_is_no_trouble(place, acutance):
    (place / "photos" / "LICENCES.md").write_text("CC0")
    found = acutance("evaluate", "bicubic", "photos", "--scale", 2, "--json")
    assert found.code == 0, found.err
    assert len(found.json["images"]) == 5


def test_a_stored_dataset_is_measured_by_split(acutance):
    assert acutance("data", "add", "mine", "photos").code == 0
    pictures = {
        p["name"]: p["split"] for p in acutance("data", "show", "mine", "--json").json["pictures"]
    }
    for split in ("train", "validation", "test"):
        words = ("--scale", 2, "--split", split, "--json")
        document = acutance("evaluate", "bicubic", "mine", *words).json
        names = {image["name"] for image in document["images"]}
        assert names == {name for name, its in pictures.items() if its == split}
        assert re.fullmatch(f"mine@[0-9a-f]{{12}}/{split}", document["data"])


def test_ctrl_c_leaves_nothing_behind(place, acutance, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("acutance_platform.verbs.picture_scores.score_bicubic", interrupted)
    found = acutance("evaluate", "bicubic", "photos", "--scale", 2)
    assert found.code == 130
    assert "Traceback" not in found.err
    assert [path for path in (place / "local").rglob("*") if path.is_file()] == []
    assert not list((place / "local").glob("evaluate-*"))
