import json
import time

import fake_training
import pytest
from sweeps import recipe

from acutance_platform.sweep.trainable import Leg


@pytest.fixture
def config(tmp_path):
    return {
        "trial": "t0000",
        "owner": "demo/t0000",
        "training": "fake_training:FakeTraining",
        "recipe": json.dumps(recipe(steps=10, every=5)),
        "rungs": [5, 10],
        "store": str(tmp_path),
        "local": str(tmp_path / "local"),
        "machine": None,
        "cpu": 1.0,
        "gpu": 0.0,
        "context": 0.0,
        "bell": str(tmp_path / "stop"),
        "bell_key": "",
    }


def leg_of(config):
    """Return a leg as Tune makes it, without Tune."""
    leg = object.__new__(Leg)
    leg.setup(config)
    return leg


def steps(result):
    return [report["step"] for report in result["reports"]]


def test_a_leg_trains_from_report_to_report(config):
    leg = leg_of(config)
    assert steps(leg.step()) == [5]
    assert steps(leg.step()) == [10]
    leg.cleanup()


def test_stored_reports_come_first_and_at_once(config):
    first = leg_of(config)
    told = [first.step(), first.step()]
    again = leg_of(config).step()["reports"]
    costs = {"cpu_seconds": 0.5, "gpu_seconds": 0.25}  # as the state says, for who was not told
    assert again == [report | costs for result in told for report in result["reports"]]


def test_what_the_process_used_is_told_once(config):
    leg = leg_of(config)
    used = [leg.step()["spent"], leg.step()["spent"]]
    leg.reset_config({**config, "trial": "t0001", "owner": "demo/t0001"})
    used.append(leg.step()["spent"])
    assert sum(cpu for cpu, _ in used) == pytest.approx(time.process_time(), rel=0.01)
    assert [gpu for _, gpu in used] == [0.0, 0.0, 0.0]


def test_a_leg_that_fails_tells_what_it_used_and_then_raises(config):
    config["recipe"] = json.dumps(recipe(steps=10, every=5, crash=3))
    leg = leg_of(config)
    told = leg.step()
    assert told["failing"]
    assert told["reports"] == []
    assert told["spent"][0] > 0
    with pytest.raises(RuntimeError, match="crashes at step 3"):
        leg.step()
    leg.reset_config({**config, "recipe": json.dumps(recipe(steps=10, every=5))})
    assert steps(leg.step()) == [5]


def test_a_leg_beyond_its_end_is_an_error_and_not_a_circle(config):
    leg = leg_of(config)
    leg.step()
    leg.step()
    assert leg.step()["failing"]
    with pytest.raises(RuntimeError, match="do not belong together"):
        leg.step()


def test_a_reused_worker_starts_from_the_new_trials_state(config):
    leg = leg_of(config)
    leg.step()
    other = {**config, "trial": "t0001", "owner": "demo/t0001"}
    assert leg.reset_config(other) is True
    assert steps(leg.step()) == [5]
    leg.reset_config(config)
    assert steps(leg.step()) == [5]
    assert steps(leg.step()) == [10]


def test_what_another_trial_computed_costs_nothing(config, monkeypatch):
    leg_of(config).step()
    init = fake_training.FakeTraining.__init__

    def shared(self, *args, **kwargs):
        init(self, *args, **{**kwargs, "owner": "demo/t0000"})

    monkeypatch.setattr(fake_training.FakeTraining, "__init__", shared)
    (report,) = leg_of({**config, "owner": "demo/t0001"}).step()["reports"]
    assert (report["executed"], report["cpu_seconds"], report["gpu_seconds"]) == (0, 0.0, 0.0)


def test_setup_opens_nothing(config):
    leg_of({**config, "training": "no_such_module:Training"})


def test_the_bell_makes_a_training_stop(config, tmp_path):
    slow = recipe(steps=100, every=100, seconds=0.1)
    leg = leg_of({**config, "recipe": json.dumps(slow), "rungs": [100]})
    (tmp_path / "stop").touch()
    assert leg.step()["failing"]
    with pytest.raises(RuntimeError, match="interrupted"):
        leg.step()
