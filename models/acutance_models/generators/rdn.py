"""RDN: residual dense networks.

Zhang, Tian, Kong, Zhong, Fu, "Residual Dense Network for Image Super-Resolution", CVPR 2018,
https://arxiv.org/abs/1802.08797; numbers from the authors' code
(https://github.com/yulunzhang/RDN, Torch7).

Parameters have the names of the port in EDSR-PyTorch, whose network subtracts no mean colour
(`mean: none`); the authors' own checkpoints are Torch7 files.
"""

from typing import ClassVar, Literal, final

import torch
from torch import nn

from acutance_models.generators.blocks import ColourShift, sub_pixel, sub_pixel_walk
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    ImageSkip,
    enlarged,
    upsampling_factors,
)
from acutance_models.interfaces import (
    Generator,
    receptive_field,
    require_positive,
    require_scale,
)


@final
class DenseLayer(nn.Module):
    """A convolution with ReLU whose output joins its input."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(Conv(inputs, growth), nn.ReLU(inplace=True))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input's maps and `growth` new ones."""
        return torch.cat([x, self.conv(x)], dim=1)


@final
class ResidualDenseBlock(nn.Module):
    """Dense layers, a 1x1 convolution that fuses all their outputs, and the block's input.

    Args:
        channels: Features in and out.
        layers: Dense layers.
        growth: Maps that each adds.
        fusion: Whether the 1x1 convolution follows. Without it the last layer is a plain 3x3
            convolution, without ReLU, that makes `channels` maps.
        residual: Whether the input is added.
    """

    def __init__(
        self, channels: int, layers: int, growth: int, *, fusion: bool, residual: bool
    ) -> None:
        super().__init__()
        dense = layers if fusion else layers - 1
        self.convs = nn.Sequential(
            *(DenseLayer(channels + place * growth, growth) for place in range(dense))
        )
        self.LFF = Conv(channels + dense * growth, channels, 1 if fusion else 3)
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        fused: torch.Tensor = self.LFF(self.convs(x))
        return x + fused if self.residual else fused


@final
class RDN(Generator):
    """Residual dense blocks at LR size, global fusion of all of them, sub-pixel enlargement.

    First weights: Torch7's default, which is PyTorch's.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 2, 3, 4).
        channels: Features between the blocks, G0 in the paper.
        blocks: Residual dense blocks, D.
        layers: Convolutions in each, C.
        growth: Maps that each of them adds, G.
        local_fusion: A 1x1 convolution at the end of a block; without it a block's last 3x3
            convolution makes the block's output.
        local_residual: Add a block's input to its output.
        global_fusion: Concatenate the outputs of all blocks and fuse them by a 1x1 convolution;
            without it the last block's output goes on alone. The 3x3 convolution and the skip from
            the first features stay.
        mean: Mean colour that is subtracted first: DIV2K's, or `none` (EDSR-PyTorch's port).
        values: What white is inside the network: 255 as the authors', or 1.
        image_skip: Add the enlarged input to the output. The paper does not; in short trainings
            it saves the steps in which a network learns to copy.

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
        layers: Count = 8,
        growth: Channels = 64,
        local_fusion: bool = True,
        local_residual: bool = True,
        global_fusion: bool = True,
        mean: Literal["div2k", "none"] = "div2k",
        values: Literal[1, 255] = 255,
        image_skip: ImageSkip = "none",
    ) -> None:
        super().__init__()
        require_scale("rdn", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("rdn", channels=channels, blocks=blocks, layers=layers, growth=growth)
        self.scale, self.global_fusion = scale, global_fusion
        self.image_skip = image_skip
        self.shift = ColourShift(centred=mean == "div2k", values=values)
        self.SFENet1, self.SFENet2 = Conv(3, channels), Conv(channels, channels)
        self.RDBs = nn.ModuleList(
            ResidualDenseBlock(
                channels, layers, growth, fusion=local_fusion, residual=local_residual
            )
            for _ in range(blocks)
        )
        fuse = Conv(blocks * channels, channels, 1) if global_fusion else nn.Identity()
        self.GFF = nn.Sequential(fuse, Conv(channels, channels))
        factors = upsampling_factors(scale)
        self.UPNet = sub_pixel(channels, factors).append(Float32Tail(channels, 3))
        trunk = blocks * layers + 3
        walk = sub_pixel_walk(factors) + [("conv", 3)] * trunk
        self.receptive_field = receptive_field(scale, walk)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        first: torch.Tensor = self.SFENet1(self.shift.enter(lr))
        x = self.SFENet2(first)
        made = []
        for block in self.RDBs:
            x = block(x)
            made.append(x)
        deep = self.GFF(torch.cat(made, dim=1) if self.global_fusion else x)
        skip = enlarged(lr, self.scale, self.image_skip)
        return self.shift.leave(self.UPNet(first + deep), skip)


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in EDSR-PyTorch's checkpoints of RDN: the same."""
    return name
