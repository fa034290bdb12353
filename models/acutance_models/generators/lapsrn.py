"""LapSRN: a Laplacian pyramid of doublings.

Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution",
CVPR 2017, https://arxiv.org/abs/1704.03915; numbers from the authors' code
(https://github.com/phoenix104104/LapSRN, init_LapSRN_model.m). The 812 or 813 thousand parameters
that papers print for x4 are its weights without biases.

Differs from it: only the last picture is compared with HR in training, not that of every doubling.
"""

import math
from typing import ClassVar, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.blocks import Colour, Deconv, Float32Deconv, planes
from acutance_models.generators.layers import Channels, Conv, Count, Float32Tail
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)

_LEAK = 0.2
_FIRST_DEVIATION = 0.001  # of the first convolution's first weights


@final
class Doubling(nn.Module):
    """One level: convolutions and a deconvolution of the features, and the picture's difference."""

    def __init__(self, channels: int, depth: int, colours: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Conv(channels, channels) for _ in range(depth))
        self.upconv = Deconv(channels, channels, 3, stride=2)
        self.residual = Float32Tail(channels, colours)
        self.image_up = Float32Deconv(colours, colours, 4, stride=2, padding=1, bias=False)

    def forward(self, x: torch.Tensor, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and picture of twice the size."""
        for conv in self.convs:
            x = _leaky(conv(x))
        # 2n + 1 rows and columns; the authors crop the last of each.
        x = _leaky(self.upconv(x)[..., :-1, :-1])
        return x, self.image_up(picture) + self.residual(x)


@final
class LapSRN(Generator):
    """Features and picture are doubled in step; each doubling adds a difference to the picture.

    First weights: He's with zero biases, deviation 0.001 in the first convolution, bilinear
    kernels in the picture's deconvolutions, as in the authors' code.

    Args:
        scale: 2, 4 or 8.
        channels: Features everywhere inside.
        depth: Convolutions per doubling.
        colour: `y`: luma alone, as in the paper, or `rgb`.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1
    init_rule: InitRule = "kaiming"

    def __init__(
        self, *, scale: int, channels: Channels = 64, depth: Count = 10, colour: Colour = "y"
    ) -> None:
        super().__init__()
        require_scale("lapsrn", scale, (2, 4, 8), "it doubles the size k times, never triples.")
        require_positive("lapsrn", channels=channels, depth=depth)
        self.scale, self.channels = scale, planes(colour)
        self.conv_input = Conv(self.channels, channels)
        self.levels = nn.ModuleList(
            Doubling(channels, depth, self.channels) for _ in range(scale.bit_length() - 1)
        )
        walk: list[Layer] = [("conv", 3)]
        for _ in self.levels:
            walk += [("deconv", 3, 2, 0)]
            walk += [("conv", 3)] * depth
        walk += [("conv", 3)]
        self.receptive_field = receptive_field(scale, walk)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x, picture = _leaky(self.conv_input(lr)), lr
        for level in self.levels:
            x, picture = level(x, picture)
        return picture

    @torch.no_grad()
    def init_parameters(self, seed: int, name: str = "init/generator") -> None:
        """Draw the first weights, see the class."""
        super().init_parameters(seed, name)
        drawn = math.sqrt(2 / self.conv_input.weight[0].numel())
        self.conv_input.weight.mul_(_FIRST_DEVIATION / drawn)
        triangle = torch.tensor([0.25, 0.75, 0.75, 0.25])
        bilinear = torch.outer(triangle, triangle) * torch.eye(self.channels)[..., None, None]
        for module in self.modules():
            if isinstance(module, Doubling):
                module.image_up.weight.copy_(bilinear)


def _leaky(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, _LEAK, inplace=True)
