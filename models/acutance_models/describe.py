"""What a network costs, told from its structure alone."""

import copy

import torch
from torch import nn

from acutance_models.interfaces import Generator

_SIDE = 24  # LR pixels of the picture that is walked through; larger than any pooled map


def count_parameters(network: nn.Module) -> int:
    """Return how many trainable numbers a network holds."""
    return sum(each.numel() for each in network.parameters() if each.requires_grad)


def macs_per_pixel(generator: Generator) -> float:
    """Return the multiply-adds of all convolutions and deconvolutions per HR pixel.

    Biases, activations and sums are not counted, nor are convolutions on pooled values (one pixel,
    as in channel attention), as in the tables of the field. Nothing is computed: a copy of the
    network runs on the meta device.

    Args:
        generator: Any generator; its weights are neither read nor changed.

    Returns:
        Multiply-adds; times 1280 * 720 it is the figure papers print as "Mult-Adds".
    """
    walked = copy.deepcopy(generator).to("meta").eval()
    total = 0

    def add(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        total += _macs(module, inputs[0], output)

    for module in walked.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(add)
    side = _SIDE * generator.size_multiple
    with torch.no_grad():
        walked(torch.empty(1, generator.channels, side, side, device="meta"))
    return total / (side * generator.scale) ** 2


def _macs(module: nn.Module, given: torch.Tensor, made: torch.Tensor) -> int:
    """Return the multiply-adds of one call of a convolution."""
    if made.shape[-2:].numel() == 1:
        return 0
    assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    # A convolution applies its kernel once per output pixel, a deconvolution once per input pixel.
    places = made if isinstance(module, nn.Conv2d) else given
    return int(module.weight.numel() * places.shape[-2:].numel())
