"""A search with two objectives whose driver dies at random moments decides as one undisturbed.

One slot, so that results come in one order: then every proposal of the sampler, every value at a
rung and every promotion has to be the same, which they only are if the journal alone gives the
sampler and the rungs their state back.
"""

import random
import time

import psutil
import pytest
from command_line import CommandLine
from mlflow_view import assert_mlflow_shows, runs_of
from rehearsal import decided, told_once
from tiny_trainings import CHAOS_L1, Place, tiny_recipe, write_pictures, write_yaml

from acutance_platform.tracking import local_server
from acutance_platform.verbs.journals import Log, open_sweep

STEPS, EVERY, CHECKPOINT = 30, 10, 5


def sweep_file(folder, trials):
    search = {
        "space": {
            "generator.channels": {"choice": [4, 6]},
            "optimizer.lr": {"log_uniform": [5e-4, 5e-3]},
        },
        "objectives": {"psnr_y": "max", "parameters": "min"},
        "reference": {"parameters": 5000},
        "sampler": {"kind": "tpe", "startup_trials": 3},
        "scheduler": {"kind": "mo_asha", "first_rung": 0.34, "reduction": 2},
        "budget": {"trials": trials},
    }
    recipe = tiny_recipe(
        stages={"train": {"steps": STEPS, "loss": {"pixel": CHAOS_L1}}},
        resources={"cpu": psutil.cpu_count(), "gpu": 0},
        evaluation={"every": EVERY},
        checkpoint={"every": CHECKPOINT, "keep": 2},
        search=search,
    )
    return write_yaml(folder / "sweep.yaml", recipe)


class Here:
    """A place of its own with a sweep in it."""

    def __init__(self, folder, pictures, trials, **variables):
        folder.mkdir()
        self.place, self.file = Place(folder, pictures), sweep_file(folder, trials)
        self.command = CommandLine(folder, CHAOS_LOG=folder / "steps.log", **variables)

    def drive(self):
        return self.command.start("sweep", self.file, "--name", "two", "--resume", "auto")

    def records(self):
        return Log(self.place.store, "two").read()

    def count(self, *words):
        return sum(record["do"] in words for record in self.records())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return what makes a place; what runs there is ended afterwards."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    pictures, made = write_pictures(tmp_path / "pictures"), []

    def make(name, trials, **variables):
        made.append(Here(tmp_path / name, pictures, trials, **variables))
        return made[-1]

    yield make
    for each in made:
        each.command.clean()


def kill_at_random(here, dice):
    """Start the driver, let it do some of its work, and kill it; return whether it was alive."""
    words = ("start", "report") if dice.random() < 0.3 else ("report",)
    driver, more = here.drive(), here.count(*words) + dice.randint(1, 3)
    while driver.poll() is None and here.count(*words) < more:
        time.sleep(0.05)
    time.sleep(dice.uniform(0, 0.5))
    alive = driver.poll() is None
    here.command.kill(driver)
    return alive


def survives(here, *, trials, kills):
    """Run a sweep twice, once with so many deaths; return how many there were."""
    dice, deaths = random.Random(trials), 0
    calm, chaos = here("calm", trials), here("chaos", trials, CHAOS_PAUSE="0.05")
    undisturbed = calm.drive()
    for _ in range(kills):
        deaths += kill_at_random(chaos, dice)
    chaos.command.end(chaos.drive(), 0)
    calm.command.end(undisturbed, 0)

    records = chaos.records()
    assert decided(records) == decided(calm.records())
    sweep = open_sweep(chaos.place.store, "two").sweep
    assert sweep.state == "COMPLETE"
    assert list(sweep.trials) == [f"t{number:04d}" for number in range(trials)]
    for name, steps in told_once(records).items():
        due = {*range(EVERY, steps[-1] + 1, EVERY), *sweep.trials[name].rungs}
        assert steps == sorted(step for step in due if step <= steps[-1]), name
    taken = len((chaos.command.folder / "steps.log").read_text().splitlines())
    asked = sum(trial.step for trial in sweep.trials.values())
    assert asked <= taken <= asked + deaths * CHECKPOINT
    with local_server(chaos.place.local) as uri:
        assert_mlflow_shows(uri, "two", records, kind="trial")
        assert len(runs_of(uri, "two", "sweep")) == 1
    return deaths


def test_a_death_changes_no_decision_on_two_objectives(here):
    assert survives(here, trials=4, kills=1) == 1


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_deaths_change_no_decision_on_two_objectives(here, record_property):
    deaths = survives(here, trials=20, kills=10)
    record_property("drivers_killed", deaths)
    assert deaths == 10
