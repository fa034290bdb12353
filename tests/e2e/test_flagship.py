"""The sweep that `make sweep` runs: a front over networks and loss mixes, whoever dies."""

import json
import time
from itertools import product
from pathlib import Path

import pytest
from command_line import CommandLine
from tiny_trainings import write_pictures

from acutance_platform.verbs.journals import Log, open_sweep
from acutance_storage import open_store

SWEEP = Path(__file__).parents[2] / "experiments" / "flagship" / "sweep.yaml"
MIX = "stages.finetune.loss"
TERMS = ("pixel", "perceptual", "texture", "adversarial")
SMALL = {
    "data.batch": 2,
    "stages.pretrain.steps": 12,
    "stages.finetune.steps": 9,
    "evaluation.every": 12,
    "checkpoint.every": 4,
    "search.budget.trials": 9,
}


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    line = CommandLine(tmp_path)
    yield line
    line.clean()


def shares(trial):
    """The loss mix that a trial trains with."""
    weights = {term: trial.recipe.get(f"{MIX}.{term}.weight") for term in TERMS}
    return {term: weight for term, weight in weights.items() if weight is not None}


def run_with_a_death(command, tmp_path, changes, *, after):
    """Kill the driver once so many trials were drawn, resume, and return the sweep."""
    options = [option for path, value in changes.items() for option in ("--set", f"{path}={value}")]
    driver = command.start("sweep", SWEEP, *options, "--resume", "auto")
    log = Log(open_store(tmp_path / "store"), "flagship")

    def values():
        return sum(record["do"] == "value" for record in log.read())

    for amount in range(1, after + 1):
        command.until(driver, lambda least=amount: values() >= least, every=0.2)
    command.kill(driver)
    driver = command.start("sweep", SWEEP, *options, "--resume", "auto")
    assert driver.wait(timeout=3600) == 0, command.err(driver)
    return open_sweep(open_store(tmp_path / "store"), "flagship").sweep, command.out(driver)


def check_sweep(sweep, amount):
    """What holds for any length of training."""
    assert len(sweep.trials) == amount
    assert {trial.ended for trial in sweep.trials.values()} <= {"COMPLETE", "STOPPED"}
    assert sweep.executed < sweep.requested
    first = list(sweep.trials.values())[:6]
    assert [shares(trial) for trial in first] == [{"pixel": 1.0}] * 6
    assert len({trial.stages[0] for trial in sweep.trials.values()}) == 6, "a pretrain per network"
    recipes = [json.dumps(trial.recipe, sort_keys=True) for trial in sweep.trials.values()]
    assert len(set(recipes[14:])) == len(recipes[14:]), "a learning sampler proposes nothing twice"


def check_report(command, printed):
    front = json.loads(command.run("front", "flagship", "--json"))
    weights = {point["weights"] for point in front["points"]}
    assert front["objectives"] == {"psnr_y": "max", "feature_distance": "min"}
    folder = command.folder / "local" / "reports" / "flagship"
    strips = sorted(folder.glob("strip-*.png"))
    assert {"front.png", "curves.png", "report.html"} <= {file.name for file in folder.iterdir()}
    assert len(strips) == 2
    for point in front["points"]:
        assert point["trial"] in printed
    return front, weights


def test_the_flagship_ends_with_a_front_and_survives_its_driver(command, tmp_path):
    """In seconds: nothing is learnt, but everything has its place."""
    pictures = write_pictures(tmp_path / "pictures")
    changes = {**SMALL, "data.dataset": pictures}
    sweep, printed = run_with_a_death(command, tmp_path, changes, after=3)
    check_sweep(sweep, SMALL["search.budget.trials"])
    check_report(command, printed)


@pytest.mark.long
def test_the_flagship_finds_a_front(command, tmp_path, record_property):
    """As `make sweep` runs it, killed once in the middle."""
    started = time.monotonic()
    sweep, printed = run_with_a_death(command, tmp_path, {}, after=9)
    record_property("seconds_with_a_death", round(time.monotonic() - started))
    check_sweep(sweep, 24)
    front, weights = check_report(command, printed)
    parents = {name for point in front["points"] for name in point.get("parents", [point["trial"]])}
    on_front = [sweep.trials[name] for name in parents]
    generators = {trial.recipe["generator.kind"] for trial in on_front}
    mixes = {tuple(shares(trial)) for trial in on_front}
    assert len(weights) >= 3
    assert len(generators) >= 2 or len(mixes) >= 2

    pixel = [trial for trial in sweep.trials.values() if set(shares(trial)) == {"pixel"}]
    strong = [t for t in sweep.trials.values() if shares(t).get("adversarial", 0.0) > 0.25]
    margins = []
    for plain, other in product(pixel, strong):
        common = set(plain.values) & set(other.values)
        if plain.recipe["generator.kind"] == other.recipe["generator.kind"] and common:
            margins.append(plain.values[max(common)][0] - other.values[max(common)][0])
    assert margins
    assert min(margins) > 0
    record_property(
        "front",
        [
            [p["trial"], p["metrics"]["psnr_y"], p["metrics"]["feature_distance"]]
            for p in front["points"]
        ],
    )
    record_property("generators_on_the_front", sorted(generators))
    record_property("psnr_y_of_pixels_above_adversarial", [round(m, 3) for m in sorted(margins)])
    record_property("steps", [sweep.executed, sweep.requested])
