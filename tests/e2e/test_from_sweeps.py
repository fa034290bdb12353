"""A sweep that begins with what an earlier one found, through the command line and a real store."""

import shutil

import pytest
import yaml
from calling import RECIPE, CommandLine, photographs, refused

from acutance_platform.search import open_sweep, sweep_names
from acutance_platform.search.warm import warm_history
from acutance_platform.tracking import local_server
from acutance_storage import open_store

STEPS, BEFORE, AFTER = 4, 4, 2


def sweep(trials, **search):
    found = yaml.safe_load(RECIPE)
    found["search"] = {
        "space": {"optimizer.lr": {"log_uniform": [1e-5, 1e-2]}},
        "objectives": {"psnr_y": "max", "ssim_y": "max"},
        "sampler": {"kind": "tpe", "startup_trials": BEFORE},
        "scheduler": "none",
        "budget": {"trials": trials},
        **search,
    }
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with `before`, a finished sweep, and `after`, one that began with it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("COLUMNS", "200")
        patch.chdir(folder)
        photographs(folder / "photos")
        files = {"before": sweep(BEFORE), "after": sweep(AFTER, from_sweeps=["before"])}
        with local_server(folder / "local"):
            for name, content in files.items():
                (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))
                done = CommandLine(None).apart("sweep", f"{name}.yaml", "--name", name)
                assert done.code == 0, done.err
            yield folder


@pytest.fixture
def acutance(home, capsys, monkeypatch):
    monkeypatch.chdir(home)
    return CommandLine(capsys)


def rates(status):
    return [trial["recipe"]["optimizer.lr"] for trial in status["trials"]]


@pytest.mark.long
def test_the_sampler_hears_of_the_earlier_trials_and_they_cost_nothing(acutance):
    before = acutance("status", "before", "--json").json
    after = acutance("status", "after", "--json").json
    told = warm_history(open_sweep(open_store(), "after"))
    assert [each.assignment["optimizer.lr"] for each in told] == pytest.approx(rates(before))
    assert {each.state for each in told} == {"complete"}
    # Of the same seed, a sweep that was told nothing begins where the earlier one began.
    assert set(rates(after)).isdisjoint(rates(before))
    assert len(after["trials"]) == AFTER
    assert after["steps_executed"] == AFTER * STEPS


@pytest.mark.long
def test_front_and_best_have_its_own_trials_alone(acutance):
    front = acutance("front", "after", "--json").json
    status = acutance("status", "after", "--json").json
    own = {trial["trial"]: trial["metrics"]["psnr_y"] for trial in status["trials"]}
    assert front["points"]
    for point in front["points"]:
        assert point["metrics"]["psnr_y"] == own[point["trial"]]


@pytest.mark.long
def test_a_plan_says_how_many_are_told(acutance):
    told = f"{BEFORE} trials of before are told to the sampler"
    assert told in acutance("plan", "after.yaml").out


@pytest.mark.long
@pytest.mark.parametrize("verb", ["plan", "sweep"])
def test_another_fidelity_is_refused_with_the_path_that_differs(acutance, home, verb):
    (home / "other.yaml").write_text(yaml.safe_dump(sweep(AFTER, from_sweeps=["before"])))
    steps = "stages.train.steps=6"
    called = acutance(verb, "other.yaml", "--set", steps)
    refused(called, "equal fidelity", "stages.train.steps is 4 there and 6 here")
    assert sweep_names(open_store()) == ["after", "before"]


@pytest.mark.long
def test_it_goes_on_when_the_earlier_sweep_is_gone(acutance, home):
    told = warm_history(open_sweep(open_store(), "after"))
    shutil.rmtree(home / "store" / "journals" / "sweeps" / "before")
    assert acutance("status", "before").code == 2
    done = acutance.apart("resume", "after", "--budget", "trials=+1")
    assert done.code == 0, done.err
    status = acutance("status", "after", "--json").json
    assert len(status["trials"]) == AFTER + 1
    assert status["state"] == "COMPLETE"
    assert warm_history(open_sweep(open_store(), "after")) == told
