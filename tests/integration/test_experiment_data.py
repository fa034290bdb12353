"""What an experiment brings into the store before it runs: pictures with maps, published files."""

import pytest
from gratings import GRATINGS, write
from shared_data import shared

from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs.experiment_data import Mapped, get_files, stored_datasets
from acutance_platform.verbs.fetching import shelf
from acutance_platform.verbs.home import open_home
from acutance_storage import open_dataset


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return open_home()


@pytest.fixture
def folder(tmp_path):
    """An experiment's folder with gratings, and the same beside it as what --pictures names."""
    for place in ("experiment", "below/gratings"):
        write(tmp_path / place, train=3, validation=1, side=32)
    return tmp_path / "experiment"


OWN = Mapped(pictures=["./pictures"], maps=["./maps"], classes=4)
OTHER = Mapped(
    pictures=["gratings/pictures/train", "gratings/pictures/validation"],
    maps=["gratings/maps", "gratings/maps"],
    classes=4,
    split={"01": "validation", "03": "validation", "*": "train"},
)


def test_pictures_are_stored_with_their_maps_and_splits(home, folder):
    below = folder.parent / "below"
    for file in (below / "gratings/maps").iterdir():  # each folder of maps has its pictures' alone
        kind = "validation" if file.stem == "03" else "train"
        (below / f"gratings/maps-{kind}").mkdir(exist_ok=True)
        file.rename(below / f"gratings/maps-{kind}" / file.name)
    parted = ["gratings/maps-train", "gratings/maps-validation"]
    other = OTHER.model_copy(update={"maps": parted})
    stored = stored_datasets({"own": OWN, "other": other}, folder, below, home)
    own, both = (open_dataset(home.store, stored[name]) for name in ("own", "other"))
    assert own.classes == both.classes == len(GRATINGS)
    assert [len(own.indices(split)) for split in ("train", "validation")] == [3, 1]
    assert [len(both.indices(split)) for split in ("train", "validation")] == [2, 2]
    assert all(both.map(index).any() for index in range(4))
    again = stored_datasets({"own": OWN, "other": other}, folder, below, home)
    assert again == stored


def test_a_dataset_below_pictures_that_are_not_given_is_left_out(home, folder):
    assert list(stored_datasets({"own": OWN, "other": OTHER}, folder, None, home)) == ["own"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maps": ["./nowhere"]}, "there is no such folder"),
        ({"maps": ["./maps", "./maps"]}, "1 folders of pictures, 2 of maps"),
    ],
)
def test_a_dataset_that_cannot_be_made_says_why(home, folder, change, said):
    with pytest.raises(RecipeErrors, match=said):
        stored_datasets({"own": OWN.model_copy(update=change)}, folder, None, home)


def test_a_file_is_taken_from_below_the_pictures_once(home):
    place = "../weights/niqe_pris_params.npz"
    shared("weights/niqe_pris_params.npz")
    heard = []
    for _ in range(2):
        get_files({"niqe": place}, shared("data"), home, heard.append)
    assert heard == ["fetching niqe"]
    assert [row["here"] for row in shelf(home=home) if row["name"] == "niqe"] == [True]
    with pytest.raises(RecipeErrors, match="no published file has this name"):
        get_files({"niqee": place}, None, home, heard.append)
