"""Each switch of the PSNR family changes what it says, and nothing is refused without a reason."""

import pytest
import torch
from generator_checks import smallest

from acutance_models import RegistryError, build_generator, check_generator, count_parameters
from acutance_models.resize import bicubic_enlarge


def _conv(inputs, outputs, kernel=3):
    return inputs * outputs * kernel**2 + outputs


def _build(kind, scale=2, seed=0, **arguments):
    return build_generator(smallest(kind) | arguments, scale=scale, seed=seed)


def _count(kind, scale=2, **arguments):
    return count_parameters(_build(kind, scale, **arguments))


def _norm(channels):
    return 2 * channels


MEMNET = {"channels": 4, "blocks": 2, "recursions": 3}


def test_memnet_shares_convolutions_but_no_norms():
    own = _count("memnet", **MEMNET, share=False)
    assert own - _count("memnet", **MEMNET) == 2 * (3 - 1) * 2 * _conv(4, 4)


def test_memnets_gate_sees_long_term_memories_and_own_states():
    whole = _count("memnet", **MEMNET)
    gates = [_norm(4 * maps) + _conv(4 * maps, 4, 1) for maps in (1 + 3, 2 + 3)]
    assert whole - _count("memnet", **MEMNET, gate=False) == sum(gates)
    assert whole - _count("memnet", **MEMNET, long_term=False) == (1 + 2) * (_norm(4) + 4 * 4)


def test_without_gate_a_block_gives_the_mean_of_its_maps():
    network = _build("memnet", gate=False, recursions=1, seed=None)
    maps = torch.rand(1, 4, 3, 3)
    # Zero weights: the only state is the input; the second block also sees the first's input.
    torch.testing.assert_close(network.blocks[1](maps, [maps * 2, maps * 3]), maps * 2)


def test_memnet_supervises_every_block_in_training_alone():
    lr = torch.rand(2, 1, 6, 5)
    network = _build("memnet").train()
    pictures = network.outputs(lr)
    assert len(pictures) == 3
    torch.testing.assert_close(pictures[-1], network(lr))
    torch.testing.assert_close(pictures[-1], (pictures[0] + pictures[1]) / 2)
    with torch.no_grad():
        network.ensemble.copy_(torch.tensor([2.0, -0.3]))
        network.last.bias.fill_(0.2)
    pictures = network.outputs(lr)
    torch.testing.assert_close(pictures[-1], 2 * pictures[0] - 0.3 * pictures[1])
    torch.testing.assert_close(pictures[-1], network(lr))
    assert len(network.eval().outputs(lr)) == 1
    last = _build("memnet", supervision="last").train()
    assert len(last.outputs(lr)) == 1
    assert _count("memnet") - count_parameters(last) == _norm(4) + 2


def test_new_memnet_vdsr_idn_and_zssr_add_to_the_enlarged_picture():
    for kind in ("memnet", "vdsr", "idn", "zssr"):
        network = _build(kind, scale=3, seed=None)
        lr = torch.rand(1, network.channels, 4, 5)
        torch.testing.assert_close(network(lr), bicubic_enlarge(lr, 3))


def test_dbpn_without_feedback_or_density_is_smaller():
    sizes = {"channels": 4, "first_channels": 8, "blocks": 3}
    whole = _count("dbpn", **sizes)
    resizing = _conv(4, 4, 6) + 1  # a PReLU's slope
    assert whole - _count("dbpn", **sizes, feedback=False) == 5 * 2 * resizing
    mixing = 2 * (_conv(8, 4, 1) + 1)  # the second down- and the third up-projection see two maps
    assert whole - _count("dbpn", **sizes, dense=False) == mixing


def _inputs(network, *places):
    """Return what these modules are given when the network sees a picture, and make."""
    seen = {}
    for place in places:
        network.get_submodule(place).register_forward_hook(
            lambda module, given, made, place=place: seen.update({place: (given[0], made)})
        )
    network(torch.rand(1, network.channels, 5, 4))
    return [seen[place] for place in places]


def test_dbpn_without_density_sees_the_newest_map_alone():
    sizes = {"channels": 4, "first_channels": 8, "blocks": 3, "dense": False}
    (_, down), (given, _) = _inputs(_build("dbpn", **sizes), "down2", "up3")
    assert torch.equal(given, down)
    (_, newest), (both, _) = _inputs(_build("dbpn", **sizes | {"dense": True}), "down2", "up3")
    assert torch.equal(both[:, :4], newest)
    assert both.shape[1] == 8


def test_dbpn_without_feedback_enlarges_once():
    unit = _build("dbpn", feedback=False).up1
    x = torch.rand(1, 4, 3, 3)
    assert torch.equal(unit(x), unit.up_conv1(x))


