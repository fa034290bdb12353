"""Sweeps on a real local Ray, with drivers and workers that are killed.

Drivers are processes of their own: what is tested is what is left when one dies.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sweeps
from rehearsal import MemoryLog, Trainings, decided, rehearse, tends_to, told_once

from acutance_platform.search import open_sweep, sweep_journal
from acutance_platform.sweep.driver import run_sweep
from acutance_platform.sweep.errors import SweepBusy
from acutance_storage import open_store

LIMIT = 120.0
"""Seconds for anything to happen; a machine may be busy."""


class Drivers:
    """Starts drivers of one sweep and looks at its journal."""

    def __init__(self, folder, **options):
        self.folder, self.options = folder, options
        self.store = open_store(folder / "store")
        self.process = None

    def start(self):
        paths = [str(Path(sweeps.__file__).parent), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, sweeps.__file__, str(self.folder), json.dumps(self.options)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def end(self):
        """Wait for the driver and return what it printed."""
        out, err = self.process.communicate(timeout=LIMIT)
        assert self.process.returncode == 0, err
        assert "Traceback" not in err, err
        return out.strip()

    def run(self):
        self.start()
        return self.end()

    def run_here(self):
        """Run in this process; enough where Ray is not reached."""
        options = {key: value for key, value in self.options.items() if key != "slots"}
        return run_sweep(
            sweeps.plan(**options),
            journal=sweep_journal(self.store, "demo"),
            store=self.store,
            local=self.folder / "local",
        )

    def until(self, happened):
        """Wait until the records make `happened` true."""
        journal, records = sweep_journal(self.store, "demo"), []
        deadline = time.monotonic() + LIMIT
        while not happened(records):
            assert time.monotonic() < deadline, "nothing happened"
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
            records += journal.read_new()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def records(self):
        return sweep_journal(self.store, "demo").read()

    def steps_computed(self):
        """Return how often each (owner, step) was computed."""
        log = self.folder / "store" / "fake" / "steps.log"
        return Counter(tuple(line.split()[:2]) for line in log.read_text().splitlines())


@pytest.fixture
def drivers(tmp_path):
    made = []

    def make(**options):
        made.append(Drivers(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        if each.process is not None and each.process.poll() is None:
            each.kill()


def reports(records):
    return sum(record["do"] == "report" for record in records)


def assert_complete(the_drivers, trials):
    sweep = open_sweep(the_drivers.store, "demo")
    assert sweep.state == "COMPLETE"
    assert list(sweep.trials) == [f"t{i:04d}" for i in range(trials)]
    assert {trial.ended for trial in sweep.trials.values()} <= {"COMPLETE", "STOPPED"}
    assert sum(record["do"] == "ask" for record in the_drivers.records()) == trials
    for trial, steps in told_once(the_drivers.records()).items():
        assert steps == list(range(5, steps[-1] + 1, 5)), trial
    return sweep


@pytest.mark.long
def test_a_sweep_whose_driver_is_killed_goes_on(drivers):
    sweep_drivers = drivers(slots=2, trials=8, base=sweeps.recipe(seconds=0.02))
    kills = 2
    for _ in range(kills):
        told = reports(sweep_drivers.records()) + 4
        sweep_drivers.start()
        sweep_drivers.until(lambda records, told=told: reports(records) >= told)
        sweep_drivers.kill()
    assert sweep_drivers.run() == "COMPLETE"
    sweep = assert_complete(sweep_drivers, 8)
    computed = sweep_drivers.steps_computed()
    # Two legs in flight lose at most what they had not saved, five steps each.
    assert sum(computed.values()) - len(computed) <= kills * 2 * 5
    assert sweep.executed == len(computed)
    assert not (sweep_drivers.folder / "local" / "sweeps" / "demo" / "tune").exists()
    # A finished sweep is reported, without a new session.
    before = sweep_drivers.records()
    assert sweep_drivers.run_here() == "COMPLETE"
    assert sweep_drivers.records() == before


def test_at_one_slot_kills_change_no_decision(drivers):
    options = {"trials": 6, "sampler": {"kind": "tpe", "startup_trials": 3}}
    calm = MemoryLog()
    rehearse(sweeps.plan(**options, base=sweeps.recipe(seconds=0.02)), calm, Trainings(tends_to))
    sweep_drivers = drivers(slots=1, **options, base=sweeps.recipe(seconds=0.02))
    sweep_drivers.start()
    sweep_drivers.until(lambda records: reports(records) >= 5)
    sweep_drivers.kill()
    assert sweep_drivers.run() == "COMPLETE"

    def without_weights(records):
        return [{k: v for k, v in r.items() if k != "weights"} for r in decided(records)]

    assert without_weights(sweep_drivers.records()) == without_weights(calm.records)


def test_lost_workers_and_recipes_that_crash(drivers):
    fakes = [
        {"quality": 1.0},
        {"quality": 2.0, "kill": 8},
        {"quality": 3.0, "crash": 3},
        {"quality": 4.0, "nan": 1},
    ]
    sweep_drivers = drivers(
        slots=2,
        base=sweeps.recipe(),
        space={"fake": {"choice": fakes}},
        sampler="grid",
        scheduler="none",
        budget={},
    )
    assert sweep_drivers.run() == "COMPLETE"
    calm, killed, crashing, nan = open_sweep(sweep_drivers.store, "demo").trials.values()
    told_once(sweep_drivers.records())
    assert (calm.ended, calm.failures) == ("COMPLETE", 0)
    assert (killed.ended, killed.failures) == ("COMPLETE", 1)
    assert (crashing.ended, crashing.failures) == ("FAILED", 3)
    assert "the fake training crashes at step 3" in crashing.errors[-1]
    assert (nan.ended, nan.failures) == ("FAILED", 0)
    assert sweep_drivers.steps_computed()["demo/t0001", "7"] == 2


def test_interrupting_saves_and_can_be_resumed(drivers, tmp_path):
    # One report point takes two seconds, so that the signal comes in the middle of one.
    base = sweeps.recipe(steps=20, every=20, seconds=0.1)
    sweep_drivers = drivers(slots=2, trials=2, scheduler="none", base=base)
    sweep_drivers.start()
    log = tmp_path / "store" / "fake" / "steps.log"
    sweep_drivers.until(lambda records: log.exists() and len(log.read_text().splitlines()) > 8)
    with pytest.raises(SweepBusy, match="acutance status demo"):
        sweep_drivers.run_here()
    # As a terminal does: to every process of the group, Ray's own included.
    os.killpg(sweep_drivers.process.pid, signal.SIGINT)
    assert sweep_drivers.end() == "INTERRUPTED"
    waiting = open_sweep(sweep_drivers.store, "demo")
    assert waiting.state == "INTERRUPTED"
    assert {waiting.state_of(trial) for trial in waiting.trials.values()} == {"WAITING"}
    assert sweep_drivers.run() == "COMPLETE"
    assert set(sweep_drivers.steps_computed().values()) == {1}
