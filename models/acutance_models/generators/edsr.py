"""EDSR: a residual network without batch normalisation.

Lim, Son, Kim, Nah, Lee, "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPRW
2017, https://arxiv.org/abs/1707.02921; numbers from the authors' code
(https://github.com/sanghyun-son/EDSR-PyTorch). The defaults are its baseline; the large network's
scaling of residuals is left out.
"""

import re
from typing import ClassVar, Literal, final

import torch
from torch import nn

from acutance_models.generators.blocks import ColourShift, sub_pixel, sub_pixel_walk
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    ResidualBlock,
    upsampling_factors,
)
from acutance_models.interfaces import Generator, receptive_field, require_positive, require_scale


@final
class EDSR(Generator):
    """Residual blocks at LR size with a skip over all of them, then sub-pixel enlargement.

    First weights: PyTorch's default, as in the authors' code.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 2, 3, 4).
        channels: Features everywhere inside (the large network: 256).
        blocks: Residual blocks, conv-ReLU-conv (the large network: 32).
        values: What white is inside the network: 255 as the authors', or 1.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 64,
        blocks: Count = 16,
        values: Literal[1, 255] = 255,
    ) -> None:
        super().__init__()
        require_scale("edsr", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("edsr", channels=channels, blocks=blocks)
        self.scale, factors = scale, upsampling_factors(scale)
        self.shift = ColourShift(centred=True, values=values)
        self.head = nn.Sequential(Conv(3, channels))
        body = [ResidualBlock(channels) for _ in range(blocks)]
        self.body = nn.Sequential(*body, Conv(channels, channels))
        self.tail = nn.Sequential(sub_pixel(channels, factors), Float32Tail(channels, 3))
        walk = sub_pixel_walk(factors) + [("conv", 3)] * (2 * blocks + 2)
        self.receptive_field = receptive_field(scale, walk)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x: torch.Tensor = self.head(self.shift.enter(lr))
        return self.shift.leave(self.tail(x + self.body(x)))


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' checkpoints."""
    return re.sub(r"\.conv([12])\.", lambda at: f".body.{2 * int(at[1]) - 2}.", name)
