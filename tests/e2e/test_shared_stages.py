"""Six loss mixes on one pretrain, on a real Ray and a real MLflow, whoever dies in between."""

import pytest
from command_line import CommandLine
from mlflow_view import assert_mlflow_shows
from tiny_trainings import CHAOS_L1, Place, history, tiny_recipe, write_pictures, write_yaml

from acutance_platform.tracking import local_server
from acutance_platform.verbs.journals import Log, open_sweep
from acutance_platform.verbs.plans import trial_recipe

PRETRAIN, FINETUNE, CHECKPOINT, MIXES = 30, 10, 5, 6
MIX = "stages.finetune.loss"
CHARBONNIER = {"kind": "charbonnier", "weight": 1.0}
STAGES = {
    "pretrain": {"steps": PRETRAIN, "loss": {"pixel": CHAOS_L1}},
    "finetune": {
        "after": "pretrain",
        "steps": FINETUNE,
        "loss": {"pixel": CHAOS_L1, "round": CHARBONNIER},
    },
}
SEARCH = {
    "space": {MIX: {"simplex": ["pixel", "round"]}},
    "initial": [{MIX: {"pixel": 1.0, "round": 9.0}}],
    "objectives": {"psnr_y": "max", "ssim_y": "max"},
    "sampler": "random",
    "scheduler": "none",
    "budget": {"trials": MIXES},
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
def command(tmp_path, place):
    line = CommandLine(tmp_path, CHAOS_PAUSE=0.1, CHAOS_LOG=tmp_path / "steps.log")
    yield line
    line.clean()


def records(place):
    return Log(place.store, "mixes").read()


def asked(place):
    return sum(record["do"] == "ask" for record in records(place))


def failed(place):
    return sum(record["do"] == "failure" for record in records(place))


def test_a_pretrain_whose_owner_dies_is_paid_once_and_changes_no_bit(
    command, place, tmp_path, tmp_path_factory, pictures
):
    recipe = tiny_recipe(
        stages=STAGES,
        evaluation={"every": 10},
        checkpoint={"every": CHECKPOINT, "keep": 2},
        search=SEARCH,
    )
    file = write_yaml(tmp_path / "sweep.yaml", recipe)
    driver = command.start("sweep", file, "--name", "mixes")
    command.until(driver, lambda: asked(place) == MIXES)
    log = tmp_path / "steps.log"
    command.until(driver, lambda: log.exists() and len(log.read_text().splitlines()) >= 12)
    in_words = open_sweep(place.store, "mixes").sweep
    states = sorted(in_words.state_of(trial) for trial in in_words.trials.values())
    assert states == ["RUNNING", *["WAITING"] * (MIXES - 1)]
    owner = [p for p in command.processes() if p.cmdline()[0].endswith("Trainable.train")]
    owner[0].kill()
    command.until(driver, lambda: failed(place) == 1)
    command.end(driver, 0)

    told = open_sweep(place.store, "mixes")
    sweep = told.sweep
    assert {trial.ended for trial in sweep.trials.values()} == {"COMPLETE"}
    assert sweep.requested == MIXES * (PRETRAIN + FINETUNE)
    once = PRETRAIN + MIXES * FINETUNE
    assert once <= sweep.executed <= once + CHECKPOINT
    taken = len((tmp_path / "steps.log").read_text().splitlines())
    assert once <= taken <= once + CHECKPOINT
    shares = [trial.recipe[f"{MIX}.pixel.weight"] for trial in sweep.trials.values()]
    assert shares[0] == pytest.approx(0.1)
    assert len(set(shares)) == MIXES

    for name in ("t0000", "t0005"):
        alone = Place(tmp_path_factory.mktemp(name), pictures)
        training = alone.training(trial_recipe(told, name).model_dump(mode="json"))
        while training.step < PRETRAIN + FINETUNE:
            training.advance()
        reports = [
            (record["step"], record["metrics"])
            for record in told.records
            if record["do"] == "report" and record["trial"] == name
        ]
        assert reports == history(training.reports)
        assert sweep.trials[name].weights == training.reports[-1].weights
    with local_server(place.local) as uri:
        assert_mlflow_shows(uri, "mixes", told.records, kind="trial")
