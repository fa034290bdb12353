"""A sweep has one driver, also where several machines share a store and no lock."""

import json
import time

import pytest

from acutance_platform.recipe import RecipeErrors
from acutance_platform.verbs import journals, running
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import Log, seen_from, sole_driver, tell
from acutance_storage import open_store

LEASE = "leases/drivers/s.json"


@pytest.fixture
def machines(tmp_path):
    """Two machines with disks of their own and one store."""
    store = open_store(tmp_path / "shared")
    return [Home(store, tmp_path / name) for name in ("one", "two")]


def test_a_driver_on_another_machine_is_respected_until_it_ends(machines, monkeypatch):
    monkeypatch.setattr(journals, "TAKEN_OVER", 4.0)
    one, two = machines
    with sole_driver(one, "s"):
        with pytest.raises(RecipeErrors, match="runs on another machine"), sole_driver(two, "s"):
            pass
        with sole_driver(two, "other"):
            pass
    with sole_driver(two, "s"):
        pass


def test_a_driver_that_was_killed_comes_back_at_once_and_elsewhere_after_a_while(
    machines, monkeypatch
):
    one, two = machines
    with sole_driver(one, "s"):
        killed = one.store.read(LEASE)
    one.store.write(LEASE, killed)  # it could not give it back
    with sole_driver(one, "s"):
        pass
    monkeypatch.setattr(journals, "TAKEN_OVER", 3.0)
    fresh = {**json.loads(killed), "time": time.time()}
    one.store.write(LEASE, json.dumps(fresh).encode())
    began = time.monotonic()
    with sole_driver(two, "s"):
        assert 2.5 < time.monotonic() - began < 20
    silent = {**json.loads(killed), "time": time.time() - 61}
    one.store.write(LEASE, json.dumps(silent).encode())
    with sole_driver(two, "s"):
        pass


def test_every_machine_sees_whether_the_driver_lives(machines):
    one, two = machines
    log = Log(one.store, "s")
    log.append(
        {"do": "sweep", "name": "s", "spec": {}, "time": 1.0},
        {"do": "start", "driver": "d", "host": "h", "time": 2.0},
    )

    def running():
        return [seen_from(home, tell(log.read())).sweep.running for home in machines]

    with sole_driver(one, "s"):
        assert running() == [True, True]
        killed = one.store.read(LEASE)
    with sole_driver(two, "s"):  # it went on elsewhere
        assert running() == [True, True]
    silent = {**json.loads(killed), "time": time.time() - 61}
    one.store.write(LEASE, json.dumps(silent).encode())
    assert running() == [False, False]


def test_a_second_driver_is_told_before_the_nodes_of_a_cluster_are_asked(
    machines, monkeypatch, tmp_path
):
    one, two = machines
    asked = []
    monkeypatch.setattr(running, "on_cluster", lambda home, *_: asked.append(home) or home)
    search = {
        "space": {"optimizer.lr": {"choice": [1e-3]}},
        "objectives": {"psnr_y": "max"},
        "budget": {"trials": 1},
    }
    opening = {"do": "sweep", "name": "s", "spec": {"recipe": {}, "search": search}, "time": 1.0}
    Log(one.store, "s").append(opening)
    (tmp_path / "s").mkdir()
    file = tmp_path / "s" / "sweep.yaml"
    with sole_driver(one, "s"):
        with pytest.raises(RecipeErrors, match="runs on another machine"):
            running.resume("s", address="127.0.0.1:1", home=two)
        with pytest.raises(RecipeErrors, match="runs on another machine"):
            running.sweep(file, resume="auto", address="127.0.0.1:1", home=two)
    assert asked == []
