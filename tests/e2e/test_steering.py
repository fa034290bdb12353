"""A sweep that is steered from other processes, through its store alone."""

import json
import signal

import pytest
from command_line import CommandLine
from mlflow_view import runs_of
from tiny_trainings import CHAOS_L1, Place, tiny_recipe, write_pictures, write_yaml

from acutance_platform.cli import acutance
from acutance_platform.cli.outcome import run
from acutance_platform.search.requests import Requests
from acutance_platform.tracking import local_server
from acutance_platform.verbs.journals import Log, open_sweep

SEARCH = {
    "space": {
        "generator.channels": {"choice": [4, 6]},
        "optimizer.lr": {"log_uniform": [5e-4, 5e-3]},
    },
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "random"},
    "scheduler": "none",
    "budget": {"trials": 3},
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ACUTANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return Place(tmp_path, write_pictures(tmp_path / "pictures"))


@pytest.fixture
def command(tmp_path, place):
    line = CommandLine(tmp_path, CHAOS_PAUSE=0.05, CHAOS_LOG=tmp_path / "steps.log")
    yield line
    line.clean()


def count(place, word):
    return sum(record["do"] == word for record in Log(place.store, "steered").read())


def said(capfd, *arguments, code=0):
    """Run the command line in this process; return what it printed."""
    capfd.readouterr()
    assert run(acutance, [*arguments]) == code
    out, err = capfd.readouterr()
    return err if code else out


def test_a_sweep_is_steered_from_other_processes(command, place, tmp_path, capfd):
    stages = {"train": {"steps": 30, "loss": {"pixel": CHAOS_L1}}}
    recipe = tiny_recipe(evaluation={"every": 10}, stages=stages, search=SEARCH)
    sweep_file = write_yaml(tmp_path / "sweep.yaml", recipe)
    driver = command.start("sweep", sweep_file, "--name", "steered")
    command.until(driver, lambda: count(place, "report") >= 1, every=0.05)

    # The driver stands still, and is then killed: it can honour nothing of this.
    driver.send_signal(signal.SIGSTOP)
    assert "asked steered/t0000 to stop" in said(capfd, "stop", "steered/t0000")
    added = said(capfd, "enqueue", "steered", "--set", "optimizer.lr=1.0e-3", "--json")
    assert json.loads(added)["point"] == {"optimizer.lr": 1e-3}
    command.kill(driver)
    assert count(place, "stop") == count(place, "enqueue") == 0

    stopped_while_it_runs(command, place, capfd)
    command.run("resume", "steered", "--budget", "trials=+1")
    told = open_sweep(place.store, "steered").sweep
    assert told.state == "COMPLETE"
    assert list(told.trials) == ["t0000", "t0001", "t0002", "t0003", "t0004"]
    by_hand = [trial for trial in told.trials.values() if trial.by_hand]
    assert [trial.recipe["optimizer.lr"] for trial in by_hand] == [1e-3]
    ended = {name: trial.ended for name, trial in told.trials.items()}
    assert ended.pop("t0000") == "STOPPED"
    assert set(ended.values()) == {"COMPLETE"}
    assert list(Requests(place.store, "steered").pending()) == []
    with local_server(place.local) as uri:
        statuses = [child.info.status for child in runs_of(uri, "steered", "trial")]
    assert statuses == ["FINISHED"] * 5

    assert "acutance status steered" in said(capfd, "stop", "steered", code=2)
    assert "no such trial" in said(capfd, "logs", "steered/t0009", code=2)

    status = json.loads(said(capfd, "status", "steered", "--json"))
    assert status["budget"]["limit"] == {"trials": 4}
    states = [trial["state"] for trial in status["trials"]]
    assert states == ["STOPPED", *["COMPLETE"] * 4]


def stopped_while_it_runs(command, place, capfd):
    """Go on, follow, and stop the whole sweep; what was asked of the dead driver has happened."""
    driver = command.start("resume", "steered")
    follower = command.start("logs", "steered", "-f")
    command.until(driver, lambda: count(place, "enqueue") == 1, every=0.05)
    of_one = command.start("logs", "steered/t0001", "-f", "--json")
    reports = count(place, "report")
    command.until(driver, lambda: count(place, "report") > reports, every=0.05)
    said(capfd, "stop", "steered")
    command.end(driver, 130)
    command.end(follower, 0)
    command.end(of_one, 0)
    told = open_sweep(place.store, "steered").sweep
    assert told.state == "INTERRUPTED"
    assert told.reason.startswith("stopped by ")
    assert told.trials["t0000"].ended == "STOPPED"
    lines = command.out(follower)
    assert "t0000 is to stop (asked by " in lines
    assert "a point is added: optimizer.lr 0.001 (asked by " in lines
    assert "INTERRUPTED stopped by " in lines.splitlines()[-1]
    records = [json.loads(line) for line in command.out(of_one).splitlines()]
    assert {record["trial"] for record in records} == {"t0001"}
    assert "it does not run" in said(capfd, "stop", "steered", code=2)


def test_a_single_training_is_stopped_and_goes_on(command, place, tmp_path, capfd):
    command.variables["CHAOS_PAUSE"] = "0.1"
    recipe_file = write_yaml(tmp_path / "steered.yaml", tiny_recipe())
    driver = command.start("train", recipe_file)
    command.until(driver, lambda: count(place, "ask") == 1, every=0.05)
    refused = said(capfd, "enqueue", "steered", "--set", "optimizer.lr=1.0e-3", code=2)
    assert "this is a single training" in refused
    said(capfd, "stop", "steered/t0000")
    command.end(driver, 130)
    told = open_sweep(place.store, "steered").sweep
    assert told.reason.startswith("stopped by ")
    assert told.trials["t0000"].step < 60
    command.run("resume", "steered")
    assert open_sweep(place.store, "steered").sweep.state == "COMPLETE"
    steps = (tmp_path / "steps.log").read_text().splitlines()
    assert len(steps) == 60, "no step was computed twice"
