"""A full disk is a clear error; what was there stays whole; with more room it goes on."""

import numpy as np
import pytest
from calling import photographs
from PIL import Image
from small_disk import small_disk
from tiny_trainings import Place, finish, tiny_recipe, write_pictures

from acutance_storage import (
    add_dataset,
    open_dataset,
    open_store,
    pull_dataset,
    verify_dataset,
    verify_store,
)
from acutance_storage.errors import StoreFull


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", "4m") as mounted:
        yield mounted


@pytest.fixture
def large(tmp_path):
    """A folder of eight pictures of 0.75 MB as pixels."""
    folder, random = tmp_path / "large", np.random.default_rng(0)
    folder.mkdir()
    for number in range(8):
        noise = random.integers(0, 256, (500, 500, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("full", ["store", "local"])
def test_an_ingest_goes_on_after_a_full_disk(disk, large, tmp_path, monkeypatch, full):
    places = {"store": tmp_path / "store", "local": tmp_path / "local"}
    places[full] = disk.folder / full
    monkeypatch.setenv("ACUTANCE_LOCAL", str(places["local"]))
    store = open_store(places["store"])
    before = add_dataset(store, "photos", photographs(tmp_path / "few")).dataset.version
    with pytest.raises(StoreFull, match=r"no space left to write .*Free some space"):
        add_dataset(store, "photos", large)
    assert open_dataset(store, "photos").version == before
    assert verify_dataset(store, "photos") == []
    disk.grow("64m")
    report = add_dataset(store, "photos", large)
    assert report.resumed >= 3
    assert len(report.dataset) == 13
    verified = verify_store(store)
    assert (verified.damage, verified.torn) == ([], [])
    assert list(disk.folder.rglob(".tmp-*")) == []


@pytest.mark.parametrize("service", ["moto"], indirect=True)
def test_a_full_cache_is_named_and_filled_later(service, disk, large, tmp_path, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    store = open_store(service.address(), local=disk.folder)
    few = add_dataset(store, "few", photographs(tmp_path / "in")).dataset
    add_dataset(store, "photos", large)
    pull_dataset(store, "few")
    with pytest.raises(StoreFull, match=f"do not fit into the node cache {disk.folder}"):
        pull_dataset(store, "photos")
    kept = [path.name for path in disk.folder.rglob("*") if path.is_file() and path.suffix == ""]
    assert kept == few.shards
    disk.grow("64m")
    assert pull_dataset(store, "photos") > 8 * 750_000
    dataset = open_dataset(store, "photos")
    with Image.open(large / dataset.pictures[0].name) as picture:
        np.testing.assert_array_equal(dataset.hr(0), np.asarray(picture))


def test_a_training_goes_on_after_a_full_disk(tmp_path, disk, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    pictures = write_pictures(tmp_path / "pictures")
    expected = finish(Place(tmp_path / "calm", pictures).training(tiny_recipe()))
    place = Place(disk.folder, pictures)
    training = place.training(tiny_recipe())
    while training.step < 20:
        training.advance()
    ballast = disk.fill()
    with pytest.raises(StoreFull, match=r"no space left to write .*Free some space"):
        finish(training)
    damage = verify_store(place.store).damage
    assert damage == []
    ballast.unlink()
    again = place.training(tiny_recipe())
    assert 0 < again.step <= 25
    assert finish(again) == expected
