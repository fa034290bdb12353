"""What every generator promises, as checks that a test calls with a small network of it."""

import torch

from acutance_models import dump_weights, load_generator
from acutance_models.generators.blocks import Float32Deconv
from acutance_models.generators.layers import Float32Tail

SMALLEST = {
    "dbpn": {"channels": 4, "first_channels": 8, "blocks": 2},
    "idn": {"channels": 8, "blocks": 1, "step": 2, "groups": 2, "kernel": 5},
    "lapsrn": {"channels": 8, "depth": 1},
    "memnet": {"channels": 4, "blocks": 2, "recursions": 2},
    "rcan": {"channels": 8, "groups": 1, "blocks": 1, "reduction": 1},
    "rdn": {"channels": 4, "blocks": 1, "layers": 2, "growth": 4},
    "srdensenet": {"channels": 8, "blocks": 1, "layers": 2, "growth": 4, "bottleneck": 8},
    "vdsr": {"channels": 8, "layers": 3},
    "zssr": {"channels": 8, "layers": 3},
}


def smallest(kind):
    """Return a spec of this kind that is built and run in no time."""
    return {"kind": kind, **SMALLEST.get(kind, {"channels": 4, "blocks": 1})}


def check_sizes(network):
    scale, planes = network.scale, network.channels
    for batch, height, width in ((2, 5, 7), (2, 1, 1)):
        made = network(torch.rand(batch, planes, height, width))
        assert made.shape == (batch, planes, height * scale, width * scale)


def check_gradient_reaches_every_parameter(network, but=()):
    pictures = network.outputs(torch.rand(1, network.channels, 8, 8))
    torch.stack(pictures).square().mean().backward()
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert [name for name in silent if not name.startswith(tuple(but))] == []


def check_receptive_field(network):
    network = network.double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_().add_(0.01)  # nothing cancels, no ReLU is shut
    reach = network.receptive_field // 2
    middle = reach + 2
    shape = (1, network.channels, 2 * middle + 1, 2 * middle + 1)
    lr = torch.full(shape, 0.9, dtype=torch.float64, requires_grad=True)
    sr = network(lr)
    furthest = 0
    for phase in range(network.scale):
        row = middle * network.scale + phase
        (gradient,) = torch.autograd.grad(sr[0, 0, row, row], lr, retain_graph=True)
        touched = gradient[0].abs().sum(0).nonzero()
        furthest = max(furthest, int((touched - middle).abs().max()))
    assert furthest == reach


def check_float32_tail(network):
    lr = torch.rand(1, network.channels, 8, 8)
    seen = []
    for module in network.modules():
        if isinstance(module, Float32Tail | Float32Deconv):
            module.register_forward_hook(lambda module, given, made: seen.append(made.dtype))
    network.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        sr = network(lr)
    assert sr.dtype == torch.float32
    assert set(seen) == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(sr, network(lr), atol=0.05, rtol=0.05)


def check_round_trip(network):
    with torch.no_grad():
        network(torch.rand(2, network.channels, 4, 4))  # norms now hold something of their own
    again = load_generator(dump_weights(network, network.spec, network.scale))
    lr = torch.rand(1, network.channels, 5, 6)
    assert again.spec == network.spec
    assert torch.equal(again.eval()(lr), network.eval()(lr))


def check_thirty_steps_lower_the_loss(network):
    lr = torch.rand(2, network.channels, 6, 6)
    side = 6 * network.scale
    hr = torch.nn.functional.interpolate(lr, size=(side, side)).roll(1, dims=3)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        pictures = network.outputs(lr)
        loss = sum((picture - hr).abs().mean() for picture in pictures) / len(pictures)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.97 * losses[0]
