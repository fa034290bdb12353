"""Sweeps on a real Ray and a real MLflow whose driver or worker is killed, or told to stop.

Whatever happens, a sweep ends with the planned trials, one run each in MLflow, histories without
gaps or duplicates, and the bits that each recipe gives when nobody disturbs it.
"""

import json
import random
import time

import pytest
from command_line import LIMIT, CommandLine
from mlflow_view import assert_mlflow_shows, runs_of
from tiny_trainings import Place, history, tiny_recipe, write_pictures, write_yaml

from acutance_platform.cli import acutance
from acutance_platform.cli.outcome import run
from acutance_platform.tracking import local_server
from acutance_platform.tracking.processes import members
from acutance_platform.verbs.journals import Log, open_sweep
from acutance_platform.verbs.plans import trial_recipe

TRIALS, EVERY, CHECKPOINT = 5, 10, 5
SEARCH = {
    "space": {
        "generator.channels": {"choice": [4, 6]},
        "optimizer.lr": {"log_uniform": [5e-4, 5e-3]},
    },
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "random"},
    "scheduler": {"kind": "asha", "first_rung": 0.34, "reduction": 2},
    "budget": {"trials": TRIALS},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return Place(tmp_path, pictures)


@pytest.fixture
def calm(tmp_path_factory, pictures):
    return Place(tmp_path_factory.mktemp("calm"), pictures)


@pytest.fixture
def command(tmp_path, place):
    line = CommandLine(tmp_path, CHAOS_PAUSE=0.05, CHAOS_LOG=tmp_path / "steps.log")
    yield line
    line.clean()


@pytest.fixture
def sweep_file(tmp_path):
    recipe = tiny_recipe(
        evaluation={"every": EVERY}, checkpoint={"every": CHECKPOINT, "keep": 2}, search=SEARCH
    )
    return write_yaml(tmp_path / "sweep.yaml", recipe)


def records(place):
    return Log(place.store, "chaos").read()


def count(place, word):
    return sum(record["do"] == word for record in records(place))


def legs(command):
    """Return the processes in which legs run at this moment, as Ray titles them."""
    return [p for p in command.processes() if p.cmdline()[0].endswith("Trainable.train")]


def assert_survived(command, place, calm, uri, *, deaths):
    """The sweep is as one that nobody disturbed; `deaths` is how many legs lost their process."""
    told = open_sweep(place.store, "chaos")
    sweep = told.sweep
    assert sweep.state == "COMPLETE"
    assert list(sweep.trials) == [f"t{index:04d}" for index in range(TRIALS)]
    assert {trial.ended for trial in sweep.trials.values()} <= {"COMPLETE", "STOPPED"}
    assert sum(record["do"] == "ask" for record in told.records) == TRIALS

    for name, trial in sweep.trials.items():
        reported = [
            (record["step"], record["metrics"])
            for record in told.records
            if record["do"] == "report" and record["trial"] == name
        ]
        recipe = trial_recipe(told, name).model_dump(mode="json")
        undisturbed = calm.training(recipe, rungs=trial.rungs, owner=f"chaos/{name}")
        while undisturbed.step < trial.step:
            undisturbed.advance()
        assert reported == history(undisturbed.reports)
        assert trial.weights == undisturbed.reports[-1].weights
        assert trial.executed == trial.step

    # Steps that were really taken: each once, but for what a death cost since the last checkpoint.
    taken = len((command.folder / "steps.log").read_text().splitlines())
    asked = sum(trial.step for trial in sweep.trials.values())
    assert asked <= taken <= asked + deaths * CHECKPOINT

    runs = assert_mlflow_shows(uri, "chaos", told.records, kind="trial")
    assert {run.info.run_id for run in runs} == {trial.run_id for trial in sweep.trials.values()}
    (parent,) = runs_of(uri, "chaos", "sweep")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {parent.info.run_id}


def reported(command, driver, place, number):
    """Wait for so many more reports."""
    told = count(place, "report")
    command.until(driver, lambda: count(place, "report") >= told + number, every=0.05)


def kill_a_leg(command, driver, place):
    failures = count(place, "failure")
    running = []
    command.until(driver, lambda: running.extend(legs(command)) or running, every=0.02)
    running[0].kill()
    command.until(driver, lambda: count(place, "failure") > failures, every=0.05)


def press_ctrl_c(command, driver, place, uri):
    command.interrupt(driver)
    command.end(driver, 130)
    assert "Go on with: acutance resume chaos" in command.err(driver)
    assert open_sweep(place.store, "chaos").sweep.state == "INTERRUPTED"
    assert {run.info.status for run in runs_of(uri, "chaos", "trial")} <= {"KILLED", "FINISHED"}
    servers = members(place.local / "mlflow")
    assert [p.cmdline() for p in command.processes() if p not in servers] == []


def server_of(place):
    return json.loads((place.local / "mlflow" / "server.json").read_text())["pid"]


def test_a_sweep_survives_lost_workers_a_killed_driver_and_ctrl_c(
    command, place, calm, sweep_file, capfd
):
    again = ["sweep", str(sweep_file), "--name", "chaos"]
    driver = command.start(*again)
    reported(command, driver, place, 2)
    kill_a_leg(command, driver, place)
    reported(command, driver, place, 2)

    assert run(acutance, again) == 2
    assert "acutance resume chaos" in capfd.readouterr().err
    assert run(acutance, [*again, "--resume", "auto"]) == 2
    assert "it runs in another process" in capfd.readouterr().err

    command.kill(driver)
    assert open_sweep(place.store, "chaos").sweep.state == "RUNNING", "nobody could say otherwise"
    orphan = server_of(place)
    with local_server(place.local) as uri:
        driver = command.start("resume", "chaos")
        reported(command, driver, place, 2)
        assert server_of(place) == orphan, "the server is adopted"
        press_ctrl_c(command, driver, place, uri)
        command.run("resume", "chaos")
        assert_survived(command, place, calm, uri, deaths=3)
    assert command.gone() == []

    before, began = records(place), time.monotonic()
    assert run(acutance, [*again, "--resume", "auto", "--json"]) == 0
    assert time.monotonic() - began < LIMIT / 10
    assert records(place) == before
    assert command.gone(0) == []


@pytest.mark.long
def test_a_sweep_survives_up_to_twenty_deaths(command, place, calm, sweep_file, record_property):
    """Drivers and workers die in turn, most of them while trials run, some while they start."""
    command.variables["CHAOS_PAUSE"] = "0.2"
    dice, deaths = random.Random(0), 0
    for number in range(20):
        if count(place, "finish"):
            break  # killed while it told MLflow of its end
        starts = count(place, "start")
        driver = command.start("sweep", sweep_file, "--name", "chaos", "--resume", "auto")
        if number % 5:
            command.until(driver, lambda n=starts: count(place, "start") > n, every=0.05)
        deadline = time.monotonic() + dice.uniform(0.0, 20.0 if number % 5 else 5.0)
        while driver.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if driver.poll() is not None:
            break  # it came to its end
        running = legs(command)
        if running and dice.random() < 0.3:
            dice.choice(running).kill()
            time.sleep(dice.uniform(0.0, 5.0))
        command.kill(driver)
        deaths += 3
    record_property("drivers_killed", deaths // 3)
    command.run("sweep", sweep_file, "--name", "chaos", "--resume", "auto")
    with local_server(place.local) as uri:
        assert_survived(command, place, calm, uri, deaths=deaths)
    assert command.gone() == []
