"""Cleaning a store: whatever something names stays and works, the rest goes."""

import hashlib
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_trainings import Place, finish, history, tiny_recipe, write_pictures

from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.cleaning import gc
from acutance_platform.verbs.home import Home
from acutance_storage import (
    StorageError,
    add_dataset,
    get_blob,
    get_ref,
    has_blob,
    list_refs,
    open_dataset,
    open_store,
    put_blob,
    set_ref,
    verify_dataset,
)

DAY = 86400
START = {"do": "start", "driver": "d", "host": "h", "time": 0.0}


def age(store, days, prefix=""):
    """Let everything below a prefix be as old as this."""
    then = time.time() - days * DAY
    for key in store.list(prefix):
        os.utime(store.local_path(key), (then, then))


def journal(store, name, *records):
    sweep_journal(store, name).append({"do": "sweep", "name": name, "spec": {}}, START, *records)


def asked(trial, *keys):
    stages = [[key, 10 * (i + 1)] for i, key in enumerate(keys)]
    return {"do": "ask", "trial": trial, "rungs": [10 * len(keys)], "stages": stages}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


def home(place):
    return Home(place.store, place.local)


def test_what_a_sweep_names_works_after_cleaning_and_what_none_names_is_gone(place):
    kept, lost = tiny_recipe(plugins=[]), tiny_recipe(plugins=[], seed=6)
    stage = {"steps": 60, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}
    kept["stages"] = lost["stages"] = {"train": stage}
    known, weights = finish(place.training(kept))
    other = place.training(lost)
    finish(other)
    key = place.training(kept).key
    end = {"do": "end", "trial": "t0000", "state": "COMPLETE", "weights": weights}
    result = {"do": "result", "trial": "t0000", "weights": weights, "step": 60}
    journal(place.store, "kept", asked("t0000", key), result, end)
    age(place.store, 30)
    told = gc(dry_run=True, home=home(place))
    assert told.stages == [other.key]
    assert all(has_blob(place.store, blob.sha256) for blob in told.blobs)
    gone = gc(home=home(place))
    assert (gone.blobs, gone.stages) == (told.blobs, told.stages)
    assert gone.bytes > 0
    assert not any(has_blob(place.store, blob.sha256) for blob in gone.blobs)
    assert list_refs(place.store, "stages", f"{other.key}/") == []
    load_model("kept/t0000", home(place))
    again = place.training(kept)
    assert (again.step, history(again.reports)) == (60, known)
    assert verify_dataset(place.store, "mapped") == verify_dataset(place.store, "pictures") == []
    assert gc(home=home(place)).blobs == []


def test_a_training_at_work_keeps_its_states_even_before_any_journal_names_it(place):
    recipe = tiny_recipe(plugins=[])
    recipe["stages"] = {"train": {"steps": 60, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}}
    training = place.training(recipe)
    training.advance()
    training.close()  # the store has it
    age(place.store, 5)
    gc(home=home(place))
    assert place.training(recipe).step == 20
    age(place.store, 8)
    gc(home=home(place))
    assert place.training(recipe).step == 0, "a week later nobody works on it"


def test_a_blob_that_was_written_lately_is_kept_and_content_put_again_is_new(place):
    old, new, again = (put_blob(place.store, text) for text in (b"old", b"new", b"again"))
    age(place.store, 2, f"blobs/{old[:2]}/{old}")
    age(place.store, 2, f"blobs/{again[:2]}/{again}")
    put_blob(place.store, b"again")
    gone = gc(home=home(place))
    assert [blob.sha256 for blob in gone.blobs] == [old]
    assert get_blob(place.store, new) == b"new"
    assert get_blob(place.store, again) == b"again"


def test_nothing_is_deleted_while_an_index_or_journal_cannot_be_read(place):
    lone = put_blob(place.store, b"lone")
    age(place.store, 30)
    index = get_ref(place.store, "datasets", list_refs(place.store, "datasets", "pictures@")[0])
    path = place.store.local_path(f"blobs/{index['index'][:2]}/{index['index']}")
    content = path.read_bytes()
    path.write_bytes(b"damage")
    with pytest.raises(StorageError):
        gc(home=home(place))
    assert has_blob(place.store, lone)
    path.write_bytes(content)
    journal(place.store, "torn", asked("t0000", "a" * 64))
    sweep_journal(place.store, "torn").append({"do": "finish", "state": "COMPLETE", "time": 1.0})
    place.store.local_path(place.store.list("journals/sweeps/torn/")[0]).write_bytes(b"damage\n")
    with pytest.raises(StorageError):
        gc(home=home(place))
    assert has_blob(place.store, lone)


names = st.integers(0, 11)
contents = st.fixed_dictionaries(
    {
        "refs": st.lists(st.tuples(st.sampled_from(["features", "models"]), names), max_size=4),
        "sweeps": st.lists(
            st.tuples(st.lists(st.integers(0, 3), max_size=2), st.lists(names, max_size=3)),
            max_size=3,
        ),
        "states": st.dictionaries(
            st.integers(0, 3), st.tuples(names, names, st.integers(0, 20)), max_size=4
        ),
    }
)


@settings(max_examples=40, deadline=None)
@given(made=contents, older_than=st.integers(0, 20))
def test_after_cleaning_every_name_leads_to_its_blob(made, older_than, tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("store"))
    blobs = [put_blob(store, bytes([number]) * 9) for number in range(12)]
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(4)]
    age(store, 30)
    for number, (kind, blob) in enumerate(made["refs"]):
        set_ref(store, kind, f"n{number}", {"blob": blobs[blob]})
    for number, (stages, weights) in enumerate(made["sweeps"]):
        results = [{"do": "result", "trial": "t0000", "weights": blobs[w]} for w in weights]
        journal(store, f"s{number}", asked("t0000", *(keys[s] for s in stages)), *results)
    for number, (blob, weights, days) in made["states"].items():
        report = {"weights": blobs[weights]}
        set_ref(store, "stages", f"{keys[number]}/1", {"blob": blobs[blob], "reports": [report]})
        age(store, days, f"refs/stages/{keys[number]}/")
    gone = gc(older_than=older_than, home=Home(store, tmp_path_factory.mktemp("local")))
    named = {stage for stages, _ in made["sweeps"] for stage in stages}
    live = {n for n, (_, _, days) in made["states"].items() if n in named or days <= older_than}
    left = {n for n in range(4) if list_refs(store, "stages", f"{keys[n]}/")}
    # An age of exactly so many days is older by the time that the test took.
    exact = {n for n, (_, _, days) in made["states"].items() if days == older_than} - named
    assert live - exact <= left <= live
    needed = {blob for _, blob in made["refs"]}
    needed |= {weight for _, weights in made["sweeps"] for weight in weights}
    needed |= {each for n in left for each in made["states"][n][:2]}
    assert {n for n in range(12) if has_blob(store, blobs[n])} == needed
    assert {blob.sha256 for blob in gone.blobs} == {blobs[n] for n in set(range(12)) - needed}


def test_a_version_that_is_not_the_newest_keeps_its_pixels(place, tmp_path):
    first = open_dataset(place.store, "pictures").version
    fresh = np.random.default_rng(9).integers(0, 256, (64, 72, 3), np.uint8)
    (tmp_path / "more").mkdir()
    Image.fromarray(fresh).save(tmp_path / "more" / "fresh.png")
    add_dataset(place.store, "pictures", tmp_path / "more")
    assert open_dataset(place.store, "pictures").version != first
    age(place.store, 30)
    gc(home=home(place))
    assert verify_dataset(place.store, f"pictures@{first}") == []
    assert verify_dataset(place.store, "pictures") == []
