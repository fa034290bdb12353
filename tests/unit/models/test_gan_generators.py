"""The generators of SFTGAN, SRFeat, ESRGAN and SRGAN."""

import pytest
import torch
from torch import nn

from acutance_models import (
    GeneratorError,
    RegistryError,
    build_generator,
    check_generator,
    count_parameters,
    dump_weights,
    load_generator,
    stream,
)

SMALL = [
    (kind, {"channels": 4, "blocks": 2, **more}, scale)
    for kind, more, scales in (
        ("esrgan", {"growth": 2}, (1, 2, 4)),
        ("esrgan", {"block": "residual"}, (8,)),
        ("esrgan", {"growth": 2, "block": "dense"}, (2,)),
        ("esrgan", {"block": "residual", "norm": "batch"}, (4,)),
        ("sftgan", {"init_gain": 1.0}, (2, 3, 4)),
        ("sftgan", {"variant": "sft_net_torch", "classes": 3, "init_gain": 1.0}, (2, 4)),
        ("sftgan", {"condition": False, "init_gain": 1.0}, (4,)),
        ("srfeat", {}, (2, 3, 4)),
        ("srfeat", {"long_skips": False, "norm": "none", "image_skip": "bilinear"}, (2,)),
        ("srgan", {}, (2, 3, 4)),
        ("srgan", {"norm": "none", "image_skip": "bicubic"}, (2,)),
    )
    for scale in scales
]
each_small = pytest.mark.parametrize(("kind", "arguments", "scale"), SMALL)
NORMED = [("esrgan", {"norm": "batch", "growth": 2}), ("srfeat", {}), ("srgan", {})]


def _small(kind, arguments, scale):
    return build_generator({"kind": kind, **arguments}, scale=scale)


@each_small
def test_output_has_the_scaled_size(kind, arguments, scale):
    network = _small(kind, arguments, scale).eval()
    for height, width in ((5, 7), (1, 1)):
        sr = network(torch.rand(2, 3, height, width))
        assert sr.shape == (2, 3, height * scale, width * scale)


@each_small
def test_gradient_reaches_every_parameter(kind, arguments, scale):
    network = _small(kind, arguments, scale)
    network(torch.rand(2, 3, 8, 8)).square().mean().backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not silent


@each_small
def test_receptive_field_is_exact(kind, arguments, scale):
    network = _small(kind, arguments, scale).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.01)  # nothing cancels, no ReLU is shut
    reach, multiple = network.receptive_field // 2, network.size_multiple
    side = (2 * (reach + 2) + 1 + multiple) // multiple * multiple
    # Values below zero would have to pass ReLUs; srfeat maps its input to [-1, 1].
    lr = torch.full((1, 3, side, side), 0.9, dtype=torch.float64, requires_grad=True)
    sr = network(lr)
    furthest = 0
    for offset in range(multiple):
        middle = side // 2 // multiple * multiple + offset
        for phase in range(scale):
            pixel = sr[0, 0, middle * scale + phase, middle * scale + phase]
            (gradient,) = torch.autograd.grad(pixel, lr, retain_graph=True)
            touched = gradient[0].abs().sum(0).nonzero()
            furthest = max(furthest, int((touched - middle).abs().max()))
    assert furthest == reach


@each_small
def test_a_document_rebuilds_the_network_with_its_statistics(kind, arguments, scale):
    network = _small(kind, arguments, scale)
    lr = torch.rand(2, 3, 8, 8)
    network(lr)  # moves running statistics
    again = load_generator(dump_weights(network, network.spec, network.scale))
    assert torch.equal(again.eval()(lr), network.eval()(lr))


