"""What several architectures of the PSNR-oriented family share."""

from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import nn

from acutance_models.generators.layers import Conv, Float32Tail, mean_colour
from acutance_models.interfaces import Layer

Colour = Literal["rgb", "y"]
"""`y`: the network sees and makes luma alone."""

CONSTANTS = ("sub_mean.", "add_mean.")
"""Starts of the keys in published checkpoints whose tensors are constants here."""


def planes(colour: Colour) -> int:
    """Return how many planes a picture of these colours has."""
    return 3 if colour == "rgb" else 1


class Deconv(nn.ConvTranspose2d):
    """A transposed convolution whose weights start at zero, see `layers.Conv`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding, bias=bias)

    def reset_parameters(self) -> None:
        """Fill with zeros; called by the constructor of `torch.nn.ConvTranspose2d`."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


@final
class Float32Deconv(Deconv):
    """A deconvolution that makes a picture, in float32 also under autocast, see `Float32Tail`."""

    def forward(self, input: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """Return the deconvolution of the input cast up to float32."""
        if input.device.type == "meta":  # knows no autocast, and computes nothing
            return super().forward(input, output_size)
        with torch.autocast(device_type=input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype), output_size)


@final
class ColourShift(nn.Module):
    """From pictures in [0, 1] to the values a network works on, and back.

    Args:
        centred: Subtract the mean colour of DIV2K, a constant here.
        values: What white is inside: 1 or 255.
    """

    mean: torch.Tensor

    def __init__(self, *, centred: bool, values: int) -> None:
        super().__init__()
        mean = mean_colour(0.4488, 0.4371, 0.4040) if centred else torch.zeros(1, 1, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.values = values

    def enter(self, picture: torch.Tensor) -> torch.Tensor:
        """Return what the first layer sees."""
        return (picture - self.mean) * self.values

    def leave(self, made: torch.Tensor, skip: torch.Tensor | None = None) -> torch.Tensor:
        """Return the picture that the last layer's output stands for.

        With the enlarged input as `skip`, that output is a difference from it.
        """
        return made / self.values + (self.mean if skip is None else skip)


def sub_pixel(channels: int, factors: Sequence[int]) -> nn.Sequential:
    """Return EDSR's enlargement: per factor a 3x3 convolution and a pixel shuffle, no activation.

    Its convolutions are called 0, 2, 4, as in the checkpoints of EDSR, RCAN, RDN and MSRN.
    """
    stages: list[nn.Module] = []
    for factor in factors:
        stages += [Conv(channels, channels * factor**2), nn.PixelShuffle(factor)]
    return nn.Sequential(*stages)


def sub_pixel_walk(factors: Sequence[int]) -> list[Layer]:
    """Return the layers of `sub_pixel` and a 3x3 convolution behind, as `receptive_field` reads."""
    layers: list[Layer] = [("conv", 3)]
    for factor in reversed(factors):
        layers += [("up", factor), ("conv", 3)]
    return layers


def plain_chain(colours: int, channels: int, layers: int) -> nn.Sequential:
    """Return 3x3 convolutions without biases from picture to picture, ReLU between them."""
    chain: list[nn.Module] = [Conv(colours, channels, bias=False)]
    for _ in range(layers - 2):
        chain += [nn.ReLU(inplace=True), Conv(channels, channels, bias=False)]
    tail = Float32Tail(channels, colours, bias=False)
    return nn.Sequential(*chain, nn.ReLU(inplace=True), tail)
