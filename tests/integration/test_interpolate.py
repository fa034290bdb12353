"""Between two models: files, lineage, and the measured curve beside mixed pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from calling import CommandLine, refused
from PIL import Image
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_models import (
    build_generator,
    dump_weights,
    load_generator,
    read_header,
    read_tensors,
    resolve_generator,
)
from acutance_platform.verbs.evaluation import evaluate
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.interpolating import interpolate, parse_alphas
from acutance_platform.verbs.mixing import mixed, related
from acutance_storage import get_blob

PIXEL = {"kind": "l1", "weight": 1.0}


def run(place, seed=5, second="mse", init=None):
    """Train two stages of some steps; return the SHA-256 of both stages' weights, and the keys."""
    pretrain = {"steps": 6, "loss": {"pixel": PIXEL}, **({"init": init} if init else {})}
    finetune = {"after": "pretrain", "steps": 6, "loss": {"pixel": {**PIXEL, "kind": second}}}
    stages = {"pretrain": pretrain, "finetune": finetune}
    recipe = tiny_recipe(stages=stages, seed=seed, evaluation={"every": 6}, plugins=[])
    recipe["optimizer"] = {"kind": "adam", "lr": 2e-2}
    training = place.training(recipe)
    while training.step < 12:
        training.advance()
    return [report.weights for report in training.reports], training.keys


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = Place(
        tmp_path_factory.mktemp("place"), write_pictures(tmp_path_factory.mktemp("pictures"))
    )
    made = {"mse": run(place), "charbonnier": run(place, second="charbonnier")}
    return place, Home(place.store, place.local), made, run(place, seed=6)


@pytest.fixture
def acutance(trained, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ACUTANCE_STORE", trained[1].store.address)
    monkeypatch.setenv("ACUTANCE_LOCAL", str(trained[1].local))
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys)


def test_published_weights_name_the_stages_that_they_descend_from(trained):
    place, _, made, _ = trained
    for weights, keys in made.values():
        told = [read_header(get_blob(place.store, sha))["lineage"] for sha in weights]
        assert told == [keys[0], ",".join(keys)]
    (_, last), _ = run(place, seed=9, init=f"blob:{made['mse'][0][1]}")
    descent = ",".join([*made["mse"][1], f"blob:{made['mse'][0][1]},"])
    assert read_header(get_blob(place.store, last))["lineage"].startswith(descent)


def test_models_are_relatives_where_they_share_a_first_stage_or_one_began_from_the_other(trained):
    place, _, made, (other, _) = trained
    pretrain, a = (get_blob(place.store, sha) for sha in made["mse"][0])
    b = get_blob(place.store, made["charbonnier"][0][1])
    stranger = get_blob(place.store, other[1])
    (_, child), _ = run(place, seed=9, init=f"blob:{made['mse'][0][1]}")
    assert related(a, b)
    assert related(pretrain, b)
    child = get_blob(place.store, child)
    assert related(a, child)
    assert related(b, child), "both descend from the pretrain of the model it began from"
    (_, apart), _ = run(place, seed=10, init=f"blob:{made['mse'][0][0]}")
    assert related(get_blob(place.store, apart), b), "it began from the other's very pretrain"
    assert not related(child, stranger)
    assert related(mixed(a, b, 0.5), b)
    assert not related(a, stranger)


