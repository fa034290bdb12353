"""What a recipe costs, before it is trained: exact where it is counted, close where it is timed."""

import pytest
import torch
from tiny_trainings import tiny_recipe
from torch.utils._python_dispatch import TorchDispatchMode

from acutance_models import PRESETS, build_generator
from acutance_platform.recipe import build_recipe
from acutance_platform.training import structural_costs

PRESET_SCALES = [(name, scale) for name, preset in PRESETS.items() for scale in preset.parameters]


class Multiplications(TorchDispatchMode):
    """Counts the multiply-adds of every convolution that really runs, whoever calls it."""

    macs = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default and made.shape[-2:].numel() > 1:
            given, weight, transposed = args[0], args[1], args[6]
            places = given if transposed else made
            self.macs += weight.numel() * places.shape[-2:].numel()
        return made


def _recipe(**changes):
    return build_recipe(
        tiny_recipe(**{"data": {"dataset": "p", "patch": 48, "batch": 2}} | changes)
    )


@pytest.mark.parametrize(("name", "scale"), PRESET_SCALES)
def test_parameters_and_multiply_adds_are_exact_for_every_preset(name, scale):
    costs = structural_costs(_recipe(scale=scale, generator={"preset": name}))
    with torch.device("meta"):
        network = build_generator({"preset": name}, scale=scale, seed=None)
    state = dict(network.named_parameters())
    assert (
        costs["parameters"]
        == sum(p.numel() for p in state.values())
        == (PRESETS[name].parameters[scale])
    )
    rows, columns = (network.size_multiple * side for side in (20, 28))
    with Multiplications() as run, torch.no_grad():
        network.eval()(torch.empty(1, network.channels, rows, columns, device="meta"))
    assert costs["macs_per_pixel"] == run.macs / (rows * columns * scale**2)


def test_the_costs_of_a_chain_are_those_of_what_it_ends_with():
    pixel = {"pixel": {"kind": "l1", "weight": 1.0}}
    grown = _recipe(
        stages={
            "small": {"steps": 1, "loss": pixel},
            "large": {"after": "small", "steps": 1, "loss": pixel, "generator": {"blocks": 3}},
        }
    )
    alone = _recipe(generator={"kind": "srresnet", "channels": 4, "blocks": 3})
    assert structural_costs(grown) == structural_costs(alone)
