"""Exported networks make torch's pictures, and are read by who should read them."""

import pytest
import torch
from checkpoints import BY_NAME
from generator_checks import smallest

from acutance_models import (
    GENERATORS,
    PRESETS,
    TOLERANCE,
    ExportError,
    build_generator,
    dump_published,
    import_weights,
    onnx_parity,
    published_parity,
    read_tensors,
    to_onnx,
    to_published,
)

# The twelve systems that this project began with, ZSSR aside (it makes a network per picture).
SYSTEMS = {
    "carn": 2, "dbpn": 2, "enhancenet": 4, "esrgan": 2, "idn": 3, "memnet": 3, "msrn": 2,
    "rcan": 2, "rdn": 3, "sftgan": 4, "srfeat": 4,
}  # fmt: skip


def made(kind, scale, **more):
    """A small network whose first weights give a picture and not nearly zero."""
    return build_generator(smallest(kind) | more, scale=scale, seed=3)


@pytest.mark.parametrize("kind", SYSTEMS)
def test_onnx_agrees_with_torch_on_sizes_that_it_was_not_traced_with(kind):
    network = made(kind, SYSTEMS[kind], **({"init_gain": 1.0} if kind == "sftgan" else {}))
    data = to_onnx(network, {"weights": "abc"})
    assert network.training, "its mode is left alone"
    assert onnx_parity(network, data, sizes=[(33, 46), (9, 10), (1, 5)]) < TOLERANCE
    with torch.no_grad():
        next(p for n, p in network.named_parameters() if n.endswith("bias")).add_(1.0)
    assert onnx_parity(network, data) > TOLERANCE, "another network is found out"


def test_an_onnx_document_says_what_it_is():
    import onnx

    document = onnx.load_from_string(to_onnx(made("srresnet", 3), {"weights": "abc"}))
    onnx.checker.check_model(document)
    facts = {each.key: each.value for each in document.metadata_props}
    assert facts["acutance.scale"] == "3"
    assert facts["acutance.weights"] == "abc"
    assert '"kind": "srresnet"' in facts["acutance.spec"]
    shape = document.graph.input[0].type.tensor_type.shape.dim
    assert [each.dim_param or each.dim_value for each in shape] == [1, 3, "height", "width"]


def test_what_onnxruntime_cannot_run_is_said_in_one_line():
    with pytest.raises(ExportError, match="onnxruntime cannot run"):
        onnx_parity(made("srresnet", 2), b"no graph")
    other = made("srresnet", 3)
    assert onnx_parity(other, to_onnx(made("srresnet", 2))) == float("inf")


ROUND_TRIPS = [
    ("ESRGAN (BasicSR)", "esrgan-16", 4, {"blocks": 1}),
    ("ESRGAN (BasicSR)", "esrgan-23", 2, {"blocks": 2}),
    ("MSRResNet (BasicSR)", "msrresnet", 2, {"blocks": 2}),
    ("CARN", "carn", 2, {}),
    ("CARN", "carn-m-multi", 3, {}),
    ("RCAN", "rcan", 2, {"groups": 2, "blocks": 1}),
    ("EDSR", "edsr-baseline", 4, {"blocks": 1}),
    ("MSRN", "msrn", 4, {"blocks": 1}),
    ("MSRN (of the paper)", "msrn-paper", 2, {"blocks": 1}),
    ("DBPN", "dbpns", 2, {}),
    ("IDN (Caffe layers)", "idn", 3, {}),
    ("RDN (EDSR-PyTorch)", "rdn-d16c8", 2, {"blocks": 1, "layers": 2, "mean": "none"}),
    ("SFTGAN", "sftgan", 4, {"blocks": 1}),
]


@pytest.mark.parametrize(("dialect", "preset", "scale", "sizes"), ROUND_TRIPS)
def test_published_names_come_back_through_the_importer(dialect, preset, scale, sizes):
    network = build_generator({"preset": preset, **sizes}, scale=scale, seed=1)
    published = to_published(network)
    assert published.dialect == dialect
    data = dump_published(published)
    assert published_parity(network, data) == 0
    wanted = network.state_dict()
    found = import_weights(data, scale=scale).generator
    assert found.state_dict().keys() == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in found.state_dict().items())
    lr = torch.rand(1, network.channels, 6, 7)
    with torch.no_grad():
        assert torch.equal(found.eval()(lr), network.eval()(lr))


def test_every_dialect_that_safetensors_can_hold_is_written():
    others = {"ESRGAN", "ESRGAN (2018)"}  # other names for what is written as BasicSR's
    tensorflow = {name for name, dialect in BY_NAME.items() if dialect.hwio}
    assert {row[0] for row in ROUND_TRIPS} | others | tensorflow == set(BY_NAME)


def test_a_searched_width_keeps_the_names_that_readers_measure():
    network = build_generator({"preset": "esrgan-23", "channels": 8, "blocks": 1}, scale=4)
    assert "body.0.rdb1.conv1.weight" in to_published(network).tensors


@pytest.mark.parametrize(
    "spec",
    [
        {"preset": "esrgan-23", "blocks": 1, "norm": "batch"},
        {"preset": "rcan", "groups": 1, "blocks": 1, "image_skip": "bilinear"},
        {"preset": "carn", "cascade": "none"},
        {"preset": "rdn-d16c8", "blocks": 1},
    ],
)
def test_a_network_that_readers_would_take_for_another_has_no_published_names(spec):
    assert to_published(build_generator(spec, scale=4, seed=None)) is None


def test_a_damaged_export_is_found():
    network = build_generator({"preset": "edsr-baseline", "blocks": 1}, scale=2)
    published = to_published(network)
    data = bytearray(dump_published(published))
    data[-1] ^= 0x10
    assert published_parity(network, bytes(data)) > 0
    assert read_tensors(bytes(data)).keys() == published.tensors.keys()


def settle(network):
    """Let batch normalisation see noise, so that first weights make values of about one."""
    norms = [each for each in network.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean of all that it sees
    if norms:
        with torch.no_grad():
            network.train()(torch.rand(2, network.channels, 24, 24))


PUBLISHED = sorted({preset.spec["kind"] for preset in PRESETS.values()} - {"zssr"})


@pytest.mark.long
@pytest.mark.parametrize("kind", PUBLISHED)
def test_onnx_of_presets(kind, record_property):
    """Every preset of a system at its largest published scale, whole."""
    assert kind in GENERATORS.names()
    for preset in (each for each in PRESETS.values() if each.spec["kind"] == kind):
        network = build_generator({"preset": preset.name}, scale=max(preset.scales), seed=0)
        settle(network)
        worst = onnx_parity(network, to_onnx(network))
        record_property(f"{preset.name}-x{network.scale}", worst)
        assert worst < TOLERANCE