def test_the_ends_are_the_two_models_bit_for_bit(trained, tmp_path):
    place, home, made, _ = trained
    ends = [made[name][0][1] for name in ("mse", "charbonnier")]
    models = [f"blob:{sha}" for sha in ends]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (32, 40, 3), np.uint8)
    Image.fromarray(noise).save(pictures / "p.png")
    found = interpolate(
        *models, alphas=[0.0, 0.5, 1.0], output=tmp_path / "out", data=pictures, home=home
    )
    assert [model["alpha"] for model in found.models] == [0.0, 0.5, 1.0]
    tensors = [read_tensors((tmp_path / "out" / f"alpha-{a}.safetensors").read_bytes())
               for a in ("0.000", "0.500", "1.000")]  # fmt: skip
    whole = [read_tensors(get_blob(place.store, sha)) for sha in ends]
    for name, value in tensors[0].items():
        assert value.equal(whole[0][name])
        assert tensors[2][name].equal(whole[1][name])
        assert tensors[1][name].allclose((whole[0][name] + whole[1][name]) / 2)
    header = read_header((tmp_path / "out" / "alpha-0.500.safetensors").read_bytes())
    assert header["parents"] == ",".join(ends)
    assert header["alpha"] == "0.5"
    assert header["lineage"] == made["mse"][1][0], "what both descend from"
    for end, point in zip(models, (found.curve[0], found.curve[-1]), strict=True):
        alone = evaluate(end, pictures, home=home).mean
        assert point["network"] == point["pictures"] == alone
    middle = found.curve[1]
    assert middle["network"] != middle["pictures"]
    written = json.loads((tmp_path / "out" / "curve.json").read_text())
    assert written["curve"] == found.curve
    with Image.open(tmp_path / "out" / "curve.png") as figure:
        assert figure.size == (1024, 704)
    load_generator((tmp_path / "out" / "alpha-0.500.safetensors").read_bytes())


def test_the_command_prints_table_and_files(trained, acutance, tmp_path):
    _, _, made, _ = trained
    write_pictures(tmp_path / "some")
    a, b = (f"blob:{made[name][0][1]}" for name in ("mse", "charbonnier"))
    words = ("interpolate", a, b, "--alpha", "0.25,0.75", "-o", "between")
    shown = acutance(*words, "--data", tmp_path / "some" / "validation")
    assert shown.code == 0, shown.err
    for text in ("alpha-0.250.safetensors", "alpha-0.750.safetensors", "curve.png", "0.25"):
        assert text in shown.out
    document = acutance(*words, "--json").json
    assert (document["curve"], document["related"]) == ([], True)
    assert len(document["models"]) == 2


def test_strangers_are_refused_unless_one_insists(trained, acutance, tmp_path):
    _, _, made, (other, _) = trained
    a, b = (f"blob:{made['mse'][0][1]}", f"blob:{other[1]}")
    words = ("interpolate", a, b, "--alpha", "0.5", "-o", "between")
    refused(acutance(*words), "shares no pretrain", "--unrelated")
    assert not (tmp_path / "between").exists()
    insisted = acutance(*words, "--unrelated", "--json")
    assert insisted.code == 0
    assert "warning" in insisted.err
    assert insisted.json["related"] is False
    spec = resolve_generator({"kind": "srresnet", "channels": 8, "blocks": 1})
    wider = dump_weights(build_generator(spec, scale=2, seed=0), spec, 2)
    (tmp_path / "wider.safetensors").write_bytes(wider)
    words = ("interpolate", a, "wider.safetensors", "-o", "between", "--unrelated")
    refused(acutance(*words), "of other arguments")
    refused(acutance("interpolate", a, "bicubic", "-o", "between"), "bicubic has no weights")


def test_close_alphas_have_files_of_their_own(trained, tmp_path):
    _, home, made, _ = trained
    a, b = (f"blob:{made[name][0][1]}" for name in ("mse", "charbonnier"))
    found = interpolate(a, b, alphas=[1e-5, 0.1, 0.1001], output=tmp_path, home=home)
    names = [f"alpha-{text}.safetensors" for text in ("0.00001", "0.100", "0.1001")]
    assert [Path(model["file"]).name for model in found.models] == names
    assert sorted(file.name for file in tmp_path.iterdir()) == names


def test_alphas_are_a_range_with_both_ends_or_a_list():
    assert parse_alphas("0:1:0.1") == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert parse_alphas("0.25,0.5") == [0.25, 0.5]
    assert parse_alphas("0.8") == [0.8]


@pytest.mark.parametrize(
    "text", ["0:1", "0:1:0", "1:0:0.1", "0:2:0.5", "0:1:-1", "x", "", "0.5,0.5", "0:1:1e-9", "nan"]
)
def test_other_alphas_are_refused(text, acutance):
    refused(acutance("interpolate", "a", "b", "--alpha", text, "-o", "x"), "--alpha")
