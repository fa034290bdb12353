"""`evaluate --metrics`: what may be asked, where files come from, what is said beside numbers."""

import numpy as np
import pytest
from calling import photographs, refused
from metric_files import niqe_file
from PIL import Image

from acutance_models import bicubic_upscale, build_metrics, matlab_resize, score
from acutance_platform.training.features import FEATURES
from acutance_platform.verbs.evaluation import evaluate
from acutance_storage import open_store, put_blob, set_ref

ASKED = "psnr_y,edge_acutance,{kind: feature_distance, name: deep},lr_consistency,chroma_shift"


def keep(place, name, data):
    store = open_store(str(place / "store"))
    sha = put_blob(store, data)
    set_ref(store, FEATURES, name, {"blob": sha, "sha256": sha, "source": "", "licence": ""})


def bicubic(acutance, folder, *words):
    done = acutance("evaluate", "bicubic", folder, "--scale", 2, *words, "--json")
    assert done.code == 0, done.err
    return done.json


def test_the_asked_metrics_are_told_for_each_picture_and_on_the_whole(place, acutance):
    told = bicubic(acutance, "photos", "--metrics", ASKED)
    names = ["psnr_y", "edge_acutance", "deep", "lr_consistency", "chroma_shift"]
    assert list(told["mean"]) == names
    for name in names:
        values = [image[name] for image in told["images"]]
        assert told["mean"][name] == pytest.approx(np.mean(values))
    hr = np.asarray(Image.open(place / "photos" / "p0.png"))
    lr = matlab_resize(hr, scale=1 / 2)
    built = build_metrics(["psnr_y", "edge_acutance", "lr_consistency", "feature_distance"])
    alone = score(bicubic_upscale(lr, 2), hr, lr=lr, protocol="rcan", scale=2, metrics=built)
    for name, value in alone.items():
        shown = "deep" if name == "feature_distance" else name
        assert told["images"][0][shown] == pytest.approx(value, rel=1e-6)


def test_a_network_of_luma_is_not_asked_for_colours(place, acutance):
    told = bicubic(acutance, "photos", "--protocol", "y8", "--metrics", "lr_consistency,rmse")
    assert told["mean"]["lr_consistency"] > told["mean"]["rmse"] > 0


def test_given_lr_pictures_are_what_sr_is_held_against(place, acutance):
    lr = place / "lr"
    lr.mkdir()
    for file in (place / "photos").glob("*.png"):
        small = matlab_resize(np.asarray(Image.open(file)), scale=1 / 2)
        Image.fromarray(np.maximum(small, 9) - 9).save(lr / file.name)
    made = bicubic(acutance, "photos", "--metrics", "lr_consistency,brightness_shift")
    given = bicubic(acutance, "photos", "--lr", lr, "--metrics", "lr_consistency,brightness_shift")
    assert abs(given["mean"]["lr_consistency"] - made["mean"]["lr_consistency"]) < 1
    assert given["mean"]["brightness_shift"] == pytest.approx(-9, abs=0.5)


def test_niqe_reads_its_parameters_from_the_store_and_says_when_blocks_are_few(place, acutance):
    folder = photographs(place / "large", 2, 200, 300)
    keep(place, "niqe", niqe_file())
    told = bicubic(acutance, folder, "--metrics", "niqe")
    assert told["mean"]["niqe"] > 0
    assert told["notes"] == [
        f"p{each}.png: niqe of 6 blocks of 96x96 is unstable, 10 settle it" for each in range(2)
    ]
    shown = acutance("evaluate", "bicubic", folder, "--scale", 2, "--metrics", "niqe").out
    assert "niqe of 6 blocks of 96x96 is unstable" in " ".join(shown.split())
    assert bicubic(acutance, folder, "--metrics", "psnr_y")["notes"] == []


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("niqe", "Run `acutance fetch niqe`"),
        ("psnr_y,{kind: niqe, file: mine}", "needs the file mine"),
        ("lpips", "needs the files vgg16, lpips-vgg"),
        ("psny", "Did you mean 'psnr_y'"),
        ("psnr_y,psnr_y", "a metric of the name psnr_y already"),
        ("{kind: edge_acutance, share: 7}", "less than or equal to 1"),
        ("{kind: psnr_y", "this is not YAML"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(place, acutance, metrics, said):
    done = acutance("evaluate", "bicubic", "photos", "--scale", 2, "--metrics", metrics)
    refused(done, said, "--metrics")


def test_a_file_that_is_no_niqe_is_refused(place, acutance):
    keep(place, "niqe", b"something else")
    done = acutance("evaluate", "bicubic", "photos", "--scale", 2, "--metrics", "niqe")
    refused(done, "holds no NIQE parameters")


def test_a_picture_too_small_for_niqe_is_named(place, acutance):
    keep(place, "niqe", niqe_file())
    done = acutance("evaluate", "bicubic", "photos", "--scale", 2, "--metrics", "niqe")
    refused(done, "p0.png", "blocks of 96x96")


def test_python_takes_the_entries_as_they_are(place):
    entries = ["psnr_y", {"kind": "edge_acutance", "share": 0.3}]
    found = evaluate("bicubic", "photos", scale=2, metrics=entries)
    assert list(found.mean) == ["psnr_y", "edge_acutance"]
