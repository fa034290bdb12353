import pytest
import torch
from generator_checks import smallest

from acutance_models import (
    GENERATORS,
    PRESETS,
    RegistryError,
    build_generator,
    check_generator,
    count_parameters,
    macs_per_pixel,
    resolve_generator,
)
from acutance_models.generators.enhancenet import legacy_tf_bicubic

SMALL = [
    (kind, {"channels": 4, "blocks": 2, **more}, scale)
    for kind, more, scales in (
        ("carn", {"units": 2}, (2, 3, 4, 8)),
        ("carn", {"groups": 2, "share": True, "cascade": "global"}, (2, 3)),
        ("carn", {"cascade": "none"}, (4,)),
        ("carn", {"units": 1, "image_skip": "bicubic"}, (2,)),
        ("enhancenet", {}, (2, 4, 8)),
        ("enhancenet", {"skip": "legacy_tf"}, (4,)),
        ("enhancenet", {"image_skip": "none"}, (2,)),
        ("srresnet", {}, (2, 3, 4, 8)),
        ("srresnet", {"trunk_skip": False, "image_skip": "bicubic"}, (2, 3)),
    )
    for scale in scales
]
each_small = pytest.mark.parametrize(("kind", "arguments", "scale"), SMALL)


def _small(kind, arguments, scale):
    return build_generator({"kind": kind, **arguments}, scale=scale)


@each_small
def test_output_has_the_scaled_size(kind, arguments, scale):
    network = _small(kind, arguments, scale)
    assert network(torch.rand(2, 3, 5, 7)).shape == (2, 3, 5 * scale, 7 * scale)
    assert network(torch.rand(1, 3, 1, 1)).shape == (1, 3, scale, scale)


@each_small
def test_gradient_reaches_every_parameter(kind, arguments, scale):
    network = _small(kind, arguments, scale)
    network(torch.rand(1, 3, 8, 8)).square().mean().backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not silent


@each_small
def test_receptive_field_is_exact(kind, arguments, scale):
    network = _small(kind, arguments, scale).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.01)  # nothing cancels, no ReLU is shut
    reach = network.receptive_field // 2
    side = 2 * (reach + 2) + 1
    lr = torch.full((1, 3, side, side), 0.9, dtype=torch.float64, requires_grad=True)
    sr = network(lr)
    middle = side // 2
    furthest = 0
    for phase in range(scale):
        pixel = sr[0, 0, middle * scale + phase, middle * scale + phase]
        (gradient,) = torch.autograd.grad(pixel, lr, retain_graph=True)
        touched = gradient[0].abs().sum(0).nonzero()
        furthest = max(furthest, int((touched - middle).abs().max()))
    assert furthest == reach


