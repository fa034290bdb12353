"""What a sweep's journal says was spent is what the system says its workers used."""

import os
import threading
from contextlib import suppress

import psutil
import pytest
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.search import open_sweep, sweep_journal
from acutance_platform.sweep.driver import run_sweep
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.plans import sweep_plan

NEAR = 0.05
LOST = 0.1
"""CPU seconds per worker beside that share: how it ends after its last leg is told by nobody."""


class Accounts:
    """Reads the CPU time of every process that ran a leg, ten times a second, from outside.

    Tune may start a worker beside one that falls free in the meantime, and end it unused: no trial
    has used that one.
    """

    def __enter__(self):
        self.seconds, self._legs, self._over = {}, set(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *raised):
        self._over.set()
        self._thread.join()
        self.seconds = {pid: self.seconds[pid] for pid in self._legs}

    def _watch(self):
        while not self._over.wait(0.1):
            for process in psutil.Process(os.getpid()).children(recursive=True):
                with suppress(psutil.Error):
                    used = process.cpu_times()
                    self.seconds[process.pid] = used.user + used.system
                    if "Trainable.train" in " ".join(process.cmdline()):
                        self._legs.add(process.pid)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, write_pictures(tmp_path / "pictures"))


def spent_and_used(place, name, space, **changes):
    """Run a sweep; return it, and the CPU seconds of its processes."""
    search = {
        "space": space,
        "objectives": {"psnr_y": "max"},
        "sampler": "grid",
        "scheduler": "none",
        "budget": {},
    }
    stages = {"train": {"steps": 60, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}}
    recipe = tiny_recipe(plugins=[], **{"stages": stages, **changes})
    plan = sweep_plan(name, {**recipe, "search": search}, Home(place.store, place.local))
    journal = sweep_journal(place.store, name)
    with Accounts() as accounts:
        run_sweep(plan, journal=journal, store=place.store, local=place.local)
    return open_sweep(place.store, name), accounts.seconds


def test_the_ledger_has_what_the_processes_used(place):
    """One trial completes, one diverges in each of its three legs."""
    space = {"optimizer.lr": {"choice": [1e-3, 1e25]}}
    told, used = spent_and_used(place, "ledger", space)
    states = [trial.ended for trial in told.trials.values()]
    assert states == ["COMPLETE", "FAILED"], [trial.errors for trial in told.trials.values()]
    assert len(used) >= 3
    spent, real = 3600 * told.cpu_hours, sum(used.values())
    assert abs(spent - real) <= NEAR * real + LOST * len(used), (spent, used)
