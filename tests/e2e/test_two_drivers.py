"""Two machines start a driver of one sweep: one works, one is told; a dead one is replaced."""

import time

import pytest
from command_line import CommandLine
from tiny_trainings import Place, tiny_recipe, write_pictures, write_yaml

from acutance_platform.verbs.journals import TAKEN_OVER, Log, open_sweep

SEARCH = {
    "space": {"optimizer.lr": {"log_uniform": [5e-4, 5e-3]}},
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "random"},
    "scheduler": {"kind": "none"},
    "budget": {"trials": 4},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Place(tmp_path, write_pictures(tmp_path / "pictures"))


@pytest.fixture
def machines(tmp_path, place):
    """Two machines with disks of their own, which share the store alone."""
    made = []
    # On the first a trial takes so long that the sweep still runs when the second has started.
    for name, pause in (("one", 0.8), ("two", 0.05)):
        (tmp_path / name).mkdir()
        local = {"ACUTANCE_STORE": place.store.address, "ACUTANCE_LOCAL": tmp_path / name / "local"}
        made.append(CommandLine(tmp_path / name, CHAOS_PAUSE=pause, **local))
    yield made
    for machine in made:
        machine.clean()


def count(place, word):
    return sum(record["do"] == word for record in Log(place.store, "both").read())


def test_one_of_two_drivers_works_and_a_dead_one_is_replaced(machines, place, tmp_path):
    one, two = machines
    recipe = tiny_recipe(search=SEARCH)
    command = ("sweep", write_yaml(tmp_path / "sweep.yaml", recipe), "--name", "both")
    first = one.start(*command, "--resume", "auto")
    one.until(first, lambda: count(place, "report") >= 1, every=0.1)

    second = two.start(*command, "--resume", "auto")
    two.end(second, 2)
    assert "runs on another machine" in two.err(second)
    assert "acutance status both" in two.err(second)
    assert first.poll() is None
    assert count(place, "start") == 1

    one.kill(first)
    killed = time.time()
    two.end(two.start(*command, "--resume", "auto"), 0)
    records = Log(place.store, "both").read()
    (_, start) = (record for record in records if record["do"] == "start")
    begun = next(r for r in records if r["do"] == "begin" and r["time"] > start["time"])
    # Silence, then Python, Ray and the dataset, which beside other tests take three times as long.
    assert TAKEN_OVER / 2 < start["time"] - killed < TAKEN_OVER + 120
    assert begun["time"] - start["time"] < 180
    sweep = open_sweep(place.store, "both").sweep
    assert sweep.state == "COMPLETE"
    assert len(sweep.trials) == 4
    assert all(trial.executed == trial.step == trial.end for trial in sweep.trials.values())


@pytest.mark.long
def test_of_two_drivers_that_start_at_once_one_finishes(machines, place, tmp_path):
    command = ("sweep", write_yaml(tmp_path / "sweep.yaml", tiny_recipe(search=SEARCH)))
    processes = [m.start(*command, "--name", "both", "--resume", "auto") for m in machines]
    codes = [process.wait(timeout=240) for process in processes]
    said = [m.err(p) for m, p in zip(machines, processes, strict=True)]
    assert sorted(codes) == [0, 2], said
    loser = said[codes.index(2)]
    assert "Traceback" not in loser
    assert "another" in loser, loser
    sweep = open_sweep(place.store, "both").sweep
    assert sweep.state == "COMPLETE"
    assert len(sweep.trials) == 4
