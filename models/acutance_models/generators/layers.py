"""Layers that several generators are made of."""

from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

Channels = Annotated[int, Field(ge=1, le=4096)]
Count = Annotated[int, Field(ge=1, le=1024)]
Gain = Annotated[float, Field(gt=0)]
"""Factor on first weights."""
ImageSkip = Literal["none", "bilinear", "bicubic"]
"""How the input is enlarged that a network adds to its output; `none` = nothing is added."""


class Conv(nn.Conv2d):
    """A convolution whose weights start at zero; it keeps the size unless told otherwise.

    `torch.nn.Conv2d` draws its first weights from the global random state when it is constructed;
    here that state is never touched, and `Generator.init_parameters` draws from keyed streams.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        sides = kernel // 2 if padding is None else padding
        super().__init__(inputs, outputs, kernel, stride, sides, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        """Fill with zeros; called by the constructor of `torch.nn.Conv2d`."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


@final
class Float32Tail(Conv):
    """The last convolution, computed in float32 also where autocast is on.

    The picture that the loss sees then has no rounding of 8-bit mantissas, while the body keeps
    the speed of bfloat16.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return the convolution of the input cast up to float32."""
        if input.device.type == "meta":  # knows no autocast, and computes nothing
            return super().forward(input)
        with torch.autocast(device_type=input.device.type, enabled=False):
            return super().forward(input.to(self.weight.dtype))


@final
class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x))), the block of SRResNet without batch normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels)
        self.conv2 = Conv(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        residual: torch.Tensor = self.conv2(F.relu(self.conv1(x), inplace=True))
        return x + residual


def normalised(convolution: Conv, norm: Literal["none", "batch"]) -> nn.Module:
    """Return a convolution, followed by batch normalisation where that is asked for.

    The convolution should have no bias then: the normalisation would take it away again.
    """
    if norm == "none":
        return convolution
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels))


def enlarged(lr: torch.Tensor, scale: int, mode: ImageSkip) -> torch.Tensor | None:
    """Return the enlarged input that a network adds to its output; None where it adds nothing."""
    if mode == "none":
        return None
    return F.interpolate(lr, scale_factor=scale, mode=mode, align_corners=False)


def upsampling_factors(scale: int) -> list[int]:
    """Return the enlargements that make up a scale: twos, or a single three."""
    return [3] if scale == 3 else [2] * (scale.bit_length() - 1)


def mean_colour(red: float, green: float, blue: float) -> torch.Tensor:
    """Return a data set's mean colour, RGB in [0, 1], as a (1, 3, 1, 1) tensor."""
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1)