def test_idn_sets_maps_aside_and_compresses():
    sizes = {"channels": 8, "step": 2, "groups": 1, "kernel": 5}
    whole = _count("idn", **sizes)  # 2 of 8 maps set aside: 8 + 2 wide
    plain = _count("idn", **sizes, distill=0.0)
    wider = (_conv(6, 10) - _conv(6, 8)) + (_conv(10, 8, 1) - _conv(8, 8, 1))
    assert whole - plain == wider - (8 - 6) * 8 * 9
    open_ = _count("idn", **sizes, compress=False)
    assert whole - open_ == _conv(10, 8, 1) - 2 * 25


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_idns_deconvolution_makes_the_rows_of_the_papers_geometry(scale):
    network = _build("idn", scale, channels=4, step=1, groups=1, kernel=17, seed=None)
    with torch.no_grad():
        network.upsample.bias.fill_(1.0)
    residual = network(torch.zeros(1, 1, 5, 6))[0, 0]
    assert residual.shape == (5 * scale, 6 * scale)
    wanted = torch.zeros(5 * scale, 6 * scale)
    wanted[scale - 1 :, scale - 1 :] = 1
    assert torch.equal(residual, wanted)


def test_rdns_fusions_and_skips_can_be_left_out():
    sizes = {"channels": 4, "blocks": 3, "layers": 2, "growth": 5}
    whole = _count("rdn", **sizes)
    assert whole - _count("rdn", **sizes, global_fusion=False) == _conv(12, 4, 1)
    fusion = _conv(9, 5) + _conv(14, 4, 1) - _conv(9, 4)
    assert whole - _count("rdn", **sizes, local_fusion=False) == 3 * fusion
    x = torch.rand(1, 4, 3, 3)
    silent = _build("rdn", **sizes, seed=None).RDBs[0]
    assert torch.equal(silent(x), x)
    assert not _build("rdn", **sizes, local_residual=False, seed=None).RDBs[0](x).any()


def test_rcans_attention_and_skips_can_be_left_out():
    attention = _conv(8, 2, 1) + _conv(2, 8, 1)
    sizes = {"channels": 8, "groups": 2, "blocks": 3, "reduction": 4}
    assert _count("rcan", **sizes) - _count("rcan", **sizes, attention="none") == 6 * attention
    x = torch.rand(1, 8, 3, 3)
    group = _build("rcan", seed=None).body[0]
    assert torch.equal(group(x), x)
    assert not _build("rcan", short_skip=False, seed=None).body[0](x).any()
    lr = torch.rand(1, 3, 4, 4)
    assert not torch.equal(_build("rcan")(lr), _build("rcan", long_skip=False)(lr))


def test_rcans_long_skip_carries_what_the_groups_do_not():
    one, other = torch.rand(2, 3, 4, 4).split(1)
    for long_skip in (True, False):
        network = _build("rcan", long_skip=long_skip)
        with torch.no_grad():
            for parameter in network.body.parameters():
                parameter.zero_()
        assert torch.equal(network(one), network(other)) != long_skip


def test_carn_without_cascades_is_a_chain():
    network = _build("carn", blocks=2, units=2, cascade="none")
    x = torch.rand(1, 4, 3, 3)
    chained = x
    for block in network.body.members:
        for unit in block.members:
            chained = unit(chained)
    assert torch.equal(network.body(x), chained)
    shared = _build("carn", units=3, share=True, cascade="none").body.members[0]
    once = shared.members[0]
    assert torch.equal(shared(x), once(once(once(x))))


def test_msrns_paths_exchange_and_fuse():
    def block(**arguments):
        return count_parameters(_build("msrn", **arguments).body[0])

    assert block() == _conv(4, 4) + _conv(4, 4, 5) + _conv(8, 8) + _conv(8, 8, 5) + _conv(16, 4, 1)
    alone = 2 * (_conv(4, 4) + _conv(4, 4, 5)) + _conv(8, 4, 1)
    assert block(exchange=False) == alone
    assert block(kernels=[5]) == 2 * _conv(4, 4, 5) + _conv(4, 4, 1)
    assert _count("msrn") - _count("msrn", global_fusion=False) == _conv(8, 4, 1)
    assert _build("msrn", colour="y").channels == 1


def test_carns_heads_share_everything_but_the_enlargement():
    network = _build("carn", scale=2, heads=[2, 3, 4])
    other = _build("carn", scale=3, heads=[2, 3, 4])
    other.load_state_dict(network.state_dict())
    lr = torch.rand(1, 3, 4, 4)
    assert other(lr).shape == (1, 3, 12, 12)
    single = _build("carn", scale=3)
    renamed = {
        name.replace("heads.up3", "upconvs"): value for name, value in other.state_dict().items()
    }
    single.load_state_dict({name: renamed[name] for name in single.state_dict()})
    assert torch.equal(single(lr), other(lr))


