"""The recipes of `experiments/base/`: each is complete, and the published ones run, in tiny."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from acutance_platform.recipe import RecipeErrors
from acutance_platform.training import FEATURES, Training, machine_kind
from acutance_platform.verbs.files import read_recipe
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.published import PUBLISHED
from acutance_storage import add_dataset, open_store, put_blob, set_ref

BASE = Path(__file__).parents[2] / "experiments" / "base"
RECIPES = sorted(BASE.glob("*.yaml"))
PHOTOGRAPHS = BASE.parent / "quickstart" / "photos"
CLASSES = 8
RANDOM = "{kind: random, channels: 4}"
QUICK = ("data.batch=2", "resources.gpu=0", "evaluation.metrics=[psnr_y]", "checkpoint.every=9")
TINY = {
    "enhancenet-pat-x4": (
        "data.patch=64",
        "generator.channels=4",
        "generator.blocks=1",
        "stages.pretrain.steps=1",
        "stages.pat.steps=2",
        f"stages.pat.loss.perceptual.features={RANDOM}",
        f"stages.pat.loss.perceptual_deep.features={RANDOM}",
        f"stages.pat.loss.texture.features={RANDOM}",
        "stages.pat.loss.adversarial.discriminator.channels=4",
    ),
    "sftgan-x4": (
        "data.dataset=mapped",
        "data.patch=32",
        "generator.channels=4",
        "generator.blocks=1",
        "stages.psnr.steps=1",
        "stages.srgan.steps=1",
        "stages.sft.steps=2",
        f"stages.srgan.loss.perceptual.features={RANDOM}",
        f"stages.sft.loss.perceptual.features={RANDOM}",
        "stages.srgan.loss.adversarial.discriminator.channels=4",
        "stages.sft.loss.adversarial.discriminator.channels=4",
    ),
}
"""Recipe as published -> settings that make it run here, in a second and without files."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of small photographs and of their maps."""
    folder = tmp_path_factory.mktemp("pictures")
    pictures, maps = folder / "hr", folder / "maps"
    maps.mkdir()
    for file in sorted(PHOTOGRAPHS.glob("*/*.*")):
        small = Image.open(file).convert("RGB").resize((144, 120))
        (pictures / file.parent.name).mkdir(parents=True, exist_ok=True)
        small.save(pictures / file.parent.name / f"{file.stem}.png")
        grey = np.asarray(small.convert("L"))
        Image.fromarray(grey // (256 // CLASSES)).save(maps / f"{file.stem}.png")
    return pictures, maps


def settled(folder, pictures):
    """Return a home in which `mapped` has maps, and no published file is."""
    home = Home(open_store(folder / "store"), folder / "local")
    add_dataset(home.store, "mapped", pictures[0], maps=pictures[1], classes=CLASSES)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory, pictures):
    return settled(tmp_path_factory.mktemp("bare"), pictures)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, pictures):
    """A home with something under each published file's name, which is all that is looked for."""
    home = settled(tmp_path_factory.mktemp("stocked"), pictures)
    for name in PUBLISHED:
        set_ref(home.store, FEATURES, name, {"blob": put_blob(home.store, b"a stand-in")})
    return home


def lacking(file, home):
    """Return what `validate` would say of a recipe, all in one text."""
    with pytest.raises(RecipeErrors) as caught:
        read_recipe(file, (), home)
    return str(caught.value)


@pytest.mark.parametrize("name", TINY)
def test_a_recipe_as_published_runs_through_all_its_stages(name, home):
    recipe = read_recipe(BASE / f"{name}.yaml", [*QUICK, *TINY[name]], home).recipe
    training = Training(recipe, store=home.store, local=home.local, machine=machine_kind(recipe))
    while training.step < recipe.steps:
        report = training.advance()
    *_, last = recipe.stages.values()
    for term in last.loss:
        assert report.metrics[f"loss/{term}"] > 0
        assert np.isfinite(report.metrics[f"loss/{term}"])


def test_what_a_recipe_as_published_lacks_is_said_with_the_way_to_it(home):
    enhancenet = lacking(BASE / "enhancenet-pat-x4.yaml", home)
    for needed in ("vgg19", "vgg19-normalised"):
        assert f"Run `acutance fetch {needed}`" in enhancenet
    sftgan = lacking(BASE / "sftgan-x4.yaml", home)
    assert "Run `acutance fetch vgg19`" in sftgan
    assert "acutance data add NAME FOLDER --maps FOLDER" in sftgan


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_base_recipe_can_be_run_where_its_files_are(file, stocked):
    terms = yaml.safe_load(file.read_text()).get("stages", {})
    named = any("classification" in stage["loss"] for stage in terms.values())
    settings = ["data.dataset=mapped"] if named else []
    assert read_recipe(file, settings, stocked).recipe.steps > 0
