"""Layers that several discriminators are made of."""

from typing import Literal, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import DiscriminatorError
from acutance_models.generators.layers import Conv

Head = Literal["linear", "pooled", "convolution"]
Norm = Literal["none", "batch"]


@final
class Linear(nn.Linear):
    """A linear layer whose weights start at zero, so that no global random state is read."""

    def reset_parameters(self) -> None:
        """Fill with zeros; called by the constructor of `torch.nn.Linear`."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


@final
class SameConv(Conv):
    """A 3x3 convolution padded as TensorFlow's SAME: with stride 2 and an even side, after only."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, 3, stride=stride, padding=0, bias=bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return a map with ceil(side / stride) places along each side."""
        around: list[int] = []
        for side in (input.shape[3], input.shape[2]):
            needed = max(0, (-(-side // self.stride[0]) - 1) * self.stride[0] + 3 - side)
            around += [needed // 2, needed - needed // 2]
        return super().forward(F.pad(input, around))


def step(convolution: Conv, norm: Norm, slope: float) -> list[nn.Module]:
    """Return a convolution, its normalisation where asked for, and a LeakyReLU."""
    middle = [nn.BatchNorm2d(convolution.out_channels)] if norm == "batch" else []
    return [convolution, *middle, nn.LeakyReLU(slope, inplace=True)]


def head(
    kind: Head, channels: int, side: int, hidden: int, slope: float, outputs: int = 1
) -> nn.Sequential:
    """Return what turns a feature map into logits.

    Args:
        kind: `linear` sees every place with its own weights and fits one size; `pooled` takes the
            mean over all places first; `convolution` judges every place on its own.
        channels: Of the feature map.
        side: Of the feature map; used by `linear` alone.
        hidden: Units, or channels, of the layer before the last.
        slope: Of the LeakyReLU between the two.
        outputs: Logits.
    """
    activation = nn.LeakyReLU(slope, inplace=True)
    if kind == "convolution":
        return nn.Sequential(Conv(channels, hidden), activation, Conv(hidden, outputs))
    if kind == "pooled":
        first = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), Linear(channels, hidden)]
    else:
        first = [nn.Flatten(), Linear(channels * side**2, hidden)]
    return nn.Sequential(*first, activation, Linear(hidden, outputs))


def require_side(kind: str, side: int, smallest: int) -> None:
    """Refuse squares of which nothing would be left.

    Raises:
        DiscriminatorError: With the smallest side.
    """
    if side < smallest:
        raise DiscriminatorError(
            f"The discriminator {kind} needs squares of at least {smallest} pixels, got {side=}. "
            "Use larger training patches."
        )


def vgg_features(
    inputs: int, widths: list[int], *, norm: Norm, bias: bool, slope: float
) -> nn.Sequential:
    """Return stages of a 3x3 convolution and a 4x4 one with stride 2; the first has no norm.

    Args:
        inputs: Channels of the picture.
        widths: Channels of each stage; each halves the side.
        norm: After every convolution but the first.
        bias: Of the normalised convolutions; others always have one.
        slope: Of the LeakyReLU after each.
    """
    own = bias or norm == "none"
    layers: list[nn.Module] = []
    for number, width in enumerate(widths):
        first = number == 0
        conv = Conv(inputs, width, bias=own or first)
        layers += step(conv, "none" if first else norm, slope)
        halving = Conv(width, width, 4, stride=2, padding=1, bias=own)
        layers += step(halving, norm, slope)
        inputs = width
    return nn.Sequential(*layers)
