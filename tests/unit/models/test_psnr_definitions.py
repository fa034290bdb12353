"""Each network is its paper's formula, written here a second time with the authors' names.

The formulas follow shared facts about the authors' code (which maps are concatenated in which
order, where activations stand), so that published weights mean the same here.
"""

import pytest
import torch
from generator_checks import smallest
from torch.nn import functional as F

from acutance_models import build_generator
from acutance_models.generators import dbpn, edsr, idn, msrn, rcan, rdn
from acutance_models.resize import bicubic_enlarge

MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1).double()


class Weights:
    """A network's tensors under the authors' names, and the layers that use them."""

    def __init__(self, network, published_key):
        state = network.state_dict()
        self.tensors = {published_key(name, network.scale): state[name] for name in state}

    def conv(self, name, x, **how):
        weight = self.tensors[f"{name}.weight"]
        how = {"padding": weight.shape[-1] // 2} | how
        return F.conv2d(x, weight, self.tensors.get(f"{name}.bias"), **how)

    def deconv(self, name, x, **how):
        tensors = self.tensors
        return F.conv_transpose2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], **how)

    def prelu(self, name, x):
        return F.prelu(x, self.tensors[f"{name}.weight"])

    def norm(self, name, x):
        parts = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.tensors[f"{name}.{part}"] for part in parts))


def _network(kind, scale, published_key, **arguments):
    network = build_generator(smallest(kind) | arguments, scale=scale, seed=3).double().eval()
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.ndim < 2 and tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) / 2)  # no bias, slope or norm is left at 0 or 1
    return network, Weights(network, published_key)


def _same(network, wanted, lr):
    with torch.no_grad():
        torch.testing.assert_close(network(lr), wanted)


def _lr(planes):
    return torch.rand(2, planes, 7, 6, dtype=torch.float64)


def _ours(name, scale):
    return name


def _enlarge(weights, name, x, scale):
    """EDSR's upsampler."""
    factors = [3] if scale == 3 else [2] * (scale.bit_length() - 1)
    for place, factor in enumerate(factors):
        x = F.pixel_shuffle(weights.conv(f"{name}.{2 * place}", x), factor)
    return x


