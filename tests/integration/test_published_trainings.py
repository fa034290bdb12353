"""Recipes that train as published: what they lack is said, and in miniature each of them runs."""

import pytest
from grid_trainings import EXPERIMENTS, train
from tiny_trainings import write_pictures

from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.files import read_recipe
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, open_store

BASE = EXPERIMENTS / "base"
COMMON = (
    "data.dataset=tiny", "data.patch=32", "data.batch=2", "generator.blocks=1",
    "generator.channels=4", "stages.pretrain.steps=2", "stages.adversarial.steps=3",
    "evaluation.metrics=[psnr_y]",
    "stages.adversarial.loss.perceptual.features={kind: random, channels: 4, pooling: ceil}",
)  # fmt: skip
TINY = {
    "esrgan-x4": (
        *COMMON,
        "generator.growth=4",
        "stages.adversarial.loss.adversarial.discriminator.channels=4",
    ),
    "srfeat-x4": (
        *COMMON,
        "stages.adversarial.loss.feature.features={kind: random, channels: 4, pooling: ceil}",
        "stages.adversarial.loss.image.discriminator.channels=4",
        "stages.adversarial.loss.feature.discriminator.channels=4",
    ),
}
JUDGES = {"esrgan-x4": {"adversarial"}, "srfeat-x4": {"image", "feature"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    home = Home(open_store(folder / "store"), folder / "local")
    add_dataset(home.store, "tiny", write_pictures(folder / "pictures"))
    return home


@pytest.mark.parametrize("name", TINY)
def test_a_published_training_names_the_file_that_it_needs_and_nothing_else(name, home):
    with pytest.raises(RecipeErrors) as caught:
        read_recipe(BASE / f"{name}.yaml", [], home)
    assert {problem.place.split(".")[-1] for problem in caught.value.problems} == {"features"}
    assert all("`acutance fetch vgg19`" in problem.way_out for problem in caught.value.problems)


@pytest.mark.parametrize("name", TINY)
def test_a_published_training_runs_in_miniature(name, home):
    pretrained, ended = train(read_recipe(BASE / f"{name}.yaml", TINY[name], home).recipe, home)
    assert (pretrained.step, ended.step) == (2, 5)
    judges = {n.split("/")[1] for n in ended.metrics if n.startswith("discriminator/")}
    assert judges == JUDGES[name]
    assert ended.weights != pretrained.weights
