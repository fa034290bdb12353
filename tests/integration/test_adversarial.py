"""Adversarial trainings on real pictures of a second: state, orders, rests, groups, health."""

import math

import pytest
import torch
from tiny_trainings import Place, history, tiny_recipe, write_pictures

from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.training import Interrupted

RANDOM = {"kind": "random", "channels": 4}
LOSS = {
    "pixel": {"kind": "mse", "weight": 1.0},
    "texture": {
        "kind": "gram",
        "weight": 0.1,
        "features": RANDOM,
        "layers": {"relu1_1": 1.0},
        "normalize": "initial",
    },
    "adversarial": {
        "kind": "adversarial",
        "weight": 0.01,
        "from_step": 3,
        "discriminator": {"kind": "vgg", "channels": 4},
    },
    "critic": {
        "kind": "adversarial",
        "weight": 0.01,
        "form": "relativistic",
        "features": RANDOM,
        "layer": "conv2_2",
        "discriminator": {"kind": "srfeat_feature", "channels": 4, "head": "convolution"},
    },
}
CLASSES = {"kind": "classification", "weight": 1, "of": "critic"}
STEPS = 20


def adversarial(loss=LOSS, **stage):
    stages = {"train": {"steps": STEPS, "loss": loss, **stage}}
    recipe = tiny_recipe(stages=stages, evaluation={"every": 10}, plugins=[], ema=0.9)
    return {**recipe, "checkpoint": {"every": 5, "keep": 2}}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def place(tmp_path, pictures):
    return Place(tmp_path, pictures)


def run(training):
    while training.step < STEPS:
        training.advance()
    return training


def learner(training):
    return training._stage._learner


def tensors(training):
    return {name: value.clone() for name, value in learner(training).tensors().items()}


@pytest.mark.parametrize("order", ["generator_first", "discriminator_first"])
@pytest.mark.parametrize("stop_at", [2, 13])
def test_a_stop_anywhere_leaves_the_same_bits_in_every_network_and_optimiser(
    place, tmp_path_factory, pictures, order, stop_at
):
    recipe = adversarial(order=order, discriminator_rest_above=0.6)
    whole = run(Place(tmp_path_factory.mktemp("whole"), pictures).training(recipe))
    training = place.training(recipe)
    while training.step + 10 <= stop_at:
        training.advance()
    step, left = training._stage._train_step, [stop_at - training.step]

    def counted():
        step()
        left[0] -= 1
        if left[0] == 0:
            training.request_stop()

    training._stage._train_step = counted
    with pytest.raises(Interrupted):
        training.advance()
    resumed = run(place.training(recipe))
    assert history(resumed.reports) == history(whole.reports)
    ours, theirs = tensors(resumed), tensors(whole)
    assert set(ours) == set(theirs)
    assert any(name.startswith("discriminators/critic/optimizer/") for name in ours)
    assert all(ours[name].equal(theirs[name]) for name in ours)
    assert learner(resumed).memory() == learner(whole).memory()


def test_both_networks_learn_and_everything_is_recorded(place):
    training = place.training(adversarial())
    before = tensors(training)
    report = training.advance()
    moved = {
        name.split("/")[0] + "/" + name.split("/")[1]
        for name, value in tensors(training).items()
        if name in before and not value.equal(before[name])
    }
    assert {"discriminators/adversarial", "discriminators/critic"} <= moved
    metrics = report.metrics
    for term in LOSS:
        assert math.isfinite(metrics[f"loss/{term}"])
    assert metrics["weighted/texture"] == pytest.approx(
        0.1 * metrics["loss/texture"] / learner(training).memory()["initial"]["texture"], rel=1e-5
    )
    for name in ("accuracy_real", "accuracy_fake", "logit_gap", "loss"):
        assert math.isfinite(metrics[f"discriminator/adversarial/{name}"])
    assert 0 <= metrics["discriminator/critic/accuracy_real"] <= 1


def test_a_further_discriminator_does_not_move_the_others_start(place):
    without = {name: term for name, term in LOSS.items() if name != "critic"}
    one, two = place.training(adversarial(without)), place.training(adversarial())
    ours, theirs = tensors(one), tensors(two)
    shared = [n for n in ours if n.startswith(("generator/", "discriminators/adversarial/weights"))]
    assert len(shared) > 10
    assert all(ours[name].equal(theirs[name]) for name in shared)


def test_a_discriminator_that_is_always_right_rests(place):
    def weights(threshold):
        training = place.training(adversarial(discriminator_rest_above=threshold))
        learner(training)._adversary.seen = {
            "critic": {"accuracy_real": 1.0, "accuracy_fake": 1.0, "logit_gap": 9.0}
        }
        before = tensors(training)
        training._stage._train_step()
        name = "discriminators/critic/weights/"
        return [
            value.equal(before[key])
            for key, value in tensors(training).items()
            if key.startswith(name) and key.endswith(".weight")
        ]

    assert all(weights(0.9))
    assert not all(weights(1.0))


def test_a_limit_on_the_gradient_is_that_of_who_it_is_set_for(place):
    none = 1e-20  # far below Adam's eps: whoever's gradient is that short stays where it is

    def moved(**settings):
        recipe = {**adversarial(**settings.pop("stage", {})), **settings}
        training = place.training(recipe)
        before = tensors(training)
        training._stage._train_step()
        now = tensors(training)
        return {
            room: any(
                not torch.allclose(now[name], before[name], rtol=0, atol=1e-9)
                for name in before
                if name.startswith(room) and name.endswith(".weight")
            )
            for room in ("generator/", "discriminators/critic/weights/")
        }

    generator = moved(optimizer={"lr": 2e-3, "clip_norm": none})
    critic = moved(stage={"discriminator_optimizer": {"clip_norm": none}})
    assert list(generator.values()) == [False, True]
    assert list(critic.values()) == [True, False]


def test_groups_learn_at_their_own_rate_and_from_their_own_step(place):
    groups = [
        {"match": "conv_first.*", "from_step": 2},
        {"match": "conv_last.*", "lr_factor": 1e-9},
    ]
    training = place.training(adversarial(groups=groups))
    network = learner(training).generator
    names = [name for name, _ in network.named_parameters()]
    first, last = (next(n for n in names if n.startswith(p)) for p in ("conv_first.", "conv_last."))
    start = {name: p.detach().clone() for name, p in network.named_parameters()}
    training._stage._train_step()
    now = dict(network.named_parameters())
    assert now[first].equal(start[first])
    assert torch.allclose(now[last], start[last], atol=1e-9)
    others = [n for n in names if not n.startswith(("conv_first", "conv_last"))]
    assert any(not now[name].equal(start[name]) for name in others)
    training._stage._train_step()
    training._stage._train_step()
    assert not dict(network.named_parameters())[first].equal(start[first])


def test_frozen_batch_normalisations_keep_statistics_and_parameters(place):
    stages = {
        "pretrain": {"steps": 10, "loss": {"pixel": {"kind": "mse", "weight": 1.0}}},
        "finetune": {"after": "pretrain", "steps": 10, "loss": LOSS, "freeze_batch_norm": True},
    }
    recipe = {
        **adversarial(),
        "stages": stages,
        "scale": 4,
        "generator": {"kind": "srfeat", "channels": 4, "blocks": 2},
    }
    training = place.training(recipe)
    training.advance()
    training._follow()
    before = tensors(training)
    training.advance()
    after = tensors(training)
    kept = [n for n in after if n.startswith("generator/") and "running_" in n]
    assert kept
    assert all(after[name].equal(before[name]) for name in kept)
    assert not all(
        after[n].equal(before[n]) for n in after if n.startswith("generator/") and n not in kept
    )


def test_a_discriminator_that_diverges_is_gone_back_from_and_said(place):
    training = place.training(adversarial())
    training.advance()
    network = learner(training)._mix.discriminators["critic"]
    with torch.no_grad():
        next(network.parameters()).fill_(math.nan)
    training.advance()
    assert training._stage._progress.rollbacks
    assert all(bool(torch.isfinite(value).all()) for value in tensors(training).values())


def test_a_discriminator_that_has_won_is_noted(place):
    adversary = learner(place.training(adversarial()))._adversary
    won = {
        f"discriminator/critic/{name}": value
        for name, value in (("accuracy_real", 1.0), ("accuracy_fake", 1.0), ("logit_gap", 30.0))
    }
    assert adversary.notes([won] * 4) == []
    assert adversary.notes([won] * 5) == ["the discriminator of critic is overpowered"]


@pytest.mark.parametrize(
    ("changes", "place", "rule"),
    [
        (
            {"critic": {**LOSS["critic"], "layer": "conv9_1"}},
            "loss.critic.layer.conv9_1",
            "no layer",
        ),
        (
            {"adversarial": {**LOSS["adversarial"], "discriminator": {"kind": "vg"}}},
            "loss.adversarial.discriminator.kind",
            "vgg",
        ),
        ({"classes": CLASSES}, "loss.classes.of", "names no classes"),
        ({"texture": {**LOSS["texture"], "patch": 64}}, "loss.texture.layers", ""),
        ({"pixel": {**LOSS["pixel"], "weight": -1}}, "loss.pixel.weight", "greater than 0"),
    ],
)
def test_a_mix_that_cannot_be_computed_is_refused_where_it_stands(changes, place, rule):
    with pytest.raises(RecipeErrors) as error:
        build_recipe(adversarial({**LOSS, **changes}))
    found = {problem.place: str(problem) for problem in error.value.problems}
    assert f"stages.train.{place}" in found
    assert rule in found[f"stages.train.{place}"]
