"""SRFeat's generator.

Park, Son, Cho, Hong, Lee, "SRFeat: Single Image Super-Resolution with Feature Discrimination", ECCV
2018; numbers from the authors' code (https://github.com/HyeongseokSon1/SRFeat). Differs from it:
the 1x1 convolution of the last block, which the authors build and never use, is left out; pictures
come and go in [0, 1] and are mapped to the authors' [-1, 1] inside.
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
    normalised,
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

_SLOPE = 0.2  # of LeakyReLU below zero


@final
class Block(nn.Module):
    """x + norm(conv(LeakyReLU(norm(conv(x)))))."""

    def __init__(self, channels: int, norm: Literal["none", "batch"]) -> None:
        super().__init__()
        self.conv1 = normalised(Conv(channels, channels, bias=norm == "none"), norm)
        self.conv2 = normalised(Conv(channels, channels, bias=norm == "none"), norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        residual: torch.Tensor = self.conv2(F.leaky_relu(self.conv1(x), _SLOPE, inplace=True))
        return x + residual


@final
class SRFeat(Generator):
    """Residual blocks whose outputs all reach the end through 1x1 convolutions.

    With `norm: batch` a network in training mode normalises by the batch; in evaluation mode by
    the running statistics, which travel with the weights.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 4).
        channels: Features everywhere inside (the paper: 128; its smaller network: 64).
        blocks: Residual blocks.
        long_skips: A 1x1 convolution from the output of every block but the last one to the end.
        norm: Normalisation after the blocks' convolutions.
        image_skip: Add the enlarged input to the output (the paper: none).
        init: Distribution of the first weights; the authors' is `normal`.
        init_gain: Factor on the first weights.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 128,
        blocks: Count = 16,
        long_skips: bool = True,
        norm: Literal["none", "batch"] = "batch",
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
        init: InitRule = "normal",
        init_gain: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__()
        require_scale("srfeat", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("srfeat", channels=channels, blocks=blocks)
        self.scale, self.image_skip = scale, image_skip
        self.init_rule, self.init_gain = init, init_gain
        self.factors = upsampling_factors(scale)
        self.conv_first = Conv(3, channels, 9)
        self.body = nn.ModuleList(Block(channels, norm) for _ in range(blocks))
        branches = blocks - 1 if long_skips else 0
        self.skips = nn.ModuleList(Conv(channels, channels, 1, bias=False) for _ in range(branches))
        self.upconvs = nn.ModuleList(
            Conv(channels, channels * factor**2) for factor in self.factors
        )
        self.conv_last = Float32Tail(channels, 3)
        layers: list[Layer] = [("conv", 3)]
        for factor in reversed(self.factors):
            layers += [("up", factor), ("conv", 3)]
        layers += [("conv", 3)] * (2 * blocks)
        self.receptive_field = receptive_field(scale, [*layers, ("conv", 9)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x: torch.Tensor = self.conv_first(lr * 2 - 1)
        branches: list[torch.Tensor] = []
        for number, block in enumerate(self.body):
            x = block(x)
            if number < len(self.skips):
                branches.append(self.skips[number](x))
        for branch in branches:
            x = x + branch
        for conv, factor in zip(self.upconvs, self.factors, strict=True):
            x = F.leaky_relu(F.pixel_shuffle(conv(x), factor), _SLOPE, inplace=True)
        sr: torch.Tensor = self.conv_last(x) / 2
        if self.image_skip == "none":
            return sr + 0.5
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )
