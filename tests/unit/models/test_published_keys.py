"""Our tensors are the authors' tensors under the names of the authors' checkpoints."""

import pytest
from generator_checks import smallest

from acutance_models import build_generator
from acutance_models.generators import carn, dbpn, edsr, idn, msrn, rcan, rdn


def _build(kind, scale=2, **arguments):
    return build_generator(smallest(kind) | arguments, scale=scale, seed=None)


def _both(*layers):
    return {f"{layer}.{part}" for layer in layers for part in ("weight", "bias")}


def _published(module, network):
    names = list(network.state_dict())
    made = [module.published_key(name, network.scale) for name in names]
    assert len(set(made)) == len(names)
    return set(made)


def test_rcans_keys_are_the_authors():
    found = _published(rcan, _build("rcan", scale=4, groups=2, blocks=2))
    blocks = [f"body.{g}.body.{b}.body" for g in range(2) for b in range(2)]
    inner = [f"{block}.{part}" for block in blocks for part in "02"]
    inner += [f"{block}.3.conv_du.{part}" for block in blocks for part in "02"]
    ends = ["head.0", "body.0.body.2", "body.1.body.2", "body.2", "tail.0.0", "tail.0.2", "tail.1"]
    assert found == _both(*inner, *ends)


def test_rdns_keys_are_those_of_the_port():
    found = _published(rdn, _build("rdn", scale=4, blocks=2, layers=2))
    inner = [f"RDBs.{b}.{part}" for b in range(2) for part in ("convs.0.conv.0", "convs.1.conv.0")]
    fused = ["RDBs.0.LFF", "RDBs.1.LFF", "GFF.0", "GFF.1"]
    ends = ["SFENet1", "SFENet2", "UPNet.0", "UPNet.2", "UPNet.4"]
    assert found == _both(*inner, *fused, *ends)


def test_msrns_keys_are_the_authors_new_and_old():
    parts = ("conv_3_1", "conv_3_2", "conv_5_1", "conv_5_2", "confusion")
    found = _published(msrn, _build("msrn", scale=4, blocks=2))
    inner = [f"body.{block}.{part}" for block in range(2) for part in parts]
    assert found == _both(*inner, "head.0", "tail.0", "tail.1", "tail.2.0", "tail.2.2", "tail.3")
    old = _build("msrn", scale=4, blocks=2, tail="paper", colour="y", values=1).state_dict()
    inner = [f"residual{block}.0.{part}" for block in (1, 2) for part in parts]
    assert {msrn.published_key_of_paper(name, 4) for name in old} == (
        _both(*inner, "conv_input", "bottle", "conv", "conv_output")
    )


def test_dbpns_keys_are_the_authors():
    found = _published(dbpn, _build("dbpn", scale=4, blocks=3))
    layers, slopes = ["output_conv.conv"], []
    for name in ("feat0", "feat1", "down2.conv", "up3.conv"):
        layers, slopes = [*layers, f"{name}.conv"], [*slopes, f"{name}.act.weight"]
    for unit in ("up1", "up2", "up3", "down1", "down2"):
        up = unit.startswith("up")
        for step in (1, 2, 3):
            name = f"{unit}.{'up' if up else 'down'}_conv{step}"
            layers.append(f"{name}.{'deconv' if up == (step != 2) else 'conv'}")
            slopes.append(f"{name}.act.weight")
    assert found == _both(*layers) | set(slopes)


def test_idns_keys_are_the_authors_caffe_layers():
    found = _published(idn, _build("idn", blocks=4))
    inner = [f"conv{block}_{conv}" for block in (3, 4, 5, 6) for conv in range(1, 7)]
    assert found == _both("conv1", "conv2", *inner, "down1", "down2", "down3", "down4", "upsample")


@pytest.mark.parametrize("share", [False, True])
def test_carns_keys_are_the_authors(share):
    more = {"groups": 2, "share": True} if share else {}
    network = _build("carn", scale=4, channels=4, blocks=3, heads=[2, 3, 4], **more)
    units = ["b1"] if share else ["b1", "b2", "b3"]
    parts = (0, 2, 4) if share else (0, 2)
    blocks = ("b1", "b2", "b3")
    inner = [f"{b}.{unit}.body.{part}" for b in blocks for unit in units for part in parts]
    inner += [f"{b}.c{c}.body.0" for b in blocks for c in (1, 2, 3)]
    ends = ["entry", "exit", "c1.body.0", "c2.body.0", "c3.body.0", "upsample.up4.body.3"]
    ends += [f"upsample.up{scale}.body.0" for scale in (2, 3, 4)]
    assert _published(carn, network) == _both(*inner, *ends)
    single = _build("carn", scale=3, channels=4, blocks=3, **more)
    assert _published(carn, single) < _published(carn, network)


def test_edsrs_keys_are_the_authors():
    found = _published(edsr, _build("edsr", scale=4, blocks=2))
    inner = [f"body.{block}.body.{part}" for block in range(2) for part in "02"]
    assert found == _both(*inner, "head.0", "body.2", "tail.0.0", "tail.0.2", "tail.1")
