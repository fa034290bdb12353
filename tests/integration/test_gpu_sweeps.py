"""Real sweeps on the GPUs of this machine: two trials on one card, one trial on two."""

import pytest
import torch
import yaml
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.verbs.home import Home
from acutance_platform.verbs.running import sweep

pytestmark = pytest.mark.gpu
SEARCH = {
    "space": {"optimizer.lr": {"log_uniform": [5e-4, 5e-3]}},
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "random"},
    "scheduler": {"kind": "asha", "first_rung": 0.34, "reduction": 2},
    "budget": {"trials": 4},
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    place = Place(tmp_path, write_pictures(tmp_path / "pictures"))
    return Home(place.store, place.local)


def run(home, name, **resources):
    """Run a sweep and return what its journal says."""
    file = home.local.parent / f"{name}.yaml"
    pixel = {"pixel": {"kind": "l1", "weight": 1.0}}
    stages = {"train": {"steps": 300, "loss": pixel}}
    recipe = tiny_recipe(plugins=[], stages=stages, resources=resources, search=SEARCH)
    recipe |= {"evaluation": {"every": 100}, "checkpoint": {"every": 50, "keep": 2}}
    file.write_text(yaml.safe_dump(recipe))
    outcome = sweep(file, name=name, home=home)
    assert outcome.state == "COMPLETE"
    assert not outcome.untracked
    return outcome.told


def at_once(records):
    """Return the most legs that ran at one moment."""
    running, most = set(), 0
    for record in records:
        if record["do"] == "leg":
            running.add(record["trial"])
        elif record["do"] in ("value", "failure", "end"):
            running.discard(record["trial"])
        most = max(most, len(running))
    return most


def test_two_trials_share_one_gpu(home, record_property):
    told = run(home, "halves", cpu=1, gpu=0.5)
    assert at_once(told.records) >= 2
    trials = told.sweep.trials.values()
    assert all(trial.failures == 0 for trial in trials)
    spent = sum(trial.gpu_seconds for trial in trials)
    record_property("gpu_seconds", round(spent, 1))
    record_property("wall_seconds", round(3600 * told.sweep.wall_hours(), 1))
    # Each holds half of the card: more than all of it cannot be spent.
    assert 0 < spent <= 3600 * told.sweep.wall_hours() * torch.cuda.device_count()


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_trial_on_two_gpus(home, record_property):
    told = run(home, "pairs", cpu=2, gpu=2)
    assert told.sweep.best is not None
    record_property("wall_seconds", round(3600 * told.sweep.wall_hours(), 1))
