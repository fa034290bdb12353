import pytest
import torch
from torch import nn
from torch.nn import functional as F

from acutance_models import (
    DISCRIMINATORS,
    DiscriminatorError,
    RegistryError,
    build_discriminator,
    check_discriminator,
    count_parameters,
)
from acutance_models.discriminators.layers import SameConv

PUBLISHED = [
    ({"kind": "enhancenet"}, 128, 13_102_881),
    ({"kind": "vgg"}, 128, 14_499_401),
    ({"kind": "vgg"}, 256, 21_055_049),
    ({"kind": "vgg", "bias": True}, 128, 14_502_281),
    ({"kind": "sftgan"}, 96, 10_813_717),
    ({"kind": "srfeat_image"}, 296, 193_959_105),
    ({"kind": "srfeat_feature"}, 19, 7_081_473),
]
SMALL = [
    ({"kind": kind, "channels": 4, "head": head}, inputs)
    for kind, inputs in (
        ("enhancenet", 3),
        ("vgg", 3),
        ("sftgan", 3),
        ("srfeat_image", 3),
        ("srfeat_feature", 6),
    )
    for head in ("linear", "pooled", "convolution")
    if (kind, head) != ("sftgan", "convolution")
]
each_small = pytest.mark.parametrize(("spec", "inputs"), SMALL)


@pytest.mark.parametrize(("spec", "side", "published"), PUBLISHED)
def test_parameters_are_those_published(spec, side, published):
    with torch.device("meta"):
        assert count_parameters(build_discriminator(spec, side=side, seed=None)) == published


@each_small
def test_each_picture_gets_a_verdict_that_every_parameter_shapes(spec, inputs):
    # 33 is no multiple of the strides.
    network = build_discriminator(spec, side=33, inputs=inputs)
    verdict = network(torch.rand(3, inputs, 33, 33))
    if spec["head"] == "convolution":
        assert verdict.logits.shape[:2] == (3, 1)
        assert verdict.logits.shape[2] > 1
    else:
        assert verdict.logits.shape == (3, 1)
    total = verdict.logits.square().sum()
    if verdict.classes is not None:
        assert verdict.classes.shape == (3, network.classes)
        total = total + verdict.classes.square().sum()
    total.backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    # A bias in front of a normalisation is taken away by it: sftgan's authors keep it.
    assert not [name for name in silent if not name.endswith("bias")]


@each_small
def test_only_a_linear_head_binds_the_size(spec, inputs):
    network = build_discriminator(spec, side=32, inputs=inputs)
    other = torch.rand(2, inputs, 40, 36)
    if spec["head"] == "linear":
        assert network.side == 32
        with pytest.raises(DiscriminatorError, match=f"takes .pictures, {inputs}, 32, 32"):
            network(other)
    else:
        assert network.side is None
        assert network(other).logits.shape[0] == 2
    with pytest.raises(DiscriminatorError, match=f"takes .pictures, {inputs}"):
        network(torch.rand(2, inputs + 1, 32, 32))


@each_small
def test_it_learns_to_tell_two_pictures_apart(spec, inputs):
    network = build_discriminator(spec, side=32, inputs=inputs)
    real = torch.rand(4, inputs, 32, 32)
    fake = F.avg_pool2d(real, 5, 1, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(12):
        logits = network(torch.cat([real, fake])).logits
        wanted = torch.zeros_like(logits)
        wanted[:4] = 1
        loss = F.binary_cross_entropy_with_logits(logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_first_weights_are_keyed_by_the_owner_and_move_nothing_global():
    spec = {"kind": "vgg", "channels": 4}
    state = torch.get_rng_state()
    first = build_discriminator(spec, side=32, name="adversarial", seed=3)
    again = build_discriminator(spec, side=32, name="adversarial", seed=3)
    other = build_discriminator(spec, side=32, name="feature", seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.features[0].weight, again.features[0].weight)
    assert not torch.equal(first.features[0].weight, other.features[0].weight)
    assert first.spec == {**spec, "stages": None, "norm": "batch", "bias": False, "head": "linear"}
    assert float(first.head[1].weight.detach().std()) == pytest.approx((2 / 256) ** 0.5, rel=0.05)


def test_the_vgg_discriminator_halves_until_four_to_seven_places_are_left():
    for side, halvings in ((32, 3), (63, 3), (64, 4), (96, 4), (128, 5), (256, 6), (5, 1)):
        network = build_discriminator({"kind": "vgg", "channels": 1}, side=side, seed=None)
        strided = [m for m in network.features if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
        assert len(strided) == halvings
    fixed = build_discriminator({"kind": "vgg", "channels": 1, "stages": 2}, side=64, seed=None)
    assert fixed.head[1].in_features == 2 * 16**2


@pytest.mark.parametrize("side", [7, 8])
def test_same_padding_lies_after_the_map_where_one_row_is_enough(side):
    conv = SameConv(1, 1, stride=2)
    nn.init.ones_(conv.weight)
    made = conv(torch.ones(1, 1, side, side))
    assert made.shape == (1, 1, 4, 4)
    if side == 8:  # nothing is padded before: nine ones under the first kernel
        assert made[0, 0].tolist() == [[9, 9, 9, 6]] * 3 + [[6, 6, 6, 4]]
    else:
        assert made[0, 0].tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]


def test_srfeat_sees_pictures_from_minus_one_to_one_and_features_as_they_are():
    spec = {"channels": 2, "norm": "none"}
    picture = build_discriminator({"kind": "srfeat_image", **spec}, side=16, inputs=3)
    feature = build_discriminator({"kind": "srfeat_feature", **spec}, side=16, inputs=3)
    feature.load_state_dict(picture.state_dict())
    seen = torch.rand(1, 3, 16, 16)
    assert torch.equal(picture(seen).logits, feature(seen * 2 - 1).logits)
    assert (picture.sees, feature.sees) == ("picture", "features")


def test_norm_none_is_without_normalisation_and_with_biases():
    for kind in ("vgg", "sftgan", "srfeat_image"):
        spec = {"kind": kind, "channels": 2, "norm": "none"}
        network = build_discriminator(spec, side=32, seed=None)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        assert all(conv.bias is not None for conv in convs)


@pytest.mark.parametrize(
    ("spec", "side", "words"),
    [
        ({"kind": "vg"}, 96, "Did you mean 'vgg'"),
        ({"kind": "sftgan"}, 8, "at least 16 pixels, got side=8"),
        ({"kind": "sftgan", "head": "convolution"}, 96, "'linear' or 'pooled'"),
        ({"kind": "vgg", "stages": 6}, 32, "at least 64"),
    ],
)
def test_what_cannot_be_built_is_refused_before_it_is(spec, side, words):
    assert words in str(check_discriminator(spec, side=side)[0])
    with pytest.raises(RegistryError, match=words):
        build_discriminator(spec, side=side)


def test_every_row_has_a_schema_without_what_the_program_gives():
    for kind in DISCRIMINATORS:
        properties = DISCRIMINATORS.json_schema(kind)["properties"]
        assert not {"side", "inputs"} & properties.keys()