@each_small
def test_under_autocast_the_tail_stays_float32(kind, arguments, scale):
    network = _small(kind, arguments, scale)
    lr = torch.rand(1, 3, 8, 8)
    seen = []
    tail = network.conv_last if hasattr(network, "conv_last") else network.exit
    tail.register_forward_hook(lambda module, given, made: seen.append(made.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        sr = network(lr)
    assert sr.dtype == torch.float32
    assert seen == [torch.float32]
    with torch.no_grad():
        torch.testing.assert_close(sr, network(lr), atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    ("name", "scale", "published"),
    [(name, *row) for name, preset in PRESETS.items() for row in preset.parameters.items()],
)
def test_presets_have_the_published_number_of_parameters(name, scale, published):
    with torch.device("meta"):
        assert count_parameters(build_generator({"preset": name}, scale=scale, seed=None)) == (
            published
        )


@pytest.mark.parametrize(
    ("name", "scale", "giga"),
    [
        ("carn", 2, 222.8),
        ("carn", 3, 118.8),
        ("carn", 4, 90.9),
        ("carn-m", 2, 91.2),
        ("carn-m", 3, 46.1),
        ("carn-m", 4, 32.5),
    ],
)
def test_multiply_adds_are_those_of_the_carn_paper(name, scale, giga):
    network = build_generator({"preset": name}, scale=scale, seed=None)
    assert round(macs_per_pixel(network) * 1280 * 720 / 1e9, 1) == giga


def test_msrresnet_has_the_names_of_basicsr_checkpoints():
    names = build_generator({"preset": "msrresnet"}, scale=4, seed=None).state_dict()
    blocks = {f"body.{block}.conv{conv}" for block in range(16) for conv in (1, 2)}
    layers = blocks | {"conv_first", "upconv1", "upconv2", "conv_hr", "conv_last"}
    assert set(names) == {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}


def test_a_preset_resolves_to_a_complete_spec_that_builds_the_same():
    resolved = resolve_generator({"preset": "carn-m", "channels": 16})
    assert resolved == {
        "kind": "carn",
        "channels": 16,
        "blocks": 3,
        "units": 3,
        "groups": 4,
        "share": True,
        "cascade": "both",
        "image_skip": "none",
        "heads": [],
    }
    assert build_generator(resolved, scale=2).spec == resolved


@pytest.mark.parametrize(
    ("spec", "scale", "words"),
    [
        ({"preset": "carm"}, 2, "Unknown preset 'carm'; known: carn, carn-m"),
        ({"preset": "carn", "kind": "carn"}, 2, "not both"),
        ({"kind": "enhancenet"}, 3, "never triples"),
        ({"kind": "carn"}, 5, "Scales: 2, 3, 4, 8"),
        ({"kind": "carn", "channels": 30, "groups": 4}, 2, "channels=28"),
        ({"kind": "srresnet", "blocks": 0}, 2, "greater than or equal to 1"),
        ({"kind": "srresnet", "channels": 10**9}, 2, "less than or equal to 4096"),
    ],
)
def test_what_cannot_be_built_is_refused_before_it_is(spec, scale, words):
    assert words in str(check_generator(spec, scale=scale)[0])
    with pytest.raises(RegistryError, match=words):
        build_generator(spec, scale=scale)


def _count(kind, **arguments):
    return count_parameters(build_generator({"kind": kind, **arguments}, scale=2, seed=None))


def test_sharing_units_and_dropping_fusions_remove_parameters():
    whole = _count("carn", channels=8)
    convolution = 8 * 8 * 9 + 8
    assert _count("carn", channels=8, share=True) == whole - 3 * 2 * 2 * convolution
    fusions = 8 * 8 * (2 + 3 + 4) + 3 * 8
    assert _count("carn", channels=8, cascade="local") == whole - fusions
    assert _count("carn", channels=8, cascade="global") == whole - 3 * fusions
    assert _count("carn", channels=8, cascade="none") == whole - 4 * fusions


def test_grouped_convolutions_are_smaller_and_mixed_by_a_1x1():
    network = build_generator({"kind": "carn", "channels": 8, "groups": 4}, scale=2)
    unit = network.body.members[0].members[0]
    assert unit.conv1.weight.shape == (8, 2, 3, 3)
    assert unit.mix.weight.shape == (8, 8, 1, 1)
    assert network.upconvs[0].groups == 4


@pytest.mark.parametrize("kind", ["carn", "srresnet"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_with_an_image_skip_the_difference_is_learnt(kind, mode):
    network = build_generator({"kind": kind, "blocks": 1, "image_skip": mode}, scale=2, seed=None)
    lr = torch.rand(1, 3, 6, 6)
    wanted = torch.nn.functional.interpolate(lr, scale_factor=2, mode=mode, align_corners=False)
    torch.testing.assert_close(network(lr), wanted)


def test_without_an_image_skip_zero_weights_give_the_mean_alone():
    spec = {"kind": "enhancenet", "blocks": 1, "image_skip": "none"}
    network = build_generator(spec, scale=2, seed=None)
    torch.testing.assert_close(
        network(torch.rand(1, 3, 2, 2))[0, :, 0, 0],
        torch.tensor([0.47614917, 0.45001204, 0.40904046]),
    )


def test_enhancenet_adds_a_centred_or_a_legacy_skip():
    lr = torch.rand(1, 3, 6, 6)
    for skip in ("half_pixel", "legacy_tf"):
        spec = {"kind": "enhancenet", "blocks": 1, "skip": skip}
        network = build_generator(spec, scale=4, seed=None)
        centred = torch.nn.functional.interpolate(lr, scale_factor=4, mode="bicubic")
        wanted = centred if skip == "half_pixel" else legacy_tf_bicubic(lr, 4)
        torch.testing.assert_close(network(lr), wanted)


def test_the_legacy_skip_keeps_every_source_pixel_in_place():
    picture = torch.rand(1, 3, 5, 6)
    enlarged = legacy_tf_bicubic(picture, 4)
    torch.testing.assert_close(enlarged[:, :, ::4, ::4], picture)
    # Half way between two pixels the taps are (A, 4 - A, 4 - A, A) / 8 with A = -0.75.
    taps = torch.tensor([-0.75, 4.75, 4.75, -0.75]) / 8
    torch.testing.assert_close(enlarged[0, 0, 0, 6], (picture[0, 0, 0, :4] * taps).sum())


def test_switches_of_srresnet_change_what_they_say():
    base = {"kind": "srresnet", "channels": 4, "blocks": 1}
    lr = torch.rand(1, 3, 4, 4)
    plain = build_generator(base, scale=2)(lr)
    for change in ({"first_activation": True}, {"activation": "leaky_relu"}, {"init_gain": 0.5}):
        assert not torch.equal(build_generator({**base, **change}, scale=2)(lr), plain)
    assert _count("srresnet", channels=4) - _count("srresnet", channels=4, trunk_skip=False) == (
        4 * 4 * 9 + 4
    )


def test_first_weights_follow_the_stated_distribution():
    deviation = {}
    for init, gain in (("pytorch", 1.0), ("kaiming", 1.0), ("kaiming", 0.1)):
        spec = {"kind": "srresnet", "blocks": 1, "init": init, "init_gain": gain}
        network = build_generator(spec, scale=2)
        deviation[init, gain] = float(network.conv_hr.weight.detach().std())
        assert bool(network.conv_hr.bias.any()) == (init == "pytorch")
    fan_in = 64 * 9
    assert deviation["pytorch", 1.0] == pytest.approx((1 / 3 / fan_in) ** 0.5, rel=0.02)
    assert deviation["kaiming", 1.0] == pytest.approx((2 / fan_in) ** 0.5, rel=0.02)
    assert deviation["kaiming", 0.1] == pytest.approx(0.1 * deviation["kaiming", 1.0], rel=1e-5)
    spec = {"kind": "enhancenet", "blocks": 1, "init": "glorot"}
    glorot = build_generator(spec, scale=2).conv_hr.weight
    assert float(glorot.detach().std()) == pytest.approx((1 / fan_in) ** 0.5, rel=0.02)


@pytest.mark.parametrize("kind", GENERATORS)
def test_memory_format_does_not_change_the_picture(kind):
    network = build_generator(smallest(kind), scale=2)
    lr = torch.rand(2, network.channels, 9, 8)
    with torch.no_grad():
        plain = network(lr)
        network.to(memory_format=torch.channels_last)
        last = network(lr.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain)
