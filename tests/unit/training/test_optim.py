import math

import pytest
import torch
from torch import nn

from acutance_platform.recipe.schema import Adam, Constant, Cosine, Multistep
from acutance_platform.training.optim import (
    MovingAverage,
    build_optimizer,
    learning_rate_factor,
    optimizer_tensors,
    restore_optimizer,
)


def test_schedules_follow_their_formulas():
    multistep = Multistep(kind="multistep", milestones=[10, 20], gamma=0.1)
    factors = [learning_rate_factor(multistep, step, 30) for step in (0, 9, 10, 19, 20)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    cosine = Cosine(kind="cosine", final=0.1)
    assert learning_rate_factor(cosine, 0, 100) == 1
    assert learning_rate_factor(cosine, 50, 100) == pytest.approx(0.55)
    last = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 0.99))
    assert learning_rate_factor(cosine, 99, 100) == pytest.approx(last)
    warm = Constant(warmup=4)
    assert [learning_rate_factor(warm, step, 9) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]


def run(network, optimizer, steps):
    for step in range(steps):
        torch.manual_seed(step)
        picture = torch.rand(2, 3, 8, 8).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        network(picture).square().mean().backward()
        optimizer.step()


def fresh():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 3)).to(
        memory_format=torch.channels_last
    )
    return network, build_optimizer(Adam(lr=1e-2), network.parameters())


def test_a_restored_optimizer_goes_on_to_the_same_bits():
    """Fused Adam pairs by memory position: moments must come back in the parameters' strides."""
    whole, optimizer = fresh()
    run(whole, optimizer, 8)
    first, before = fresh()
    run(first, before, 4)
    names = [name for name, _ in first.named_parameters()]
    saved = {k: v.clone().contiguous() for k, v in optimizer_tensors(before, names).items()}
    second, after = fresh()
    second.load_state_dict(first.state_dict())
    restore_optimizer(after, names, saved)
    for parameter in second.parameters():
        assert after.state[parameter]["exp_avg"].stride() == parameter.stride()
        assert after.state[parameter]["exp_avg_sq"].stride() == parameter.stride()
    for step in range(4, 8):
        torch.manual_seed(step)
        picture = torch.rand(2, 3, 8, 8).to(memory_format=torch.channels_last)
        after.zero_grad()
        second(picture).square().mean().backward()
        after.step()
    for a, b in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_moving_average_follows_its_definition():
    network = nn.Conv2d(1, 1, 1)
    average = MovingAverage(network, 0.9)
    start = network.weight.detach().clone()
    with torch.no_grad():
        network.weight.add_(1.0)
    average.update()
    assert torch.allclose(average.tensors["weight"], start + 0.1)
