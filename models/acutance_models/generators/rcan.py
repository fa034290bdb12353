"""RCAN: residual channel attention networks.

Zhang, Li, Li, Wang, Zhong, Fu, "Image Super-Resolution Using Very Deep Residual Channel Attention
Networks", ECCV 2018, https://arxiv.org/abs/1807.02758; numbers from the authors' code
(https://github.com/yulunzhang/RCAN). Differs from it: the mean colour is a constant (the authors'
`requires_grad=False` on the module left it trainable).

Parameters have the names of the authors' checkpoints, which hold `sub_mean` and `add_mean` besides
and may start with `module.`.
"""

from typing import ClassVar, Literal, final

import torch
from torch import nn

from acutance_models.errors import GeneratorError
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
class ChannelAttention(nn.Module):
    """Multiply each feature map by a number between 0 and 1 made from the means of all maps."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        squeezed = channels // reduction
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv_du = nn.Sequential(
            Conv(channels, squeezed, 1),
            nn.ReLU(inplace=True),
            Conv(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        weighted: torch.Tensor = x * self.conv_du(self.pool(x))
        return weighted


@final
class Residual(nn.Module):
    """Members one after another and, where `skip` says so, the input added to their output."""

    def __init__(self, *members: nn.Module, skip: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(*members)
        self.skip = skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        made: torch.Tensor = self.body(x)
        return x + made if self.skip else made


@final
class RCAN(Generator):
    """Groups of residual blocks with channel attention at LR size, then sub-pixel enlargement.

    First weights: PyTorch's default, as in the authors' code.

    Args:
        scale: 2, 3, 4 or 8.
        channels: Features everywhere inside.
        groups: Residual groups.
        blocks: Residual blocks in each group.
        reduction: How many times fewer channels the attention has inside.
        attention: `channel`, or `none`: plain residual blocks.
        long_skip: Add the first features to the output of all groups.
        short_skip: Add a group's input to its output.
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
        groups: Count = 10,
        blocks: Count = 20,
        reduction: Count = 16,
        attention: Literal["channel", "none"] = "channel",
        long_skip: bool = True,
        short_skip: bool = True,
        values: Literal[1, 255] = 255,
        image_skip: ImageSkip = "none",
    ) -> None:
        super().__init__()
        require_scale("rcan", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive(
            "rcan", channels=channels, groups=groups, blocks=blocks, reduction=reduction
        )
        if attention == "channel" and channels < reduction:
            raise GeneratorError(
                f"rcan's attention needs at least one channel inside, got {channels=} and "
                f"{reduction=}. Use reduction={channels} or less, or attention: none."
            )
        self.scale, self.long_skip = scale, long_skip
        self.image_skip = image_skip
        self.shift = ColourShift(centred=True, values=values)

        groups_of_blocks = [
            Residual(
                *(_block(channels, reduction, attention) for _ in range(blocks)),
                Conv(channels, channels),
                skip=short_skip,
            )
            for _ in range(groups)
        ]
        factors = upsampling_factors(scale)
        self.head = nn.Sequential(Conv(3, channels))
        self.body = nn.Sequential(*groups_of_blocks, Conv(channels, channels))
        self.tail = nn.Sequential(sub_pixel(channels, factors), Float32Tail(channels, 3))
        # Attention looks at the whole picture.
        self.receptive_field = None
        if attention == "none":
            trunk = groups * (2 * blocks + 1) + 2
            layers = sub_pixel_walk(factors) + [("conv", 3)] * trunk
            self.receptive_field = receptive_field(scale, layers)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x = self.head(self.shift.enter(lr))
        deep = self.body(x)
        sr = self.tail(x + deep if self.long_skip else deep)
        return self.shift.leave(sr, enlarged(lr, self.scale, self.image_skip))


def _block(channels: int, reduction: int, attention: Literal["channel", "none"]) -> Residual:
    """Return a residual block, with attention or plain."""
    attend = [ChannelAttention(channels, reduction)] if attention == "channel" else []
    first, second = Conv(channels, channels), Conv(channels, channels)
    return Residual(first, nn.ReLU(inplace=True), second, *attend)


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' checkpoints: the same."""
    return name
