"""`acutance fetch`: from a server on loopback, from a file, and what is refused."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import yaml
from calling import RECIPE, refused
from feature_files import feature_file
from file_server import serving
from metric_files import niqe_file
from PIL import Image

from acutance_platform.training import FEATURES
from acutance_platform.verbs import fetching, open_home
from acutance_platform.verbs.files import read_file
from acutance_platform.verbs.published import PUBLISHED
from acutance_storage import get_blob, get_ref, list_refs, open_store

NORMALISED = "vgg19-normalised"


@pytest.fixture(scope="module")
def content():
    """A small file of the normalised VGG-19's layout."""
    return feature_file(NORMALISED, ["relu3_1"])


@pytest.fixture
def publish(monkeypatch):
    """Let the table say that a file with these bytes lies at an address."""

    def publish(address, data, name=NORMALISED):
        sha = hashlib.sha256(data).hexdigest()
        row = replace(PUBLISHED[name], address=address, sha256=sha, size=len(data))
        monkeypatch.setattr(fetching, "PUBLISHED", {**PUBLISHED, name: row})

    return publish


def stored(name=NORMALISED):
    return get_ref(open_store(), FEATURES, name)


def perceptual(features):
    recipe = yaml.safe_load(RECIPE)
    term = {"kind": "perceptual", "weight": 1.0, "layers": {"conv1_2": 1.0}, "features": features}
    recipe["stages"]["train"]["loss"]["perceptual"] = term
    return yaml.safe_dump(recipe)


def test_a_published_file_is_fetched_once_with_licence_source_and_hash(acutance, publish, content):
    with serving(file=content) as (address, asked):
        publish(f"{address}/file", content)
        first = acutance("fetch", NORMALISED)
        again = acutance("fetch", NORMALISED, "--json").json
        assert asked == ["/file"]
    assert first.code == 0, first.err
    ref = stored()
    assert get_blob(open_store(), ref["blob"]) == content
    assert ref["sha256"] == ref["blob"] == hashlib.sha256(content).hexdigest()
    assert ref["licence"] == "Apache-2.0"
    for said in (ref["sha256"], ref["licence"], f"{address}/file", "is here now"):
        assert said in first.out
    assert again["fresh"] is False


def test_the_list_says_what_there_is_and_what_is_here(acutance, publish, content, place):
    publish("http://127.0.0.1:9/none", content)
    (place / "file.pth").write_bytes(content)
    assert acutance("fetch", NORMALISED, "--from", "file.pth").code == 0
    (place / "own.pth").write_bytes(feature_file("vgg16", ["conv1_2"]))
    assert acutance("fetch", "mine", "--from", "own.pth").code == 0
    rows = {row["name"]: row for row in acutance("fetch", "--json").json}
    assert set(rows) == {*PUBLISHED, "mine"}
    assert [name for name, row in rows.items() if row["here"]] == [NORMALISED, "mine"]
    shown = acutance("fetch").out
    assert all(name in shown for name in rows)


def test_what_comes_with_another_hash_is_refused_and_not_stored(acutance, publish, content):
    with serving(file=content[:-1] + b"!") as (address, _):
        publish(f"{address}/file", content)
        refused(acutance("fetch", NORMALISED), "SHA-256", "nothing was stored", "--from", code=1)
    assert stored() is None
    assert open_store().list("blobs/") == []


@pytest.mark.parametrize("path", ["missing", "file.cut", None])
def test_a_download_that_fails_says_how_to_do_without(acutance, publish, content, path):
    with serving(file_cut=content) as (address, _):
        publish(f"{address}/{path}" if path else "http://127.0.0.1:9/file", content)
        refused(acutance("fetch", NORMALISED), f"acutance fetch {NORMALISED} --from", code=1)
    assert list_refs(open_store(), FEATURES) == []


def test_a_file_that_is_not_what_its_name_says_is_refused(acutance, publish, place):
    other = feature_file("vgg19-distilled", ["relu1_1"])
    with serving(file=other) as (address, _):
        publish(f"{address}/file", other)
        refused(acutance("fetch", NORMALISED), f"is no {NORMALISED}", code=1)
    assert stored() is None


def test_a_local_copy_is_checked_against_the_published_hash(acutance, publish, content, place):
    publish("http://127.0.0.1:9/none", content)
    (place / "good.pth").write_bytes(content)
    (place / "bad.pth").write_bytes(content + b" ")
    refused(acutance("fetch", NORMALISED, "--from", "bad.pth"), "bad.pth", "SHA-256")
    refused(acutance("fetch", NORMALISED, "--from", "none.pth"), "no such file")
    assert stored() is None
    assert acutance("fetch", NORMALISED, "--from", "good.pth").code == 0
    assert stored()["blob"] == hashlib.sha256(content).hexdigest()