@pytest.mark.parametrize("kind", ["rdn", "msrn"])
def test_values_up_to_255_inside_are_the_same_network_with_other_biases(kind):
    one, many = _build(kind, values=1), _build(kind, values=255)
    with torch.no_grad():
        for network in (one, many):
            for name, parameter in network.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
    lr = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(one(lr), many(lr), atol=1e-5, rtol=1e-4)


def test_zssr_refines_pictures_of_any_size():
    network = _build("zssr", scale=2)
    lr = torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(network.refine(bicubic_enlarge(lr, 2)), network(lr))
    assert network.refine(torch.rand(1, 3, 7, 9)).shape == (1, 3, 7, 9)


def test_lapsrn_starts_as_bilinear_doubling():
    network = _build("lapsrn", scale=2, colour="rgb")
    with torch.no_grad():
        network.levels[0].residual.weight.zero_()
    lr = torch.rand(1, 3, 6, 6)
    wanted = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(network(lr)[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1])
    assert float(network.conv_input.weight.detach().std()) == pytest.approx(0.001, rel=0.2)


def test_first_weights_follow_the_authors_rules():
    def deviation(kind, place, **arguments):
        return float(_build(kind, **arguments).get_parameter(f"{place}.weight").detach().std())

    fan = 64 * 9
    assert deviation("zssr", "body.2", channels=64) == pytest.approx((0.1 / fan) ** 0.5, rel=0.02)
    assert deviation("memnet", "first", channels=64) == pytest.approx((2 / 9) ** 0.5, rel=0.1)
    step = deviation("idn", "upsample", channels=64, kernel=17, groups=1)
    assert step == pytest.approx((4 / (289 + 64 * 289)) ** 0.5, rel=0.02)
    deconv = deviation("dbpn", "up1.up_conv1.deconv", channels=32)
    assert deconv == pytest.approx((2 / (32 * 36)) ** 0.5, rel=0.02)
    norm = _build("memnet").first_norm
    assert (norm.weight.tolist(), norm.bias.tolist()) == ([1.0], [0.0])


@pytest.mark.parametrize("kind", ["carn", "dbpn", "msrn", "rcan", "rdn"])
def test_with_an_image_skip_zero_weights_enlarge(kind):
    lr = torch.rand(1, 3, 6, 5)
    for mode in ("bilinear", "bicubic"):
        network = _build(kind, image_skip=mode, seed=None)
        wanted = torch.nn.functional.interpolate(lr, scale_factor=2, mode=mode)
        torch.testing.assert_close(network(lr), wanted)
    published, own = _build(kind), _build(kind, image_skip="bicubic")
    assert own.receptive_field == published.receptive_field
    assert own.state_dict().keys() == published.state_dict().keys()


@pytest.mark.parametrize(
    ("kind", "place"), [("dbpn", "feat0.conv"), ("idn", "conv1"), ("memnet", "first")]
)
def test_first_weights_take_another_rule_and_gain(kind, place):
    def first(**arguments):
        return _build(kind, **arguments).get_parameter(f"{place}.weight").detach()

    torch.testing.assert_close(first(init_gain=0.5), first() * 0.5)
    network = _build(kind, init="pytorch")
    weight = network.get_parameter(f"{place}.weight")
    assert float(weight.detach().abs().max()) <= weight[0].numel() ** -0.5
    assert network.get_parameter(f"{place}.bias").detach().abs().max() > 0


@pytest.mark.parametrize(
    ("spec", "scale", "words"),
    [
        ({"kind": "lapsrn"}, 3, "never triples"),
        ({"kind": "srdensenet"}, 3, "never triples"),
        ({"kind": "dbpn"}, 5, "Scales: 2, 3, 4, 8"),
        ({"kind": "rcan"}, 6, "Scales: 2, 3, 4, 8"),
        ({"kind": "rcan", "channels": 8}, 2, "Use reduction=8 or less"),
        ({"kind": "memnet"}, 9, "up to 8"),
        ({"kind": "idn", "channels": 66}, 2, "groups divide"),
        ({"kind": "idn", "step": 32}, 2, "Use step=31 or less"),
        ({"kind": "idn", "kernel": 16}, 2, "Use kernel=17"),
        ({"kind": "idn", "kernel": 3}, 8, "Use kernel=9"),
        ({"kind": "idn", "channels": 8, "step": 0, "distill": 0.99}, 2, "let at least one"),
        ({"kind": "msrn", "kernels": [5, 3]}, 2, r"\[3, 5\], got kernels=\[5, 3\]"),
        ({"kind": "msrn", "kernels": []}, 2, "at least 1 item"),
        ({"kind": "carn", "heads": [2, 4]}, 3, r"heads=\[2, 3, 4\]"),
        ({"kind": "zssr", "layers": 1}, 2, "first and a last"),
    ],
)
def test_what_cannot_be_built_is_refused_with_a_way_out(spec, scale, words):
    assert check_generator(spec, scale=scale)
    with pytest.raises(RegistryError, match=words):
        build_generator(spec, scale=scale)
