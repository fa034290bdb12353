"""An adversarial training that is killed goes on bit for bit, discriminators and optimisers too."""

import pytest
import torch
from command_line import CommandLine
from mlflow_view import assert_mlflow_shows
from tiny_trainings import CHAOS_L1, Place, history, tiny_recipe, write_pictures, write_yaml

from acutance_platform.tracking import local_server
from acutance_platform.verbs import running
from acutance_platform.verbs.home import Home
from acutance_storage import list_refs

PRETRAIN, END, CHECKPOINT = 10, 30, 2
FINETUNE = {
    "pixel": CHAOS_L1,
    "image": {
        "kind": "adversarial",
        "weight": 0.01,
        "form": "relativistic",
        "normalize": "initial",
        "discriminator": {"kind": "vgg", "channels": 4},
    },
    "feature": {
        "kind": "adversarial",
        "weight": 0.01,
        "from_step": 3,
        "features": {"kind": "random", "channels": 4},
        "layer": "conv2_2",
        "discriminator": {"kind": "srfeat_feature", "channels": 4, "head": "convolution"},
    },
}
RECIPE = tiny_recipe(
    stages={
        "pretrain": {"steps": PRETRAIN, "loss": {"pixel": CHAOS_L1}},
        "finetune": {
            "after": "pretrain",
            "steps": END - PRETRAIN,
            "loss": FINETUNE,
            "discriminator_rest_above": 0.6,
        },
    },
    evaluation={"every": 10},
    checkpoint={"every": CHECKPOINT, "keep": 2},
    ema=0.9,
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    line = CommandLine(tmp_path, CHAOS_PAUSE=0.05)
    yield line
    line.clean()


def last_state(training):
    """Return what the last saved state has beside costs: plain data and every tensor."""
    progress, tensors = training._stage._states.newest()
    return (progress.step, progress.attempt, progress.memory), tensors


@pytest.mark.long
def test_a_gan_killed_twice_has_the_bits_of_an_undisturbed_one(
    command, place, tmp_path_factory, pictures
):
    whole = Place(tmp_path_factory.mktemp("whole"), pictures).training(RECIPE)
    while whole.step < END:
        whole.advance()
    pretrain, finetune = whole.keys
    file = write_yaml(command.folder / "gan.yaml", RECIPE)

    def saved():
        names = [name.split("/") for name in list_refs(place.store, "stages")]
        return max((int(step) for key, step in names if key == finetune), default=0)

    for least in (PRETRAIN + CHECKPOINT, PRETRAIN + 6 * CHECKPOINT):
        process = command.start("train", file, "--resume", "auto")
        command.until(process, lambda least=least: saved() >= least)
        command.kill(process)
        assert least <= saved() < END, "the kill came too late to be one"
    outcome = running.resume("gan", home=Home(place.store, place.local))
    assert (outcome.state, outcome.untracked) == ("COMPLETE", [])

    ended = place.training(RECIPE)
    assert ended.keys == (pretrain, finetune)
    assert history(ended.reports) == history(whole.reports)
    assert [r.notes for r in ended.reports] == [r.notes for r in whole.reports]
    assert ended.reports[-1].weights == whole.reports[-1].weights
    told = [r for r in outcome.told.records if r["do"] == "report"]
    assert [(r["step"], r["metrics"]) for r in told] == history(whole.reports)
    assert {f"discriminator/{term}/logit_gap" for term in ("image", "feature")} <= {
        name for report in told for name in report["metrics"]
    }
    (plain, tensors), (theirs, their_tensors) = last_state(ended), last_state(whole)
    assert plain == theirs
    assert set(plain[2]["initial"]) == {"image"}
    assert set(tensors) == set(their_tensors)
    moments = [n for n in tensors if n.startswith("discriminators/") and "/optimizer/" in n]
    assert {name.split("/")[1] for name in moments} == {"image", "feature"}
    assert all(torch.equal(tensors[name], their_tensors[name]) for name in tensors)
    with local_server(place.local) as uri:
        assert_mlflow_shows(uri, "gan", outcome.told.records, kind="train")
    assert command.gone() == []
