"""SRDenseNet: dense blocks with dense skips between them.

Tong, Li, Liu, Gao, "Image Super-Resolution Using Dense Skip Connections", ICCV 2017, network
SRDenseNet_All. The authors' code is not public; sizes are those of the PyTorch network in use
(https://github.com/twtygqyy/pytorch-SRDenseNet), whose deconvolutions are 2x2. It has 2,003,456
parameters where tables print 2,015 thousand.
"""

from typing import ClassVar, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.blocks import Colour, Deconv, planes
from acutance_models.generators.layers import Channels, Conv, Count, Float32Tail
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)


@final
class DenseBlock(nn.Module):
    """Convolutions with ReLU, each of which sees the outputs of all before it in the block."""

    def __init__(self, inputs: int, growth: int, layers: int) -> None:
        super().__init__()
        widths = [inputs] + [growth * place for place in range(1, layers)]
        self.convs = nn.ModuleList(Conv(width, growth) for width in widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs of all layers, without the input."""
        made: list[torch.Tensor] = []
        for conv in self.convs:
            made.append(F.relu(conv(torch.cat(made, dim=1) if made else x), inplace=True))
        return torch.cat(made, dim=1)


@final
class SRDenseNet(Generator):
    """Dense blocks at LR size, a 1x1 bottleneck over all their outputs, deconvolutions.

    First weights: He's with zero biases.

    Args:
        scale: 2, 4 or 8 (the paper: 4).
        channels: Features after the first convolution.
        blocks: Dense blocks; each sees the first features and the outputs of all before it.
        layers: Convolutions in a block.
        growth: Maps that each of them makes.
        bottleneck: Features from the 1x1 convolution on.
        colour: `y`: luma alone, as in the paper, or `rgb`.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1
    init_rule: InitRule = "kaiming"

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 128,
        blocks: Count = 8,
        layers: Count = 8,
        growth: Channels = 16,
        bottleneck: Channels = 256,
        colour: Colour = "y",
    ) -> None:
        super().__init__()
        require_scale("srdensenet", scale, (2, 4, 8), "it doubles the size k times, never triples.")
        require_positive("srdensenet", channels=channels, blocks=blocks, layers=layers)
        require_positive("srdensenet", growth=growth, bottleneck=bottleneck)
        self.scale, self.channels = scale, planes(colour)
        made = growth * layers
        self.conv_first = Conv(self.channels, channels)
        self.blocks = nn.ModuleList(
            DenseBlock(channels + place * made, growth, layers) for place in range(blocks)
        )
        self.bottleneck = Conv(channels + blocks * made, bottleneck, 1, bias=False)
        doublings = scale.bit_length() - 1
        self.deconvs = nn.ModuleList(
            Deconv(bottleneck, bottleneck, 2, stride=2, bias=False) for _ in range(doublings)
        )
        self.conv_last = Float32Tail(bottleneck, self.channels, bias=False)
        walk: list[Layer] = [("conv", 3)]
        walk += [("up", 2)] * doublings
        self.receptive_field = receptive_field(scale, walk + [("conv", 3)] * (blocks * layers + 1))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x = F.relu(self.conv_first(lr), inplace=True)
        for block in self.blocks:
            x = torch.cat([x, block(x)], dim=1)
        x = self.bottleneck(x)
        for deconv in self.deconvs:
            x = F.relu(deconv(x), inplace=True)
        sr: torch.Tensor = self.conv_last(x)
        return sr
