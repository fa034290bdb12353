"""IDN: information distillation networks.

Hui, Wang, Gao, "Fast and Accurate Single Image Super-Resolution via Information Distillation
Network", CVPR 2018, https://arxiv.org/abs/1803.09454; numbers from the authors' Caffe files
(https://github.com/Zheng222/IDN-Caffe). The authors' TensorFlow network is another one.

The deconvolution makes (n - 1) * scale + 1 rows of n; they are the rows scale - 1 to scale * n - 1
of the HR picture. Here they are added to all scale * n rows of the enlarged picture, of which the
first scale - 1 stay as they are; inside the usual border nothing differs.
"""

import re
from typing import Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import GeneratorError
from acutance_models.generators.blocks import Colour, Float32Deconv, planes
from acutance_models.generators.layers import Channels, Conv, Count, Gain
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)
from acutance_models.resize import bicubic_enlarge

_LEAK = 0.05


@final
class DistillationBlock(nn.Module):
    """Enhancement unit and compression unit.

    Three convolutions; their first `kept` maps are set aside beside the input, the others go
    through three more; both are added and a 1x1 convolution compresses the sum.

    Args:
        inputs: Features of the input.
        channels: Features inside, and of the result where it is compressed.
        step: How much slimmer the middle convolutions are, each than the one before.
        kept: Maps that are set aside.
        groups: Of the second and the fifth convolution.
        compress: Whether the 1x1 convolution follows; without it the result has inputs + kept maps.
    """

    def __init__(
        self, inputs: int, channels: int, step: int, kept: int, groups: int, *, compress: bool
    ) -> None:
        super().__init__()
        self.kept = kept
        slim, slimmest, wide = channels - step, channels - 2 * step, inputs + kept
        self.convs = nn.ModuleList(
            (
                Conv(inputs, slim),
                Conv(slim, slimmest, groups=groups),
                Conv(slimmest, channels),
                Conv(channels - kept, channels),
                Conv(channels, slim, groups=groups),
                Conv(slim, wide),
            )
        )
        self.down = Conv(wide, channels, 1) if compress else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's features."""
        y = x
        for conv in self.convs[:3]:
            y = _leaky(conv(y))
        kept, y = y[:, : self.kept], y[:, self.kept :]
        for conv in self.convs[3:]:
            y = _leaky(conv(y))
        y = torch.cat([x, kept], dim=1) + y
        return y if self.down is None else _leaky(self.down(y))


@final
class IDN(Generator):
    """Distillation blocks at LR size and one deconvolution, added to the bicubic enlargement.

    Args:
        scale: 2 to 8 (the paper: 2, 3, 4).
        channels: Features between the blocks, D3 in the paper.
        blocks: Distillation blocks.
        step: How much slimmer the convolutions in a block become, d.
        distill: Share of the maps that are set aside in each block, 1/s; 0 = none: all go through.
        groups: Of the second and fifth convolution in a block.
        compress: A 1x1 convolution brings a block's result back to `channels`; without it the
            features grow from block to block by what is set aside.
        kernel: Side of the deconvolution's kernel, odd.
        colour: `y`: luma alone, as in the paper, or `rgb`.
        init: Distribution of the first weights; the authors' is `kaiming_average`, Caffe's `msra`
            over the mean of fan-in and fan-out.
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
        blocks: Count = 4,
        step: Annotated[int, Field(ge=0, le=2048)] = 16,
        distill: Annotated[float, Field(ge=0, lt=1)] = 0.25,
        groups: Count = 4,
        compress: bool = True,
        kernel: Annotated[int, Field(ge=1, le=65)] = 17,
        colour: Colour = "y",
        init: InitRule = "kaiming_average",
        init_gain: Gain = 1.0,
    ) -> None:
        super().__init__()
        require_scale("idn", scale, range(2, 9), "it is enlarged by a whole number up to 8.")
        require_positive("idn", channels=channels, blocks=blocks, groups=groups, kernel=kernel)
        kept = round(channels * distill)
        _require_widths(channels, step, kept, groups)
        if kernel % 2 == 0 or kernel < scale:
            raise GeneratorError(
                f"idn needs an odd kernel no smaller than its scale, got {kernel=} for {scale=}. "
                f"Use kernel={max(kernel, scale) // 2 * 2 + 1}."
            )
        self.init_rule, self.init_gain = init, init_gain
        self.scale, self.channels = scale, planes(colour)
        self.conv1, self.conv2 = Conv(self.channels, channels), Conv(channels, channels)
        grown = 0 if compress else kept
        self.blocks = nn.ModuleList(
            DistillationBlock(
                channels + place * grown, channels, step, kept, groups, compress=compress
            )
            for place in range(blocks)
        )
        padding = kernel // 2
        self.upsample = Float32Deconv(
            channels + blocks * grown, self.channels, kernel, stride=scale, padding=padding
        )
        last: Layer = ("deconv", kernel, scale, padding - scale + 1)
        self.receptive_field = receptive_field(scale, [last] + [("conv", 3)] * (6 * blocks + 2))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x = _leaky(self.conv2(_leaky(self.conv1(lr))))
        for block in self.blocks:
            x = block(x)
        residual = self.upsample(x)
        shift = self.scale - 1
        return bicubic_enlarge(lr, self.scale) + F.pad(residual, (shift, 0, shift, 0))


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called after the authors' Caffe layers, e.g. `conv3_1.weight`."""
    name = re.sub(
        r"^blocks\.(\d+)\.convs\.(\d+)\.",
        lambda found: f"conv{int(found[1]) + 3}_{int(found[2]) + 1}.",
        name,
    )
    return re.sub(r"^blocks\.(\d+)\.down\.", lambda found: f"down{int(found[1]) + 1}.", name)


def _leaky(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, _LEAK, inplace=True)


def _require_widths(channels: int, step: int, kept: int, groups: int) -> None:
    """Refuse numbers of maps that do not fit each other."""
    if channels - 2 * step < 1:
        raise GeneratorError(
            f"idn grows slimmer by step twice, got {channels=} and {step=}. "
            f"Use step={(channels - 1) // 2} or less."
        )
    if kept >= channels:
        raise GeneratorError(
            f"idn must let at least one of {channels=} through, but distill sets aside {kept}."
        )
    if any(width % groups for width in (channels, channels - step, channels - 2 * step)):
        raise GeneratorError(
            f"idn needs channels and step that its groups divide, got {channels=}, {step=} and "
            f"{groups=}. Use groups=1, or multiples of {groups}."
        )
