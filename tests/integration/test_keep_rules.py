"""What stays of a sweep's states and weights, and that little else lies in the store after gc."""

import pytest
from tiny_trainings import STEPS, Place, finish, tiny_recipe, write_pictures

from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.cleaning import gc
from acutance_platform.verbs.home import Home
from acutance_storage import get_blob, get_ref, list_refs, put_blob, reachable, verify_store

PIXEL = {"kind": "l1", "weight": 1.0}
START = {"do": "start", "driver": "d", "host": "h", "time": 0.0}
RUNGS = (30, 45, STEPS)


def chained(seed):
    """Return a recipe whose first stage is the same for every seed of the second's rate."""
    return tiny_recipe(
        plugins=[],
        checkpoint={"every": 2, "keep": 2},
        stages={
            "pretrain": {"steps": 20, "loss": {"pixel": PIXEL}},
            "finetune": {
                "after": "pretrain",
                "steps": 40,
                "loss": {"pixel": PIXEL},
                "optimizer": {"kind": "adam", "lr": 1e-3 * seed},
            },
        },
    )


def trained(place, recipes):
    """Train recipes as trials of a sweep; return their keys and reports."""
    records, keys, reports = [], [], []
    for number, recipe in enumerate(recipes):
        training = place.training(recipe, rungs=RUNGS)
        finish(training)
        trial = f"t{number:04d}"
        stages = [[key, end] for key, end in zip(training.keys, (20, STEPS), strict=True)]
        records.append({"do": "ask", "trial": trial, "rungs": list(RUNGS), "stages": stages})
        records += [{"do": "report", "trial": trial, **r.as_dict()} for r in training.reports]
        keys.append(training.keys)
        reports.append(training.reports)
    opening = {"do": "sweep", "name": "kept", "spec": {}}
    sweep_journal(place.store, "kept").append(opening, START, *records)
    return keys, reports


def stored(store):
    return sum(store.stat(key).size for key in store.list(""))


def reached(store):
    """Return the bytes of every ref and journal, and of the blobs that they reach."""
    documents = [key for key in store.list("") if not key.startswith("blobs/")]
    blobs = [f"blobs/{sha[:2]}/{sha}" for sha in reachable(store)]
    there = [key for key in blobs if store.exists(key)]
    return sum(store.stat(key).size for key in [*documents, *there])


@pytest.mark.parametrize("service", ["moto"], indirect=True)
def test_a_sweep_leaves_what_its_rules_keep_and_little_else(service, tmp_path):
    pictures = write_pictures(tmp_path / "pictures")
    place = Place(tmp_path, pictures, address=service.address())
    keys, reports = trained(place, [chained(seed) for seed in (1, 2, 3)])
    forgotten = place.training({**chained(1), "seed": 9})
    finish(forgotten)
    for number in range(20):
        put_blob(place.store, f"nobody's {number}".encode() * 500)
    gc(home=Home(place.store, place.local), older_than=0.0, grace=0.0)
    # The stage that all share was paid once; of it and of every other the last states stay.
    assert len({shared for shared, _ in keys}) == 1
    for key in {key for pair in keys for key in pair}:
        steps = [int(name.rpartition("/")[2]) for name in list_refs(place.store, "stages", key)]
        end = 20 if key == keys[0][0] else STEPS
        assert max(steps) == end
        assert 1 <= len(steps) <= 2
    # The weights of every rung and end stay: the best are among them, whichever they are.
    for told in reports:
        named = [report.weights for report in told if report.step in {20, *RUNGS}]
        assert len(named) == 4
        assert all(get_blob(place.store, weights) for weights in named)
    assert not list_refs(place.store, "stages", forgotten.key)
    assert stored(place.store) <= 1.2 * reached(place.store)
    found = verify_store(place.store)
    assert (found.damage, found.torn) == ([], [])
    for name in list_refs(place.store, "stages"):
        assert get_blob(place.store, get_ref(place.store, "stages", name)["blob"])
