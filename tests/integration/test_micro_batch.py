"""A batch in parts is the batch; what does not fit into memory starts again in smaller parts."""

import json
import subprocess
import sys

import pytest
import torch
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.training import OutOfMemory
from acutance_platform.verbs import Home
from acutance_platform.verbs.journals import open_sweep
from acutance_platform.verbs.running import resume, sweep, train

BATCH = 5
RANDOM = {"kind": "random", "channels": 4}
PIXEL = {"pixel": {"kind": "charbonnier", "weight": 1.0}}
LOOKS = {
    **PIXEL,
    "squares": {"kind": "mse", "weight": 0.5, "normalize": "initial"},
    "perceptual": {
        "kind": "perceptual",
        "weight": 1.0,
        "features": RANDOM,
        "layers": {"conv2_2": 1.0},
        "normalize": "initial",
    },
    "texture": {
        "kind": "gram",
        "weight": 1.0,
        "features": RANDOM,
        "layers": {"relu1_1": 1.0},
        "patch": 16,
    },
}
CRITIC = {"kind": "vgg", "channels": 4, "norm": "none"}


def judged(form, **more):
    term = {"kind": "adversarial", "weight": 0.1, "form": form, "discriminator": CRITIC, **more}
    return {**LOOKS, "adversarial": term}


def recipe(loss, *, micro=None, norm=None, **stage):
    stages = {"train": {"steps": 4, "loss": loss, "data": {"micro_batch": micro}, **stage}}
    tiny = tiny_recipe(stages=stages, evaluation={"every": 2}, plugins=[])
    return {**tiny, "data": {**tiny["data"], "batch": BATCH}}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


def after_a_step(place, content):
    """Return every tensor after one step, its values recorded, and the loss."""
    training = place.training(content)._stage
    learner = training._learner
    loss = learner.step(training._feed(learner.generator, 0, 0), 0)
    return {k: v.clone() for k, v in learner.tensors().items()}, loss, dict(learner._mix.initial)


@pytest.mark.parametrize("order", ["generator_first", "discriminator_first"])
@pytest.mark.parametrize("micro", [1, 2, 4])
@pytest.mark.parametrize(
    "loss",
    [
        PIXEL,
        LOOKS,
        judged("standard"),
        judged("hinge"),
        judged("least_squares", features=RANDOM, layer="relu2_1"),
    ],
    ids=["pixel", "looks", "standard", "hinge", "of features"],
)
def test_parts_add_up_to_the_batch(place, loss, micro, order):
    if loss.get("adversarial", {}).get("features"):
        critic = {"kind": "srfeat_feature", "channels": 4, "norm": "none"}
        loss = {**loss, "adversarial": {**loss["adversarial"], "discriminator": critic}}
    whole, value, initial = after_a_step(place, recipe(loss, order=order))
    parts, other, again = after_a_step(place, recipe(loss, order=order, micro=micro))
    assert whole.keys() == parts.keys()
    gradients = [name for name in whole if name.endswith("exp_avg")]
    assert {name.split("/")[0] for name in gradients} >= {"optimizer"}
    for name in [*gradients, "averages/sums"]:
        scale = float(whole[name].abs().max())
        assert torch.allclose(whole[name], parts[name], rtol=2e-4, atol=2e-5 * scale), name
    assert torch.equal(whole["averages/counts"], parts["averages/counts"])
    assert float(value) == pytest.approx(float(other), rel=1e-5)
    assert initial == pytest.approx(again, rel=1e-5)


def test_the_whole_batch_as_one_part_has_the_same_bits(place):
    """But it is another key: what the two store may not be mixed up."""
    whole, _, _ = after_a_step(place, recipe(judged("standard")))
    one, _, _ = after_a_step(place, recipe(judged("standard"), micro=BATCH))
    assert all(torch.equal(whole[name], one[name]) for name in whole)
    keys = [place.training(recipe(PIXEL, micro=micro)).key for micro in (None, 2, 3)]
    assert len(set(keys)) == 3


def problems(content):
    with pytest.raises(RecipeErrors) as caught:
        build_recipe(content)
    return [(problem.place, problem.rule) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (judged("relativistic"), "the term adversarial compares each picture with the mean"),
        (
            judged("standard", discriminator={"kind": "vgg", "channels": 4}),
            "the discriminator of adversarial normalises by the batch's statistics",
        ),
    ],
)
def test_what_parts_would_change_is_refused(loss, said):
    ((place, rule),) = problems(recipe(loss, micro=2))
    assert place == "stages.train.data.micro_batch"
    assert said in rule
    build_recipe(recipe(loss, micro=BATCH))


def test_a_generator_with_batch_normalisation_is_refused_until_it_is_frozen():
    content = recipe(PIXEL, micro=2)
    content["generator"] = {"kind": "srfeat", "channels": 4, "blocks": 1}
    ((_, rule),) = problems(content)
    assert "the generator srfeat normalises" in rule
    content["stages"]["train"]["freeze_batch_norm"] = True
    build_recipe(content)


