"""SRResNet without batch normalisation, and its relative MSRResNet.

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
Network", CVPR 2017, https://arxiv.org/abs/1609.04802. Differs from the paper: no batch
normalisation, ReLU instead of PReLU, 3x3 first and last convolutions, one more convolution at the
output's size.

With `trunk_skip: false, first_activation: true, activation: leaky_relu, image_skip: bilinear,
init: kaiming, init_gain: 0.1` it is MSRResNet as in BasicSR
(https://github.com/XPixelGroup/BasicSR), with the same key names, so that its checkpoints load.
"""

from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    ResidualBlock,
    upsampling_factors,
)
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)

_LEAK = 0.1  # slope of LeakyReLU below zero in BasicSR's MSRResNet


@final
class SRResNet(Generator):
    """A chain of residual blocks at LR size, sub-pixel enlargement, two convolutions at HR size.

    Args:
        scale: 2, 3, 4 or 8.
        channels: Features everywhere inside.
        blocks: Residual blocks (conv, ReLU, conv, + input).
        trunk_skip: A convolution after the blocks, whose output is added to the first features.
        first_activation: An activation after the first convolution.
        activation: What follows the first, the enlarging and the second-last convolution;
            `leaky_relu` has slope 0.1. Inside the blocks it is always ReLU.
        image_skip: Add the enlarged input to the output, so that only the difference is learnt.
        init: Distribution of the first weights: `pytorch` (the paper states none) or `kaiming`
            with zero biases (BasicSR).
        init_gain: Factor on the first weights.

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
        trunk_skip: bool = True,
        first_activation: bool = False,
        activation: Literal["relu", "leaky_relu"] = "relu",
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
        init: InitRule = "pytorch",
        init_gain: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__()
        require_scale("srresnet", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("srresnet", channels=channels, blocks=blocks)
        self.scale = scale
        self.factors = upsampling_factors(scale)
        self.first_activation, self.image_skip = first_activation, image_skip
        self.init_rule, self.init_gain = init, init_gain
        self.slope = _LEAK if activation == "leaky_relu" else 0.0
        self.conv_first = Conv(3, channels)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.conv_trunk = Conv(channels, channels) if trunk_skip else None
        for number, factor in enumerate(self.factors, start=1):
            self.add_module(f"upconv{number}", Conv(channels, channels * factor**2))
        self.conv_hr = Conv(channels, channels)
        self.conv_last = Float32Tail(channels, 3)
        self.receptive_field = self._receptive_field(blocks)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x: torch.Tensor = self.conv_first(lr)
        if self.first_activation:
            x = self._activate(x)
        trunk = self.body(x)
        if self.conv_trunk is not None:
            trunk = x + self.conv_trunk(trunk)
        for number, factor in enumerate(self.factors, start=1):
            wide = self.get_submodule(f"upconv{number}")(trunk)
            trunk = self._activate(F.pixel_shuffle(wide, factor))
        sr: torch.Tensor = self.conv_last(self._activate(self.conv_hr(trunk)))
        if self.image_skip == "none":
            return sr
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(x, self.slope, inplace=True) if self.slope else F.relu(x, inplace=True)

    def _receptive_field(self, blocks: int) -> int:
        layers: list[Layer] = [("conv", 3), ("conv", 3)]
        for factor in reversed(self.factors):
            layers += [("up", factor), ("conv", 3)]
        trunk = 2 * blocks + (self.conv_trunk is not None)
        # The image skip reaches two LR pixels at most, always less than this chain.
        return receptive_field(self.scale, layers + [("conv", 3)] * (trunk + 1))
