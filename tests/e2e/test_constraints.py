"""Constraints through the command line: refused recipes cost no step, and best meets the rules."""

import pytest
import yaml
from calling import RECIPE, CommandLine, photographs, refused

from acutance_platform.search import open_sweep
from acutance_platform.tracking import local_server
from acutance_storage import open_store

SMALL = 6000
"""Parameters that a network of 8 channels stays under, and one of 32 does not."""


def constrained(**changes):
    sweep = yaml.safe_load(RECIPE)
    sweep["search"] = {
        "space": {
            "generator.channels": {"choice": [8, 32, 40, 48]},
            "optimizer.lr": {"log_uniform": [1e-4, 1e-2]},
        },
        "objectives": {"psnr_y": "max"},
        "constraints": {"parameters": f"<= {SMALL}", "psnr_y": "> 1"},
        "sampler": "random",
        "scheduler": "none",
        "budget": {"trials": 3},
        **changes,
    }
    return yaml.safe_dump(sweep)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a finished sweep, `small`, and the file of `hopeless`, which has no best."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS"):
            patch.delenv(name, raising=False)
        patch.setenv("ACUTANCE_STORE", str(folder / "store"))
        patch.setenv("ACUTANCE_LOCAL", str(folder / "local"))
        patch.setenv("COLUMNS", "120")
        patch.chdir(folder)
        photographs(folder / "photos")
        (folder / "small.yaml").write_text(constrained())
        table = {"psnr_y": ">= 90"}
        budget = {"trials": 2}
        (folder / "hopeless.yaml").write_text(constrained(constraints=table, budget=budget))
        with local_server(folder / "local"):
            searched(folder, "small")
            yield folder


def searched(folder, name):
    """Run a sweep; keep what it printed."""
    done = CommandLine(None).apart("sweep", f"{name}.yaml", "--name", name)
    assert done.code == 0, done.err
    (folder / f"{name}.txt").write_text(done.out)


@pytest.fixture
def acutance(home, capsys, monkeypatch):
    monkeypatch.chdir(home)
    return CommandLine(capsys)


def test_recipes_over_a_structural_constraint_cost_no_step(acutance):
    told = open_sweep(open_store(), "small")
    status = acutance("status", "small", "--json").json
    assert len(status["trials"]) == 3
    assert status["refused"] == len(told.refused) > 0
    assert {each.recipe["generator.channels"] for each in told.refused} <= {32, 40, 48}
    assert {t["recipe"]["generator.channels"] for t in status["trials"]} <= {8}
    assert status["steps_executed"] == 3 * 4
    assert all(each.costs["parameters"] > SMALL for each in told.refused)
    for trial in status["trials"]:
        assert trial["feasible"] is True
        assert trial["metrics"]["parameters"] <= SMALL
    assert status["best"] is not None
    assert f"parameters <= {SMALL}" in acutance("status", "small").out
    assert acutance("evaluate", "small/best", "photos", "--json").code == 0


@pytest.mark.long
def test_a_sweep_without_a_feasible_trial_says_so_everywhere(home, acutance):
    searched(home, "hopeless")
    status = acutance("status", "hopeless", "--json").json
    assert (status["state"], status["best"]) == ("COMPLETE", None)
    near = status["nearest"]
    best = max(status["trials"], key=lambda trial: trial["metrics"]["psnr_y"])
    assert near == best["trial"]
    assert best["feasible"] is False
    assert 0 < best["violations"]["psnr_y"] < 1
    sentence = f"No complete trial meets the constraints; the nearest is {near}"
    for text in ((home / "hopeless.txt").read_text(), acutance("status", "hopeless").out):
        assert sentence in text
        assert "no: psnr_y" in text
    assert acutance("report", "hopeless", "-o", "page.html").code == 0
    assert sentence in (home / "page.html").read_text()
    document = acutance("front", "hopeless", "--json").json
    assert (document["points"], document["nearest"]) == ([], near)
    for address in ("hopeless/best", "hopeless/knee"):
        said = (f"the nearest is {near}", f"hopeless/{near}")
        refused(acutance("evaluate", address, "photos"), "psnr_y >= 90", *said)
    assert acutance("evaluate", f"hopeless/{near}", "photos", "--json").code == 0


def test_a_file_whose_points_break_its_constraints_is_refused_with_all_of_them(home, acutance):
    points = [{"generator.channels": 32}, {"generator.channels": 8}, {"generator.channels": 48}]
    (home / "bad.yaml").write_text(constrained(initial=points))
    found = acutance("validate", "bad.yaml")
    refused(found, "search.initial.0", "search.initial.2", f"parameters <= {SMALL}", "2 problems.")
    refused(acutance("plan", "bad.yaml"), "search.initial.0", "search.initial.2")


def test_a_forecast_looks_at_recipes_that_will_be_trained(home, acutance):
    forecast = acutance("plan", "small.yaml", "--json").json
    assert all(sample["parameters"] <= SMALL for sample in forecast["samples"])
    space = {"generator.channels": {"choice": [4, 8]}}
    never = constrained(constraints={"parameters": "<= 10"}, space=space, sampler="grid")
    (home / "never.yaml").write_text(never)
    refused(acutance("plan", "never.yaml"), "parameters <= 10", "narrow the space")
