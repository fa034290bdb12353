"""What an experiment may measure of a network per picture, and of bicubic."""

import pytest
from metric_files import niqe_file
from tiny_trainings import write_pictures
from zero_shot_recipe import zero_shot_recipe

from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.verbs.experiment_measures import bicubic_values, knows, pinned
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, get_blob, open_store

JPEG = [{"kind": "matlab_bicubic"}, {"kind": "jpeg", "quality": 40}]


@pytest.fixture
def home(tmp_path):
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


@pytest.fixture
def pictures(tmp_path, home):
    folder = write_pictures(tmp_path / "pictures")
    add_dataset(home.store, "pictures", folder)
    return folder


def test_its_own_pictures_made_small_as_there_are_known(home, pictures):
    recipe = build_recipe(zero_shot_recipe())
    own = {"data": pictures / "validation"}
    assert knows(recipe, own, home)
    same = {"degradation": [{"kind": "matlab_bicubic"}], "protocol": "rcan", "metrics": ["psnr_y"]}
    assert knows(recipe, {**own, **same}, home)
    for other in (
        {"data": pictures / "train"},
        {"degradation": JPEG},
        {"protocol": "y8"},
        {"border": 8},
        {"back_projections": 2},
    ):
        assert not knows(recipe, {**own, **other}, home), other
    data = {"dataset": "pictures", "degradation": JPEG}
    spoilt = build_recipe(zero_shot_recipe(data=data))
    assert not knows(spoilt, own, home)
    assert knows(spoilt, {**own, "degradation": JPEG}, home)
    text = "[{kind: matlab_bicubic}, {kind: jpeg, quality: 40}]"
    assert knows(spoilt, {**own, "degradation": text}, home)


def test_bicubic_has_no_value_where_options_are_of_networks(home, pictures):
    options = {"data": pictures / "validation", "metrics": ["psnr_y"]}
    assert list(bicubic_values(2, "own", options, home)) == ["own/psnr_y"]
    assert bicubic_values(2, "own", {**options, "back_projections": 3}, home) == {}
    assert list(bicubic_values(2, "own", {**options, "back_projections": 0}, home))


def test_a_metrics_file_beside_the_experiment_is_stored(home, tmp_path):
    (tmp_path / "mine.npz").write_bytes(niqe_file())
    asked = {"data": "x", "metrics": ["psnr_y", {"kind": "niqe", "file": "./mine.npz"}]}
    found = pinned(asked, "measure.own", tmp_path, home)
    sha = found["metrics"][1]["file"].removeprefix("blob:")
    assert get_blob(home.store, sha) == niqe_file()
    assert found["data"] == "x"
    assert pinned({"data": "x"}, "measure.own", tmp_path, home) == {"data": "x"}
    (tmp_path / "mine.npz").write_bytes(b"else")
    with pytest.raises(RecipeErrors, match=r"measure\.own\.metrics\.1\.file"):
        pinned(asked, "measure.own", tmp_path, home)
    with pytest.raises(RecipeErrors, match=r"measure\.own\.metrics\.0"):
        pinned({"metrics": ["psnr"]}, "measure.own", tmp_path, home)