def test_an_own_file_gets_a_name_that_recipes_use(acutance, place):
    content = feature_file("vgg16", ["conv1_2"])
    (place / "own.pth").write_bytes(content)
    (place / "own.yaml").write_text(perceptual({"kind": "vgg16", "file": "own"}))
    assert acutance("data", "add", "photos", "photos").code == 0
    refused(acutance("validate", "own.yaml"), "acutance fetch own --from FILE")
    refused(acutance("plan", "own.yaml"), "acutance fetch own --from FILE")
    told = acutance("fetch", "own", "--from", "own.pth")
    assert "features: {kind: vgg16, file: own}" in told.out
    assert hashlib.sha256(content).hexdigest() in told.out
    assert acutance("validate", "own.yaml").code == 0
    (place / "own.pth").write_bytes(feature_file("vgg16", ["conv2_1"]))
    refused(acutance("fetch", "own", "--from", "own.pth"), "another file already")
    (place / "own.pth").write_bytes(b"nothing of the kind")
    refused(acutance("fetch", "new", "--from", "own.pth"), "no feature network")
    refused(acutance("fetch", "vgg91"), "no published file", "vgg19")


def test_a_file_beside_the_recipe_is_pinned_by_its_hash(acutance, place):
    assert acutance("data", "add", "photos", "photos").code == 0
    content = feature_file("vgg16", ["conv1_2"])
    (place / "beside.pth").write_bytes(content)
    (place / "own.yaml").write_text(perceptual({"kind": "vgg16", "file": "beside.pth"}))
    read = read_file(place / "own.yaml", (), open_home())
    features = read.recipe.stages["train"].loss["perceptual"]["features"]
    sha = hashlib.sha256(content).hexdigest()
    assert features["file"] == f"blob:{sha}"
    assert get_blob(open_store(), sha) == content
    (place / "beside.pth").unlink()
    refused(acutance("validate", "own.yaml"), "features", "--from FILE")
    (place / "beside.pth").write_bytes(feature_file("vgg19-distilled", ["relu1_1"]))
    refused(acutance("validate", "own.yaml"), "own.yaml:", "no vgg16")


def test_a_metrics_file_beside_the_recipe_is_pinned_by_its_hash(acutance, place):
    assert acutance("data", "add", "photos", "photos").code == 0
    (place / "mine.npz").write_bytes(niqe_file())
    recipe = yaml.safe_load(RECIPE)
    recipe["evaluation"] = {"metrics": ["psnr_y", {"kind": "niqe", "file": "mine.npz"}]}
    (place / "own.yaml").write_text(yaml.safe_dump(recipe))
    read = read_file(place / "own.yaml", (), open_home())
    sha = hashlib.sha256(niqe_file()).hexdigest()
    assert read.recipe.evaluation.metrics[1]["file"] == f"blob:{sha}"
    assert get_blob(open_store(), sha) == niqe_file()
    (place / "mine.npz").write_bytes(b"something else")
    refused(acutance("validate", "own.yaml"), "own.yaml:", "evaluation.metrics.1", "no NIQE")
    (place / "mine.npz").unlink()
    refused(acutance("validate", "own.yaml"), "evaluation.metrics.1", "acutance fetch")


def test_a_sweep_says_which_draws_lack_a_file(acutance, place):
    assert acutance("data", "add", "photos", "photos").code == 0
    sweep = yaml.safe_load(perceptual("random"))
    path = "stages.train.loss.perceptual.features"
    sweep["search"] = {
        "space": {path: {"choice": [{"kind": "random"}, {"kind": NORMALISED}]}},
        "objectives": {"psnr_y": "max"},
        "budget": {"trials": 2},
    }
    (place / "lacking.yaml").write_text(yaml.safe_dump(sweep))
    refused(acutance("validate", "lacking.yaml"), path, f"acutance fetch {NORMALISED}")


def test_a_sweep_says_once_all_that_its_metrics_lack(acutance, place):
    assert acutance("data", "add", "photos", "photos").code == 0
    sweep = yaml.safe_load(RECIPE)
    sweep["evaluation"] = {"metrics": ["psnr_y", "lpips"]}
    sweep["search"] = {
        "space": {"optimizer.lr": {"log_uniform": [1e-4, 1e-3]}},
        "objectives": {"psnr_y": "max"},
        "budget": {"trials": 2},
    }
    (place / "lacking.yaml").write_text(yaml.safe_dump(sweep))
    told = acutance("validate", "lacking.yaml")
    refused(told, "evaluation.metrics.1", "`acutance fetch vgg16`, `acutance fetch lpips-vgg`")
    assert told.err.count("lpips-vgg,") == 1
    assert "a draw gives" not in told.err


def test_niqe_is_fitted_to_own_photographs_and_measured_with(acutance, tmp_path):
    photographs, empty = tmp_path / "photographs", tmp_path / "empty"
    photographs.mkdir()
    empty.mkdir()
    random = np.random.default_rng(0)
    for index in range(3):
        rough = Image.fromarray(random.integers(0, 256, (120, 120, 3), np.uint8))
        rough.resize((480, 480), Image.Resampling.BICUBIC).save(photographs / f"{index}.png")
    done = acutance("fetch", "my-niqe", "--fit", str(photographs), "--json")
    assert done.code == 0, done.err
    assert done.json["source"] == "fitted to 3 photographs"
    metric = "{kind: niqe, file: my-niqe}"
    found = acutance(
        "evaluate", "bicubic", str(photographs), "--scale", "2", "--metrics", metric, "--json"
    )
    assert found.code == 0, found.err
    assert found.json["mean"]["niqe"] > 0
    refused(acutance("fetch", "niqe", "--fit", str(photographs)), "a name of their own")
    refused(acutance("fetch", "mine", "--fit", str(empty)), "no pictures here")