@each_small
def test_under_autocast_the_tail_stays_float32(kind, arguments, scale):
    network = _small(kind, arguments, scale).eval()
    lr = torch.rand(1, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        sr = network(lr)
    assert sr.dtype == torch.float32
    with torch.no_grad():
        wanted = network(lr)
    # bfloat16 has 8 bits, and a difference of large features is as coarse as they are.
    assert float((sr - wanted).abs().mean()) < 0.05 * float(wanted.abs().mean())


@pytest.mark.parametrize("kind", ["esrgan", "sftgan", "srfeat", "srgan"])
def test_thirty_steps_on_one_patch_lower_the_loss(kind):
    spec = {"kind": kind, "channels": 8, "blocks": 2, "image_skip": "bicubic"}
    network = build_generator(spec, scale=2)
    hr = torch.from_numpy(stream(1, "patch").random((2, 3, 16, 16)))
    hr = nn.functional.avg_pool2d(hr, 3, 1, 1).float()
    lr = nn.functional.avg_pool2d(hr, 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = (network(lr) - hr).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < 0.9 * losses[0]


def _sftgan(**arguments):
    spec = {"kind": "sftgan", "channels": 4, "blocks": 2, "init_gain": 1.0, **arguments}
    return build_generator(spec, scale=4)


def _silence_modulation(network, *, scale_bias):
    for name, parameter in network.named_parameters():
        if "sft" in name and (".scale1." in name or ".shift1." in name):
            nn.init.constant_(parameter, scale_bias * name.endswith("scale1.bias"))


def test_sftgan_without_modulation_is_srresnet():
    network = _sftgan(blocks=3)
    _silence_modulation(network, scale_bias=0)
    plain = build_generator({"kind": "srresnet", "channels": 4, "blocks": 3}, scale=4, seed=None)
    shared = {name: network.state_dict()[name] for name in plain.state_dict()}
    plain.load_state_dict(shared)
    lr, condition = torch.rand(1, 3, 6, 5), torch.rand(1, 8, 24, 20)
    assert torch.equal(network(lr, condition), plain(lr))
    assert torch.equal(network(lr), plain(lr))
    without = _sftgan(blocks=3, condition=False)
    assert without.state_dict().keys() == plain.state_dict().keys()
    without.load_state_dict(shared)
    assert torch.equal(without(lr), plain(lr))


def test_sftgan_of_the_paper_is_modulated_around_one():
    network = _sftgan(variant="sft_net_torch")
    assert float(network.body[0].sft1.scale1.bias.detach().mean()) == 1.0
    _silence_modulation(network, scale_bias=1)
    without = _sftgan(variant="sft_net_torch", condition=False)
    without.load_state_dict({n: network.state_dict()[n] for n in without.state_dict()})
    lr = torch.rand(1, 3, 6, 5)
    torch.testing.assert_close(network(lr), without(lr))


@pytest.mark.parametrize("variant", ["sft_net", "sft_net_torch"])
def test_a_changed_region_of_the_map_changes_the_picture_there_and_no_further(variant):
    network = _sftgan(variant=variant, blocks=1, classes=3).double()
    reach = network.receptive_field // 2
    side, middle = 2 * reach + 7, reach + 3
    lr = torch.rand(1, 3, side, side, dtype=torch.float64)
    before = torch.zeros(1, 3, side * 4, side * 4, dtype=torch.float64)
    before[:, 0] = 1
    after = before.clone()
    after[:, :, middle * 4 : middle * 4 + 4, middle * 4 : middle * 4 + 4] = torch.tensor(
        [0.0, 0.0, 1.0], dtype=torch.float64
    ).view(3, 1, 1)
    with torch.no_grad():
        moved = (network(lr, after) != network(lr, before)).any(dim=1)[0].nonzero() // 4
        assert torch.equal(network(lr), network(lr, before))
    assert bool((moved == middle).all(dim=1).any())
    # The condition skips the first convolution, hence one LR pixel less.
    assert int((moved - middle).abs().max()) == reach - 1


def test_a_map_of_another_shape_is_refused():
    lr = torch.rand(1, 3, 4, 4)
    with pytest.raises(GeneratorError, match=r"shape \(1, 8, 16, 16\).*got \(1, 3, 16, 16\)"):
        _sftgan()(lr, torch.rand(1, 3, 16, 16))
    with pytest.raises(GeneratorError, match="takes no map"):
        _sftgan(condition=False)(lr, torch.rand(1, 8, 16, 16))
    assert _sftgan(classes=3).condition_classes == 3
    assert _sftgan(condition=False).condition_classes is None
    assert build_generator({"kind": "srgan"}, scale=4, seed=None).condition_classes is None


@pytest.mark.parametrize(("kind", "more"), NORMED)
def test_normalised_networks_use_running_statistics_in_evaluation(kind, more):
    network = _small(kind, {"channels": 4, "blocks": 2, **more}, 4)
    lr = torch.rand(2, 3, 6, 6)
    with torch.no_grad():
        batch = network(lr)
        alone = network.eval()(lr[:1])
        torch.testing.assert_close(network(lr)[:1], alone)
    assert not torch.equal(batch[:1], alone)
    plain = _small(kind, {"channels": 4, "blocks": 2, **more, "norm": "none"}, 4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())


def _count(kind, **arguments):
    return count_parameters(build_generator({"kind": kind, **arguments}, scale=4, seed=None))


def test_switches_change_the_parameters_they_say():
    assert _count("srfeat", channels=8) - _count("srfeat", channels=8, long_skips=False) == 15 * 64
    assert _count("esrgan", blocks=1) - _count("esrgan", blocks=1, block="dense") == 2 * 239_808
    plain = 2 * (64 * 64 * 9 + 64)
    assert _count("esrgan", blocks=1, block="dense") - _count(
        "esrgan", blocks=1, block="residual"
    ) == (239_808 - plain)
    assert _count("sftgan") - _count("sftgan", condition=False) == 70_176 + 33 * 6_336
    assert _count("sftgan", classes=9) - _count("sftgan") == 128 * 16


def test_esrgan_scales_residuals_and_starts_small():
    base = {"kind": "esrgan", "channels": 8, "growth": 4, "blocks": 1}
    lr = torch.rand(1, 3, 4, 4)
    full = build_generator({**base, "residual_scale": 1.0}, scale=4)
    scaled = build_generator(base, scale=4)
    x = torch.rand(1, 8, 4, 4)
    dense = scaled.body[0].rdb1, full.body[0].rdb1
    torch.testing.assert_close(dense[0](x) - x, 0.2 * (dense[1](x) - x))
    assert not torch.equal(full(lr), scaled(lr))
    large = build_generator({**base, "init_scale": 1.0}, scale=4)
    torch.testing.assert_close(
        scaled.body[0].rdb1.conv1.weight, 0.1 * large.body[0].rdb1.conv1.weight
    )
    assert torch.equal(scaled.conv_first.weight, large.conv_first.weight)
    assert not scaled.body[0].rdb1.conv1.bias.any()
    everywhere = build_generator({**base, "init_all": True}, scale=4)
    assert not everywhere.conv_first.bias.any()


@pytest.mark.parametrize(("block", "convolutions"), [("residual", 2), ("dense", 5), ("rrdb", 15)])
def test_esrgans_normalisation_follows_every_convolution_of_the_blocks(block, convolutions):
    small = {"kind": "esrgan", "channels": 4, "growth": 2, "blocks": 2, "block": block}
    network = build_generator({**small, "norm": "batch"}, scale=4, seed=None)
    norms = [name for name, each in network.named_modules() if isinstance(each, nn.BatchNorm2d)]
    assert len(norms) == 2 * convolutions
    assert all(name.startswith("body.") for name in norms)


def test_srfeat_without_long_skips_ends_with_the_last_block():
    network = build_generator(
        {"kind": "srfeat", "channels": 4, "blocks": 3, "norm": "none"}, scale=2
    )
    plain = build_generator({**network.spec, "long_skips": False}, scale=2, seed=None)
    state = network.state_dict()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    lr = torch.rand(1, 3, 4, 4)
    assert not torch.equal(network(lr), plain(lr))
    with torch.no_grad():
        for skip in network.skips:
            skip.weight.zero_()
    torch.testing.assert_close(network(lr), plain(lr))


def test_srfeat_starts_with_the_deviation_of_its_authors():
    network = build_generator({"kind": "srfeat", "channels": 64, "blocks": 1}, scale=4)
    assert float(network.body[0].conv1[0].weight.detach().std()) == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("kind", ["srfeat", "srgan", "esrgan", "sftgan"])
def test_with_an_image_skip_zero_weights_enlarge(kind):
    spec = {"kind": kind, "blocks": 1, "image_skip": "bilinear"}
    network = build_generator(spec, scale=4, seed=None).eval()
    lr = torch.rand(1, 3, 4, 4)
    wanted = nn.functional.interpolate(lr, scale_factor=4, mode="bilinear", align_corners=False)
    torch.testing.assert_close(network(lr), wanted)


@pytest.mark.parametrize(
    ("spec", "scale", "words"),
    [
        ({"kind": "esrgan"}, 3, "never triples. Scales: 1, 2, 4, 8"),
        ({"kind": "esrgan", "block": "rrbd"}, 4, "Did you mean 'rrdb'"),
        ({"kind": "sftgan", "classes": 0}, 4, "greater than or equal to 1"),
        ({"kind": "srfeat"}, 5, "Scales: 2, 3, 4, 8"),
        ({"kind": "srgan"}, 1, "Scales: 2, 3, 4, 8"),
    ],
)
def test_what_cannot_be_built_is_refused_before_it_is(spec, scale, words):
    assert words in str(check_generator(spec, scale=scale)[0])
    with pytest.raises(RegistryError, match=words):
        build_generator(spec, scale=scale)
