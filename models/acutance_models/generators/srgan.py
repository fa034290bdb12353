"""SRGAN's generator: SRResNet as published, with batch normalisation and PReLU.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, https://arxiv.org/abs/1609.04802, figure 4. Not stated there, and taken from
its common PyTorch programs: one slope per PReLU, no bias before a normalisation, no final tanh.
Pictures come and go in [0, 1]; the paper's output is in [-1, 1].
"""

from typing import ClassVar, Literal, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    normalised,
    upsampling_factors,
)
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)


@final
class Block(nn.Module):
    """x + norm(conv(PReLU(norm(conv(x)))))."""

    def __init__(self, channels: int, norm: Literal["none", "batch"]) -> None:
        super().__init__()
        self.conv1 = normalised(Conv(channels, channels, bias=norm == "none"), norm)
        self.activation = nn.PReLU()
        self.conv2 = normalised(Conv(channels, channels, bias=norm == "none"), norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        residual: torch.Tensor = self.conv2(self.activation(self.conv1(x)))
        return x + residual


@final
class SRGAN(Generator):
    """Normalised residual blocks at LR size, sub-pixel enlargement, large first and last kernels.

    With `norm: batch` a network in training mode normalises by the batch; in evaluation mode by
    the running statistics, which travel with the weights.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 4).
        channels: Features everywhere inside.
        blocks: Residual blocks.
        norm: Normalisation in the blocks and after them.
        image_skip: Add the enlarged input to the output (the paper: none).

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
        norm: Literal["none", "batch"] = "batch",
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
    ) -> None:
        super().__init__()
        require_scale("srgan", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("srgan", channels=channels, blocks=blocks)
        self.scale, self.image_skip = scale, image_skip
        self.factors = upsampling_factors(scale)
        self.conv_first, self.activation = Conv(3, channels, 9), nn.PReLU()
        self.body = nn.Sequential(*(Block(channels, norm) for _ in range(blocks)))
        self.conv_trunk = normalised(Conv(channels, channels, bias=norm == "none"), norm)
        self.upconvs = nn.ModuleList(
            Conv(channels, channels * factor**2) for factor in self.factors
        )
        self.activations = nn.ModuleList(nn.PReLU() for _ in self.factors)
        self.conv_last = Float32Tail(channels, 3, 9)
        layers: list[Layer] = [("conv", 9)]
        for factor in reversed(self.factors):
            layers += [("up", factor), ("conv", 3)]
        layers += [("conv", 3)] * (2 * blocks + 1)
        self.receptive_field = receptive_field(scale, [*layers, ("conv", 9)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        first = self.activation(self.conv_first(lr))
        x = first + self.conv_trunk(self.body(first))
        enlarge = zip(self.upconvs, self.activations, self.factors, strict=True)
        for conv, activation, factor in enlarge:
            x = activation(F.pixel_shuffle(conv(x), factor))
        sr: torch.Tensor = self.conv_last(x)
        if self.image_skip == "none":
            return sr
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )
