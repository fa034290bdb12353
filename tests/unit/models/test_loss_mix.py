import pytest
import torch
from torch import nn

from acutance_models import (
    LOSSES,
    FeatureError,
    LossError,
    LossMix,
    RegistryError,
    build_discriminator,
)

TINY = {"kind": "random", "channels": 2}
PIXEL = {"kind": "l1", "weight": 1.0}
CRITIC = {"kind": "vgg", "channels": 2}
PERCEPTUAL = {"kind": "perceptual", "weight": 0.5, "features": TINY, "layers": {"conv2_2": 1.0}}
TEXTURE = {"kind": "gram", "weight": 2.0, "features": TINY, "layers": {"relu1_1": 1e-3}}
ADVERSARIAL = {"kind": "adversarial", "weight": 5e-3, "discriminator": CRITIC}
FEATURE_D = {
    "kind": "adversarial",
    "weight": 1e-3,
    "features": TINY,
    "layer": "relu2_1",
    "scale": 0.5,
    "discriminator": {"kind": "srfeat_feature", "channels": 2},
}


def mix_of(patch=32, **terms):
    return LossMix(terms, patch=patch, seed=3)


def pictures(batch=2, side=32):
    return torch.rand(batch, 3, side, side, requires_grad=True), torch.rand(batch, 3, side, side)


def passes(network):
    """Return a list that grows by a batch's first value whenever the network runs."""
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten()[0].item()))
    return seen


def test_a_mix_of_pixel_losses_is_their_weighted_sum_and_nothing_else():
    terms = {"near": {"kind": "l1", "weight": 0.3}, "far": {"kind": "mse", "weight": 0.7}}
    mix = mix_of(**terms)
    assert not mix.features
    assert not mix.discriminators
    outputs, hr = [pictures()[0] for _ in range(3)], pictures()[1]
    views = mix.look(outputs, hr, step=5)
    losses = mix.generator_losses(views)
    by_hand = {
        name: torch.stack([LOSSES.build({"kind": term["kind"]})(sr, hr) for sr in outputs]).mean()
        for name, term in terms.items()
    }
    assert list(losses) == list(terms)
    assert all(torch.equal(losses[name], by_hand[name]) for name in terms)
    total = torch.stack([terms[name]["weight"] * by_hand[name] for name in terms]).sum()
    assert torch.equal(mix.total(losses, step=5), total)
    assert mix.discriminator_losses(views) == ({}, {})


def test_terms_that_look_through_one_network_share_its_passes():
    spelled = {**PERCEPTUAL, "features": {**TINY, "seed": 0}, "layers": {"pool1": 1.0}}
    mix = mix_of(perceptual=PERCEPTUAL, texture=TEXTURE, again=spelled, critic=FEATURE_D)
    assert len(mix.features) == 1
    seen = passes(next(iter(mix.features.values())))
    sr, hr = pictures()
    views = mix.look([sr], hr, step=0)
    mix.generator_losses(views)
    mix.discriminator_losses(views)
    assert seen == [sr.flatten()[0].item(), hr.flatten()[0].item()]
    (maps,) = views.maps.values()
    assert set(maps[0]) == {"conv2_2", "pool1", "relu1_1", "relu2_1"}
    assert all(made.requires_grad for made in maps[0].values())
    assert not any(made.requires_grad for made in maps[1].values())


def test_a_term_that_does_not_count_costs_no_pass():
    mix = mix_of(pixel=PIXEL, perceptual={**PERCEPTUAL, "from_step": 4}, critic=ADVERSARIAL)
    seen = passes(next(iter(mix.features.values())))
    sr, hr = pictures()
    assert set(mix.generator_losses(mix.look([sr], hr, step=3))) == {"pixel", "critic"}
    assert not seen
    assert set(mix.generator_losses(mix.look([sr], hr, step=4))) == {
        "pixel",
        "perceptual",
        "critic",
    }
    late = mix_of(pixel=PIXEL, critic={**ADVERSARIAL, "from_step": 4})
    ran = passes(late.discriminators["critic"])
    views = late.look([sr], hr, step=3)
    assert set(late.generator_losses(views)) == {"pixel"}
    assert late.discriminator_losses(views) == ({}, {})
    assert not ran


def test_terms_have_the_values_of_their_losses():
    mix = mix_of(perceptual=PERCEPTUAL, texture=TEXTURE)
    sr, hr = pictures()
    network = next(iter(mix.features.values()))
    losses = mix.generator_losses(mix.look([sr], hr, step=0))
    for name, term in {"perceptual": PERCEPTUAL, "texture": TEXTURE}.items():
        loss = LOSSES.build({key: value for key, value in term.items() if key != "weight"})
        maps = [network(each, list(term["layers"])) for each in (sr, hr)]
        assert torch.equal(losses[name], loss(*maps))
    total = mix.total(losses, step=0)
    assert float(total.detach()) == pytest.approx(
        float((0.5 * losses["perceptual"] + 2 * losses["texture"]).detach())
    )


@pytest.mark.parametrize("form", ["standard", "relativistic", "least_squares", "hinge"])
def test_the_generators_step_leaves_no_gradient_in_the_discriminator(form):
    mix = mix_of(critic={**ADVERSARIAL, "form": form}, features=FEATURE_D)
    sr, hr = pictures()
    hr.requires_grad_()
    mix.total(mix.generator_losses(mix.look([sr], hr, step=0)), step=0).backward()
    assert sr.grad.abs().sum() > 0
    assert hr.grad is None
    for critic in mix.discriminators.values():
        assert all(each.grad is None and each.requires_grad for each in critic.parameters())


@pytest.mark.parametrize("form", ["standard", "relativistic", "least_squares", "hinge"])
def test_the_discriminators_step_leaves_no_gradient_in_the_generator(form):
    mix = mix_of(critic={**ADVERSARIAL, "form": form}, features={**FEATURE_D, "form": form})
    sr, hr = pictures()
    critique = mix.discriminator_losses(mix.look([sr], hr, step=0))
    assert set(critique.losses) == {"critic", "features"}
    sum(critique.losses.values()).backward()
    assert sr.grad is None
    for critic in mix.discriminators.values():
        weights = [each for name, each in critic.named_parameters() if name.endswith("weight")]
        assert all(each.grad is not None for each in weights)


def test_the_two_steps_stand_in_either_order():
    def both(discriminator_first):
        mix = mix_of(critic=ADVERSARIAL, features=FEATURE_D)
        torch.manual_seed(0)
        sr, hr = pictures()
        views = mix.look([sr], hr, step=0)
        steps = [mix.generator_losses, lambda views: mix.discriminator_losses(views).losses]
        for step in reversed(steps) if discriminator_first else steps:
            sum(step(views).values()).backward()
        critic = mix.discriminators["features"]
        return sr.grad, critic.features[0].weight.grad

    for one, other in zip(both(True), both(False), strict=True):
        assert torch.allclose(one, other)


def test_the_verdict_on_real_pictures_is_asked_for_only_where_it_is_compared():
    sr, hr = pictures()
    for form, count in (("standard", 1), ("relativistic", 2)):
        mix = mix_of(critic={**ADVERSARIAL, "form": form})
        ran = passes(mix.discriminators["critic"])
        mix.generator_losses(mix.look([sr], hr, step=0))
        assert len(ran) == count


def test_discriminators_start_from_streams_of_their_terms():
    mix = mix_of(critic=ADVERSARIAL, features=FEATURE_D)
    alone = build_discriminator(CRITIC, side=32, inputs=3, name="critic", seed=3)
    for name, tensor in alone.state_dict().items():
        assert torch.equal(mix.discriminators["critic"].state_dict()[name], tensor)
    feature = mix.discriminators["features"]
    assert (feature.inputs, feature.side) == (4, 16)  # relu2_1 of 2 channels in the first block


def test_a_discriminator_of_features_sees_scaled_maps():
    mix = mix_of(critic=FEATURE_D)
    given = []
    critic = mix.discriminators["critic"]
    critic.register_forward_pre_hook(lambda _, seen: given.append(seen[0]))
    sr, hr = pictures()
    views = mix.look([sr], hr, step=0)
    mix.discriminator_losses(views)
    (maps,) = views.maps.values()
    real, fake = given
    assert torch.equal(real, 0.5 * maps[1]["relu2_1"])
    assert torch.equal(fake, 0.5 * maps[0]["relu2_1"])


def test_a_classification_term_shares_the_verdicts_of_its_discriminator():
    critic = {**ADVERSARIAL, "discriminator": {"kind": "sftgan", "channels": 2, "norm": "none"}}
    mix = mix_of(critic=critic, classes={"kind": "classification", "of": "critic", "weight": 5e-3})
    assert mix.owners == {"critic": "critic", "classes": "critic"}
    ran = passes(mix.discriminators["critic"])
    sr, hr = pictures()
    labels = torch.tensor([3, 0])
    views = mix.look([sr], hr, step=0, labels=labels)
    losses = mix.generator_losses(views)
    assert len(ran) == 1
    critique = mix.discriminator_losses(views)
    assert len(ran) == 3
    assert set(losses) == set(critique.losses) == {"critic", "classes"}
    assert set(critique.statistics) == {"critic"}
    named = mix.discriminators["critic"](sr[:1]).classes
    wanted = nn.functional.cross_entropy(named, labels[:1])
    assert float(losses["classes"].detach()) == pytest.approx(float(wanted.detach()), rel=1e-5)
    with pytest.raises(LossError, match="class of each picture"):
        mix.generator_losses(mix.look([sr], hr, step=0))


def test_several_outputs_are_for_picture_losses_and_the_last_for_the_others():
    mix = mix_of(pixel=PIXEL, perceptual=PERCEPTUAL)
    (first, hr), last = pictures(), pictures()[0]
    both = mix.generator_losses(mix.look([first, last], hr, step=0))
    alone = mix.generator_losses(mix.look([last], hr, step=0))
    assert torch.equal(both["perceptual"], alone["perceptual"])
    assert not torch.equal(both["pixel"], alone["pixel"])


def test_luma_is_shown_to_feature_networks_as_grey():
    terms = {"perceptual": PERCEPTUAL, "critic": ADVERSARIAL}
    mix = LossMix(terms, patch=32, channels=1)
    assert mix.discriminators["critic"].inputs == 1
    given = []
    network = next(iter(mix.features.values()))
    network.register_forward_pre_hook(lambda _, seen: given.append(seen[0]))
    white, black = torch.full((1, 1, 32, 32), 235 / 255), torch.full((1, 1, 32, 32), 16 / 255)
    mix.generator_losses(mix.look([white], black, step=0))
    assert torch.allclose(given[0], torch.ones(1, 3, 32, 32), atol=1e-6)
    assert torch.allclose(given[1], torch.zeros(1, 3, 32, 32), atol=1e-6)


def test_a_plug_ins_module_is_a_picture_loss():
    class Plain(nn.Module):
        revision = 1

        def __init__(self, *, factor: float = 2.0) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, sr, hr):
            return self.factor * (sr - hr).abs().mean()

    LOSSES.add("plain_of_a_plug_in", Plain)
    mix = mix_of(own={"kind": "plain_of_a_plug_in", "weight": 1.0})
    sr, hr = pictures()
    losses = mix.generator_losses(mix.look([sr], hr, step=0))
    assert torch.equal(losses["own"], 2 * (sr - hr).abs().mean())


def test_a_mix_moves_with_its_networks():
    mix = mix_of(perceptual=PERCEPTUAL, critic=ADVERSARIAL).to(torch.device("meta"))
    networks = (*mix.features.values(), *mix.discriminators.values())
    assert all(each.is_meta for network in networks for each in network.parameters())


def test_what_cannot_be_built_is_refused_at_once():
    with pytest.raises(RegistryError) as caught:
        mix_of(a={"kind": "l1"}, b={**TEXTURE, "layers": {"relu9_1": 1.0}})
    assert {problem.path for problem in caught.value.problems} == {"a.weight", "b.layers.relu9_1"}
    with pytest.raises(FeatureError, match=r"not here: minc\.pth, vgg19"):
        mix_of(
            a={**PERCEPTUAL, "features": "vgg19"},
            b={**PERCEPTUAL, "features": {"kind": "vgg16", "file": "minc.pth"}},
        )
