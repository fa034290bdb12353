"""The store goes away in the middle of a sweep: for a while, and for good."""

import os
import subprocess
import time

import pytest
from command_line import CommandLine
from object_stores import SWIFT, start_swift, swift
from tiny_trainings import Place, finish, history, tiny_recipe, write_pictures, write_yaml

from acutance_platform.tracking import local_server
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.journals import open_sweep
from acutance_platform.verbs.plans import trial_recipe
from acutance_platform.verbs.verifying import verify_store
from acutance_storage import list_refs


class Switch:
    """Swift, to be stopped and started again with what it holds."""

    def __init__(self, folder, service):
        self.folder, self.service = folder, service
        self.port = int(service.endpoint.rpartition(":")[2])
        self.environment = {
            "SWIFT_VENV": str(SWIFT.parents[2] / ".venv-services"),
            **os.environ,
            "SWIFT_WORKERS": "1",
        }

    def off(self):
        subprocess.run([SWIFT, "stop", self.folder], env=self.environment, check=True)

    def on(self):
        start_swift(self.folder, self.port, self.environment)


@pytest.fixture
def switch(tmp_path, monkeypatch):
    with swift(tmp_path / "swift") as service:
        for name, value in service.variables.items():
            monkeypatch.setenv(name, value)
        yield Switch(tmp_path / "swift", service)


@pytest.fixture
def place(switch, tmp_path):
    pictures = write_pictures(tmp_path / "photographs")
    return Place(tmp_path, pictures, address=switch.service.address())


@pytest.fixture
def command(tmp_path, switch, place):
    variables = {"ACUTANCE_STORE": place.store.address, "CHAOS_PAUSE": 0.1}
    line = CommandLine(tmp_path, **switch.service.variables)
    line.variables |= {name: str(value) for name, value in variables.items()}
    yield line
    line.clean()


def saved(place):
    return list_refs(place.store, "stages")


def assert_nothing_is_missing(place, tmp_path_factory, name):
    """Every trial has the bits and the history of a training that nobody disturbed."""
    told = open_sweep(place.store, name)
    assert told.sweep.state == "COMPLETE"
    folder = tmp_path_factory.mktemp("calm")
    calm = Place(folder, write_pictures(folder / "pictures"))
    for trial in told.sweep.trials:
        recipe = trial_recipe(told, trial).model_dump(mode="json")
        training = calm.training(recipe, rungs=told.sweep.trials[trial].rungs)
        undisturbed, weights = finish(training)
        reports = [r for r in told.records if r["do"] == "report" and r["trial"] == trial]
        assert [(r["step"], r["metrics"]) for r in reports] == undisturbed
        assert told.sweep.trials[trial].weights == weights
        assert history(training.reports) == undisturbed
    found = verify_store(home=Home(place.store, place.local))
    assert (found.damage, found.torn) == ([], [])
    assert not list((place.local / "states").rglob("*.safetensors"))


@pytest.mark.long
def test_a_store_that_is_away_for_good_ends_a_training_that_can_be_resumed(
    switch, place, command, tmp_path, tmp_path_factory, record_property
):
    with local_server(place.local):
        file = write_yaml(tmp_path / "gone.yaml", tiny_recipe())
        process = command.start("train", file)
        command.until(process, lambda: saved(place), every=0.2)
        switch.off()
        began = time.monotonic()
        assert process.wait(timeout=600) == 2, command.err(process)
        assert "Traceback" not in command.err(process)
        record_property("seconds_until_it_gave_up", round(time.monotonic() - began, 1))
        assert "no answer from" in command.err(process)
        kept = list((place.local / "states").rglob("*.safetensors"))
        assert kept
        switch.on()
        command.run("resume", "gone")
    assert_nothing_is_missing(place, tmp_path_factory, "gone")


@pytest.mark.long
def test_a_sweep_outlives_half_a_minute_without_its_store(
    switch, place, command, tmp_path, tmp_path_factory, record_property
):
    search = {
        "space": {"optimizer.lr": {"log_uniform": [5e-4, 5e-3]}},
        "objectives": {"psnr_y": "max"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "none"},
        "budget": {"trials": 4},
    }
    command.variables["CHAOS_PAUSE"] = "0.5"
    recipe = tiny_recipe(search=search)
    with local_server(place.local):
        file = write_yaml(tmp_path / "away.yaml", recipe)
        process = command.start("sweep", file, "--name", "away")
        command.until(process, lambda: saved(place), every=0.2)
        switch.off()
        began = time.monotonic()
        time.sleep(30)
        assert process.poll() is None
        kept = len(list((place.local / "states").rglob("*.safetensors")))
        switch.on()
        record_property("seconds_away", round(time.monotonic() - began, 1))
        record_property("states_that_waited", kept)
        command.end(process, 0)
    assert kept >= 1
    assert_nothing_is_missing(place, tmp_path_factory, "away")
