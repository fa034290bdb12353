"""Whatever writes to a store is killed at any moment, and everything that is named stays whole."""

import json
import multiprocessing
import os
import random
import time

import numpy as np
import pytest
import storage_work
from PIL import Image
from tiny_trainings import Place, finish, tiny_recipe, write_pictures

from acutance_storage import (
    get_ref,
    has_blob,
    list_refs,
    open_dataset,
    verify_dataset,
    verify_store,
)


class Victim:
    """Processes that use one store and are killed, from time to time, in the middle of it.

    Args:
        address: Of the store.
        folder: For everything local.
        seed: Of the moments.
    """

    def __init__(self, address, folder, seed):
        self.address, self.folder, self.kills = address, folder, 0
        self._draws, self._seconds = random.Random(seed), {}
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(storage_work.PRELOADED)
        names = ("AWS_", "ACUTANCE_", "OMP_")
        self._variables = {k: v for k, v in os.environ.items() if k.startswith(names)}

    def do(self, does, *arguments, kill):
        """Do it, or a part of it; return its answer, None where it was killed before its end."""
        done = self.folder / "done.json"
        done.unlink(missing_ok=True)
        given = (self._variables, does, (self.address, str(self.folder), *arguments), str(done))
        process = self._context.Process(target=storage_work.work, args=given)
        process.start()
        began = time.monotonic()
        process.join(self._draws.uniform(0, self._seconds[does]) if kill else 240)
        if process.is_alive():
            process.kill()
            self.kills += 1
        process.join()
        if not kill:
            assert process.exitcode == 0
            self._seconds[does] = time.monotonic() - began
        return json.loads(done.read_text()) if done.exists() else None


def assert_whole(store):
    """Everything that is named is there, and nothing that is there is damaged."""
    for name in list_refs(store, "stages"):
        ref = get_ref(store, "stages", name)
        assert ref is None or has_blob(store, ref["blob"])
    for name in list_refs(store, "datasets"):
        open_dataset(store, name)
    found = verify_store(store)
    assert (found.damage, found.torn) == ([], [])


def photographs(folder, count, side):
    draws = np.random.default_rng(side)
    folder.mkdir()
    for index in range(count):
        pixels = draws.integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03d}.png", compress_level=0)
    return folder


def endure(store, folder, rounds, pictures):
    """Kill an ingest, a training and a cleaning in turn; return how many died in the middle."""
    victim = Victim(store.address, folder, seed=rounds)
    recipe = tiny_recipe(plugins=[], checkpoint={"every": 2, "keep": 2})
    loss = {"pixel": {"kind": "l1", "weight": 1.0}}
    recipe["stages"] = {"train": {"steps": 60, "loss": loss}}
    true = victim.do("train", {**recipe, "seed": 0}, kill=False)
    storage_work.own(victim.address, folder, {**recipe, "seed": 0})
    victim.do("ingest", "first", str(pictures), kill=False)
    storage_work.litter(victim.address, folder, "first", 8)
    victim.do("clean", kill=False)
    for number in range(1, rounds + 1):
        own, name = {**recipe, "seed": number}, f"d{number}"
        storage_work.own(victim.address, folder, own)
        victim.do("ingest", name, str(pictures), kill=True)
        assert_whole(store)
        victim.do("train", own, kill=True)
        assert_whole(store)
        storage_work.litter(victim.address, folder, number, 8)
        victim.do("clean", kill=True)
        assert_whole(store)
        if name in list_refs(store, "datasets"):
            assert verify_dataset(store, name) == []
    trained = victim.do("train", own, kill=False)
    victim.do("ingest", name, str(pictures), kill=False)
    assert verify_dataset(store, name) == []
    victim.do("clean", kill=False)
    assert_whole(store)
    assert victim.do("train", {**recipe, "seed": 0}, kill=False) == true
    return victim.kills, trained, own


@pytest.fixture
def calm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calm")
    return Place(folder, write_pictures(folder / "pictures"))


def undisturbed(calm, recipe):
    return json.loads(json.dumps(finish(calm.training(recipe))))


def test_a_few_kills_in_a_folder(tmp_path, calm):
    place = Place(tmp_path, write_pictures(tmp_path / "pictures"))
    many = photographs(tmp_path / "many", 12, 200)
    kills, trained, recipe = endure(place.store, tmp_path, 2, many)
    assert kills >= 2
    assert trained == undisturbed(calm, recipe)


@pytest.mark.long
def test_fifty_kills_at_any_moment_of_a_store(service, tmp_path, calm, record_property):
    place = Place(tmp_path, write_pictures(tmp_path / "pictures"), address=service.address())
    many = photographs(tmp_path / "many", 24, 700)
    kills, trained, recipe = endure(place.store, tmp_path, 25, many)
    record_property("kills", kills)
    assert kills >= 50
    assert trained == undisturbed(calm, recipe)
