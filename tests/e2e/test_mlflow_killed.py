"""MLflow's server is killed and started again: every value once, none missing, nothing RUNNING."""

import random
import time

import pytest
from command_line import LIMIT, CommandLine
from journal_example import journal_example
from journal_example import told as values
from mlflow_server import mlflow_server
from mlflow_view import assert_mlflow_shows
from tiny_trainings import CHAOS_L1, Place, tiny_recipe, write_pictures, write_yaml

from acutance_platform.tracking import Recorder
from acutance_platform.verbs.journals import Log, open_sweep

TRIALS, STEPS, DEATHS = 8, 240, 3
SWEEP = {
    "stages": {"train": {"steps": STEPS, "loss": {"pixel": CHAOS_L1}}},
    "evaluation": {"every": 2},
    "checkpoint": {"every": 40, "keep": 2},
    "search": {
        "space": {"optimizer.lr": {"log_uniform": [5e-4, 5e-3]}},
        "objectives": {"psnr_y": "max"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "none"},
        "budget": {"trials": TRIALS},
    },
}


def test_a_death_in_the_middle_of_shipping_costs_only_time(tmp_path):
    """The recorder alone, on PostgreSQL; the SQLite of a local server is in `test_recorder.py`."""
    records = journal_example("outage", trials=TRIALS, reports=600)
    with mlflow_server(tmp_path, "postgresql") as server:
        recorder = Recorder(server.uri, name="outage", records=records)
        deadline = time.monotonic() + LIMIT
        while len(recorder.run_ids()) < 3:
            assert time.monotonic() < deadline, recorder.status()
            time.sleep(0.01)
        server.kill()
        assert recorder.status().pending > 0, "it was too quick to be disturbed"
        server.start()
        server.wait()
        assert recorder.close(deadline=150) == []
        assert_mlflow_shows(server.uri, "outage", records, kind="trial")


@pytest.fixture
def command(tmp_path):
    line = CommandLine(tmp_path, CHAOS_PAUSE=0.2)
    yield line
    line.clean()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_three_deaths_of_mlflow_in_a_sweep_lose_nothing(
    backend, command, tmp_path, record_property
):
    place = Place(tmp_path, write_pictures(tmp_path / "pictures"))
    file, rng = write_yaml(tmp_path / "sweep.yaml", tiny_recipe(**SWEEP)), random.Random(0)

    def reports():
        return sum(record["do"] == "report" for record in Log(place.store, "outage").read())

    with mlflow_server(tmp_path / "service", backend) as server:
        command.variables["MLFLOW_TRACKING_URI"] = server.uri
        driver = command.start("sweep", file, "--name", "outage")
        away, meanwhile = [], []
        for death in range(DEATHS):
            due = TRIALS * STEPS // 2 * (2 * death + 1) // 8
            command.until(driver, lambda due=due: reports() >= due, every=0.5)
            before = reports()
            away.append(server.die(rng, longest=6.0))
            meanwhile.append(reports() - before)
        assert driver.poll() is None, "every death came while the sweep ran"
        command.end(driver, 0)

        told = open_sweep(place.store, "outage")
        assert told.sweep.state == "COMPLETE"
        assert {trial.ended for trial in told.sweep.trials.values()} == {"COMPLETE"}
        assert len(assert_mlflow_shows(server.uri, "outage", told.records, kind="trial")) == TRIALS
        assert "shipped" in [record["do"] for record in told.records]
    assert min(meanwhile) > 0, "training went on without it"
    record_property("backend", backend)
    record_property("trials", TRIALS)
    record_property("seconds_away", away)
    record_property("reports_meanwhile", meanwhile)
    record_property("values_each_once", sum(map(len, values(told.records).values())))