def test_a_part_is_no_larger_than_the_batch():
    ((place, rule),) = problems(
        {**recipe(PIXEL), "data": {"dataset": "d", "batch": 4, "micro_batch": 5}}
    )
    assert (place, rule) == ("data.micro_batch", "a batch of 4 crops has no larger part")


def test_a_real_lack_of_memory_is_seen_and_half_the_crops_fit(place):
    """In a process that may take 300 MB more: all crops need about 600, half of them 300."""
    content = recipe({"pixel": {"kind": "l1", "weight": 1.0}})
    content["generator"] = {"kind": "srresnet", "channels": 32, "blocks": 2}
    content["data"] = {**content["data"], "batch": 128, "patch": 64}
    code = f"""
import json, resource, sys
import torch
torch.set_num_threads(1)
from acutance_platform.recipe import build_recipe
from acutance_platform.training import OutOfMemory, Training, machine_kind
from acutance_storage import open_store
from pathlib import Path
content = json.loads(sys.argv[1])
local = Path({str(place.local)!r})
store = open_store({place.store.address!r}, local=local)
def opened(micro):
    content["stages"]["train"]["data"]["micro_batch"] = micro
    complete = build_recipe(content)
    return Training(complete, store=store, local=local, machine=machine_kind(complete))
opened(4).advance()  # whatever is loaded at first use
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000,) * 2)
micro, seen = 128, []
while True:
    try:
        opened(micro).advance()
        break
    except OutOfMemory as error:
        assert error.__context__ is None, "the traceback keeps the tensors"
        seen.append(error.crops)
        micro = error.crops // 2
print(json.dumps([seen, micro]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(content)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen, fits = json.loads(done.stdout.splitlines()[-1])
    assert seen[0] == 128
    assert 4 <= fits <= 64


@pytest.fixture
def narrow(place, monkeypatch, tmp_path):
    """A home whose machine has memory for two crops, and a recipe of five."""
    monkeypatch.setenv("NARROW_FITS", "2")
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    content = recipe({"pixel": {"kind": "narrow_l1", "weight": 1.0}})
    content["plugins"] = ["narrow_memory"]
    return Home(place.store, place.local), content


def written(folder, content):
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(content))
    return path


def test_a_training_that_does_not_fit_goes_on_in_parts(narrow, tmp_path, place):
    home, content = narrow
    outcome = train(written(tmp_path, content), name="narrow", home=home)
    assert outcome.state == "COMPLETE"
    records = open_sweep(home.store, "narrow").records
    shrunk = [record for record in records if record["do"] == "shrink"]
    assert [record["value"] for record in shrunk] == [3, 2]
    trial = outcome.told.sweep.trials["t0000"]
    assert trial.overrides == {"stages.train.data.micro_batch": 2}
    assert any("out of memory in stage train with 5 crops" in note for note in trial.notes)
    # The same bits and the same stage as a recipe that says so from the start.
    content["stages"]["train"]["data"]["micro_batch"] = 2
    said = place.training(content)
    assert said.step == 4
    assert said.reports[-1].weights == trial.weights
    assert [key for key, _ in trial.stages] == list(said.keys)
    assert resume("narrow", home=home).state == "COMPLETE"


def test_what_cannot_be_parted_fails_with_the_reason(narrow, tmp_path):
    home, content = narrow
    loss = content["stages"]["train"]["loss"]
    term = {"kind": "adversarial", "weight": 0.1, "form": "relativistic", "discriminator": CRITIC}
    loss["adversarial"] = term
    outcome = train(written(tmp_path, content), name="coupled", home=home)
    assert outcome.state == "FAILED"
    (error,) = outcome.told.sweep.trials["t0000"].errors
    assert "out of memory in stage train with 5 crops computed together" in error
    assert "compares each picture with the mean of the batch" in error


def test_not_one_crop_fits(narrow, tmp_path, monkeypatch):
    home, content = narrow
    monkeypatch.setenv("NARROW_FITS", "0")
    outcome = train(written(tmp_path, content), name="none", home=home)
    assert outcome.state == "FAILED"
    assert "not one crop fits" in outcome.told.sweep.trials["t0000"].errors[0]


def test_trials_of_a_sweep_that_do_not_fit_go_on_in_parts(narrow, tmp_path):
    home, content = narrow
    content["search"] = {
        "space": {"data.batch": {"choice": [2, 5]}, "optimizer.lr": {"log_uniform": [1e-4, 1e-2]}},
        "objectives": {"psnr_y": "max"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "asha", "first_rung": 0.5, "reduction": 2},
        "budget": {"trials": 4},
    }
    outcome = sweep(written(tmp_path, content), name="parts", home=home)
    assert outcome.state == "COMPLETE"
    told = outcome.told.sweep
    batches = {name: trial.recipe["data.batch"] for name, trial in told.trials.items()}
    assert set(batches.values()) == {2, 5}
    for name, trial in told.trials.items():
        assert trial.failures == 0
        assert trial.ended in ("COMPLETE", "STOPPED")
        wanted = {"stages.train.data.micro_batch": 2} if batches[name] == 5 else {}
        assert trial.overrides == wanted


def test_the_exception_travels_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(OutOfMemory("train", 4)))
    assert (error.stage, error.crops) == ("train", 4)
