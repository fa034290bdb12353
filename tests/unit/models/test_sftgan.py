"""SFTGAN without modulation is the network that it was made from."""

import re

import pytest
import torch

from acutance_models import build_generator


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_all_scales_and_shifts_at_zero_are_srresnet_with_the_same_weights(scale):
    spec = {"kind": "sftgan", "channels": 8, "blocks": 3, "classes": 5, "init_gain": 1.0}
    network = build_generator(spec, scale=scale, seed=1)
    zeroed = [
        parameter
        for name, parameter in network.named_parameters()
        if re.search(r"\.(scale|shift)1\.(weight|bias)$", name)
    ]
    assert len(zeroed) == 4 * 7  # two per block and one behind the trunk
    plain = build_generator({"kind": "srresnet", "channels": 8, "blocks": 3}, scale=scale, seed=2)
    plain.load_state_dict({n: network.state_dict()[n] for n in plain.state_dict()})
    lr = torch.rand(2, 3, 5, 7)
    condition = torch.rand(2, 5, 5 * scale, 7 * scale)
    with torch.no_grad():
        assert not torch.allclose(network(lr, condition), plain(lr), rtol=1e-3)
        for parameter in zeroed:
            parameter.zero_()
        assert torch.equal(network(lr, condition), plain(lr))
        for name in ("body.1.sft2.scale1.weight", "sft_trunk.shift1.bias"):
            network.get_parameter(name).add_(0.1)
            assert not torch.equal(network(lr, condition), plain(lr))
            network.get_parameter(name).sub_(0.1)
