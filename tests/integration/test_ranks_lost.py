"""Ranks are killed, stopped and left alone, and a training has the bits of one that was not."""

import os
import sys
import threading
import time

import psutil
import pytest
from ranks_beside import with_ranks
from tiny_trainings import CHAOS_L1, Place, history, saved, stop_after, tiny_recipe

from acutance_platform.recipe import build_recipe
from acutance_platform.search import sweep_journal
from acutance_platform.search.fold import Sweep
from acutance_platform.sweep.driver import run_sweep
from acutance_platform.training import Interrupted
from acutance_platform.verbs import Home
from acutance_platform.verbs.journals import Log, tell
from acutance_platform.verbs.plans import sweep_plan
from acutance_platform.verbs.recording import Scene
from acutance_platform.verbs.solo import run_alone

LIMIT = 120.0
SEARCH = {
    "space": {"optimizer.lr": {"choice": [2e-3]}},
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "grid"},
    "scheduler": {"kind": "none"},
    "budget": {},
}
STEPS = 30


def recipe():
    """Return a recipe of two ranks that reports at 10, 20 and 30 and saves every 5 steps."""
    stages = {"train": {"steps": STEPS, "loss": {"pixel": CHAOS_L1}}}
    return with_ranks(tiny_recipe(stages=stages, evaluation={"every": 10}))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, pictures):
    """History and weights of the training that every test disturbs."""
    training = Place(tmp_path_factory.mktemp("undisturbed"), pictures).training(recipe())
    while training.step < STEPS:
        training.advance()
    assert training._ranks.pids == []  # it has ended, and so have they
    return history(training.reports), training.reports[-1].weights


def followers():
    """Return the ranks that follow, of all trainings that this process started."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if any("training.follower" in word for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(happened):
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + LIMIT
    while not (found := happened()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
    return found


class Killer(threading.Thread):
    """Kills a process when the store has a state of a step, one after the other."""

    def __init__(self, store, *plans):
        super().__init__(daemon=True)
        self._store, self._plans, self.killed = store, plans, []
        self.start()

    def run(self):
        for step, whom in self._plans:
            until(lambda step=step: max(saved(self._store), default=0) >= step)
            follower = until(lambda: [f for f in followers() if f not in self.killed])[0]
            victim = follower if whom == "follower" else follower.parent()
            self.killed.append(follower)
            began = time.monotonic()
            victim.kill()
            # A rank that follows ends by itself when the one that leads it does.
            until(lambda gone=follower: not gone.is_running() or gone.status() == "zombie")
            assert time.monotonic() - began < 5


class Quiet:
    """A recorder that records nothing."""

    def feed(self, record):
        pass


def test_a_training_goes_on_where_it_was_stopped_and_after_the_loss_of_a_rank(
    place, undisturbed, monkeypatch
):
    training = place.training(recipe(), owner="alone/t0000")
    stop_after(training, 13)
    training.advance()
    with pytest.raises(Interrupted):
        training.advance()
    assert training.step == 13
    assert max(saved(place.store)) == 13
    assert followers() == []

    monkeypatch.setenv("CHAOS_PAUSE", "0.03")
    killer = Killer(place.store, (20, "follower"))
    scene = Scene("alone", Log(place.store, "alone"), Quiet(), None, list)
    home, complete = Home(place.store, place.local), build_recipe(recipe())
    assert run_alone("alone", complete.model_dump(mode="json"), complete, home, scene) == "COMPLETE"
    killer.join(LIMIT)
    records = scene.log.read()
    (failure,) = [record for record in records if record["do"] == "failure"]
    assert failure["error"] == "rank 1 of 2 was killed by signal 9; the others were ended"
    (trial,) = tell(records).sweep.trials.values()
    reports = [(r["step"], r["metrics"]) for r in records if r["do"] == "report"]
    assert (reports, trial.weights) == undisturbed
    assert trial.executed == STEPS
    assert followers() == []


def test_a_sweep_goes_on_after_the_loss_of_a_rank_and_of_the_rank_that_leads(
    place, undisturbed, monkeypatch
):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("CHAOS_PAUSE", "0.05")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    home, complete = Home(place.store, place.local), build_recipe(recipe())
    spec = {**complete.model_dump(mode="json"), "search": SEARCH}
    killer = Killer(place.store, (5, "follower"), (15, "leader"))
    state = run_sweep(
        sweep_plan("ranks", spec, home),
        journal=sweep_journal(place.store, "ranks"),
        store=place.store,
        local=place.local,
    )
    records = sweep_journal(place.store, "ranks").read()
    (trial,) = Sweep.of(records).trials.values()
    assert state == "COMPLETE", trial.errors
    killer.join(LIMIT)
    assert len(killer.killed) == 2
    assert not any(follower.is_running() for follower in killer.killed)
    assert trial.failures == 2
    assert "rank 1 of 2 was killed by signal 9" in trial.errors[0]
    reports = [(r["step"], r["metrics"]) for r in records if r["do"] == "report"]
    assert (reports, trial.weights) == undisturbed
    assert followers() == []
