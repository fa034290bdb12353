"""The feature network and the discriminator of docs/how-to/plug-ins.md, trained with."""

import math
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_models import build_features
from acutance_platform.recipe import RecipeErrors, load_plugins, plugins

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plug-ins.md"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder on the path of imports with the page's module."""
    monkeypatch.syspath_prepend(str(tmp_path))
    # Files written within one second would otherwise share their cached bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    source = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)[2]
    (tmp_path / "my_networks.py").write_text(source)
    yield tmp_path
    for name in ("my_networks", "taken"):
        sys.modules.pop(name, None)


def recipe():
    loss = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S)[1])["loss"]
    distance = {"kind": "feature_distance", "features": "edges", "layers": {"pool": 1.0}}
    return tiny_recipe(
        plugins=["my_networks"],
        stages={"train": {"steps": 4, "loss": loss}},
        evaluation={"every": 4, "metrics": ["psnr_y", distance]},
    )


def test_a_training_looks_through_both_and_both_discriminators_learn(lab, pictures):
    training = Place(lab, pictures).training(recipe())
    learner = training._stage._learner
    before = {name: value.clone() for name, value in learner.tensors().items()}
    metrics = training.advance().metrics
    assert metrics["loss/edges"] > 0
    assert metrics["feature_distance"] > 0
    for term in ("patches", "strong"):
        assert math.isfinite(metrics[f"discriminator/{term}/loss"])
        weights = f"discriminators/{term}/weights/"
        mine = [name for name in before if name.startswith(weights)]
        assert mine
        assert any(not learner.tensors()[name].equal(before[name]) for name in mine)


def test_its_features_are_what_the_page_says(lab):
    load_plugins(["my_networks"])
    network = build_features("edges", layers=["edges", "pool"])
    ramp = torch.arange(6.0).expand(1, 3, 6, 6)
    maps = network(ramp, ["edges", "pool"])
    inner = maps["edges"][0, :, 1:-1, 1:-1]
    assert inner[0::2].allclose(torch.ones(()))  # one unit a pixel, across
    assert inner[1::2].allclose(torch.zeros(()), atol=1e-6)
    assert maps["pool"].shape == (1, 6, 3, 3)


def test_other_source_means_another_stage(lab, pictures):
    place = Place(lab, pictures)
    first = place.training(recipe()).key
    file = lab / "my_networks.py"
    file.write_text(file.read_text().replace("LeakyReLU(0.2)", "LeakyReLU(0.1)"))
    for name, table in (("edges", plugins.FEATURES), ("patches", plugins.DISCRIMINATORS)):
        del table._table[name], table._schemas[name]
    del plugins._registered["my_networks"], sys.modules["my_networks"]
    assert place.training(recipe()).key != first


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("discriminators.add('vgg', Patches)", "the discriminator 'vgg' exists already"),
        ("features.add('random', Edges)", "the feature network 'random' exists already"),
    ],
)
def test_a_name_that_is_taken_is_an_error(lab, row, said):
    (lab / "taken.py").write_text(
        f"from my_networks import Edges, Patches\ndef register(tables):\n    tables.{row}\n"
    )
    with pytest.raises(RecipeErrors, match=said):
        load_plugins(["taken"])