@pytest.mark.parametrize("scale", [2, 3])
def test_memnet(scale):
    network, w = _network("memnet", scale, _ours, blocks=3, recursions=2)
    lr = _lr(1)
    enlarged = bicubic_enlarge(lr, scale)

    def brc(norm, conv, x):
        return w.conv(conv, F.relu(w.norm(norm, x)))

    outputs = [brc("first_norm", "first", enlarged)]
    wanted = 0
    for m in range(3):
        states = [outputs[-1]]
        for r in range(2):
            inner = brc(f"blocks.{m}.first_norms.{r}", f"blocks.{m}.first.0", states[-1])
            outer = brc(f"blocks.{m}.second_norms.{r}", f"blocks.{m}.second.0", inner)
            states.append(states[-1] + outer)
        seen = torch.cat(outputs + states[1:], dim=1)  # [B0, ..., H1, ...]
        outputs.append(brc(f"blocks.{m}.gate_norm", f"blocks.{m}.gate", seen))
        picture = brc(f"last_norms.{m}", "last", outputs[-1]) + enlarged
        wanted = wanted + w.tensors["ensemble"][m] * picture
    _same(network, wanted, lr)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_dbpn(scale):
    network, w = _network("dbpn", scale, dbpn.published_key, blocks=4)
    lr = _lr(3)
    kernel = {2: 6, 4: 8, 8: 12}[scale]
    assert w.tensors["up1.up_conv1.deconv.weight"].shape == (4, 4, kernel, kernel)

    def resize(name, x):
        how = {"stride": scale, "padding": 2}
        if f"{name}.deconv.weight" in w.tensors:
            return w.prelu(f"{name}.act", w.deconv(f"{name}.deconv", x, **how))
        return w.prelu(f"{name}.act", w.conv(f"{name}.conv", x, **how))

    def unit(name, maps):
        x = torch.cat(maps, dim=1)
        if len(maps) > 1:
            x = w.prelu(f"{name}.conv.act", w.conv(f"{name}.conv.conv", x))
        word = f"{name}.{name.rstrip('0123456789')}_conv"
        there = resize(f"{word}1", x)
        return there + resize(f"{word}3", resize(f"{word}2", there) - x)

    x = w.prelu("feat0.act", w.conv("feat0.conv", lr))
    x = w.prelu("feat1.act", w.conv("feat1.conv", x))
    h1 = unit("up1", [x])
    l1 = unit("down1", [h1])
    h2 = unit("up2", [l1])
    l2 = unit("down2", [h2, h1])
    h3 = unit("up3", [l2, l1])
    l3 = unit("down3", [h3, h2, h1])
    h4 = unit("up4", [l3, l2, l1])
    _same(network, w.conv("output_conv.conv", torch.cat([h4, h3, h2, h1], dim=1)), lr)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_idn(scale):
    spec = {"channels": 64, "step": 16, "groups": 4, "kernel": 17, "blocks": 2}
    network, w = _network("idn", scale, idn.published_key, **spec)
    lr = _lr(1)

    def leaky(name, x, **how):
        return F.leaky_relu(w.conv(name, x, **how), 0.05)

    x = leaky("conv2", leaky("conv1", lr))
    for block in (3, 4):
        y = leaky(f"conv{block}_2", leaky(f"conv{block}_1", x), groups=4)
        y = leaky(f"conv{block}_3", y)
        kept, y = y[:, :16], y[:, 16:]
        y = leaky(f"conv{block}_5", leaky(f"conv{block}_4", y), groups=4)
        y = leaky(f"conv{block}_6", y)
        assert y.shape[1] == 80
        x = leaky(f"down{block - 2}", torch.cat([x, kept], dim=1) + y)
    residual = w.deconv("upsample", x, stride=scale, padding=8)
    wanted = bicubic_enlarge(lr, scale)
    wanted[..., scale - 1 :, scale - 1 :] += residual
    _same(network, wanted, lr)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_rdn(scale):
    network, w = _network("rdn", scale, rdn.published_key, blocks=2, layers=3, growth=5)
    lr = _lr(3)
    first = w.conv("SFENet1", (lr - MEAN) * 255)
    x, made = w.conv("SFENet2", first), []
    for block in range(2):
        seen = x
        for layer in range(3):
            new = F.relu(w.conv(f"RDBs.{block}.convs.{layer}.conv.0", seen))
            seen = torch.cat([seen, new], dim=1)
        x = x + w.conv(f"RDBs.{block}.LFF", seen)
        made.append(x)
    x = first + w.conv("GFF.1", w.conv("GFF.0", torch.cat(made, dim=1)))
    x = w.conv(f"UPNet.{4 if scale == 4 else 2}", _enlarge(w, "UPNet", x, scale))
    _same(network, x / 255 + MEAN, lr)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_rcan(scale):
    network, w = _network("rcan", scale, rcan.published_key, groups=2, blocks=2, reduction=4)
    lr = _lr(3)
    head = w.conv("head.0", (lr - MEAN) * 255)
    x = head
    for group in range(2):
        start = x
        for block in range(2):
            name = f"body.{group}.body.{block}.body"
            y = w.conv(f"{name}.2", F.relu(w.conv(f"{name}.0", x)))
            pooled = F.relu(w.conv(f"{name}.3.conv_du.0", y.mean(dim=(2, 3), keepdim=True)))
            x = x + y * torch.sigmoid(w.conv(f"{name}.3.conv_du.2", pooled))
        x = start + w.conv(f"body.{group}.body.2", x)
    x = head + w.conv("body.2", x)
    x = w.conv("tail.1", _enlarge(w, "tail.0", x, scale))
    _same(network, x / 255 + MEAN, lr)


@pytest.mark.parametrize("scale", [2, 3])
def test_edsr(scale):
    network, w = _network("edsr", scale, edsr.published_key, blocks=2)
    lr = _lr(3)
    head = w.conv("head.0", (lr - MEAN) * 255)
    x = head
    for block in range(2):
        x = x + w.conv(f"body.{block}.body.2", F.relu(w.conv(f"body.{block}.body.0", x)))
    x = w.conv("tail.1", _enlarge(w, "tail.0", head + w.conv("body.2", x), scale))
    _same(network, x / 255 + MEAN, lr)


def _msrb(w, name, x):
    def relu(part, features):
        return F.relu(w.conv(f"{name}.{part}", features))

    a = torch.cat([relu("conv_3_1", x), relu("conv_5_1", x)], dim=1)
    b = torch.cat([relu("conv_3_2", a), relu("conv_5_2", a)], dim=1)
    return x + w.conv(f"{name}.confusion", b)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_msrn(scale):
    network, w = _network("msrn", scale, msrn.published_key, blocks=2)
    lr = _lr(3)
    head = w.conv("head.0", (lr - MEAN) * 255)
    first = _msrb(w, "body.0", head)
    fused = w.conv("tail.0", torch.cat([first, _msrb(w, "body.1", first), head], dim=1))
    x = w.conv("tail.3", _enlarge(w, "tail.2", w.conv("tail.1", fused), scale))
    _same(network, x / 255 + MEAN, lr)


@pytest.mark.parametrize("scale", [3, 4])
def test_msrn_of_the_paper(scale):
    old = {"tail": "paper", "colour": "y", "values": 1, "blocks": 2}
    network, w = _network("msrn", scale, msrn.published_key_of_paper, **old)
    lr = _lr(1)
    head = w.conv("conv_input", lr)
    first = _msrb(w, "residual1.0", head)
    second = _msrb(w, "residual2.0", first)
    x = w.conv("conv", w.conv("bottle", torch.cat([head, first, second], dim=1)))
    _same(network, w.conv("conv_output", F.pixel_shuffle(x, scale)), lr)
