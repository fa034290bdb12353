"""SRFeat's two discriminators: one sees pictures, one sees feature maps.

Park, Son, Cho, Hong, Lee, ECCV 2018; numbers from the authors' code
(https://github.com/HyeongseokSon1/SRFeat, SRGAN_d, SRGAN_vgg_d and, with `head: convolution`,
SRGAN_vgg_d2). Differs from it: pictures come in [0, 1] and are mapped to [-1, 1] inside; the first
linear layer follows the crop.
"""

from typing import ClassVar, Literal, final

import torch
from torch import nn

from acutance_models.discriminators.interface import Discriminator, Verdict
from acutance_models.discriminators.layers import (
    Head,
    Norm,
    SameConv,
    head,
    require_side,
    step,
)
from acutance_models.generators.layers import Channels

_SLOPE = 0.2  # of LeakyReLU below zero
_HIDDEN = 1024


@final
class SRFeatImageDiscriminator(Discriminator):
    """Pairs of 3x3 convolutions, the second of each with stride 2, then two linear layers.

    Args:
        side: Pixels along the squares it sees (the paper: 296).
        inputs: Channels it sees.
        channels: Features of the first pair; each pair has twice those of the one before.
        norm: Normalisation after every convolution but the first.
        head: How the last map becomes logits, see `layers.head`. At 296 the linear one has 189
            million parameters; `pooled` and `convolution` take any size.

    Raises:
        DiscriminatorError: If the squares are too small.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        side: int,
        inputs: int = 3,
        channels: Channels = 64,
        norm: Norm = "batch",
        head: Head = "linear",
    ) -> None:
        super().__init__()
        require_side("srfeat_image", side, 1)
        self.inputs, self.side = inputs, side if head == "linear" else None
        self.features, self.head = _layers(inputs, side, channels, norm, head)

    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict, see `Discriminator.forward`."""
        self.check(seen)
        return Verdict(self.head(self.features(seen * 2 - 1)))


@final
class SRFeatFeatureDiscriminator(Discriminator):
    """The same layers, on the feature map that the perceptual loss compares.

    Args:
        side: Places along the maps it sees (the paper: 19, of a 296-pixel picture).
        inputs: Channels it sees (the paper: 512, those of conv5_4).
        channels: Features of the first pair; each pair has twice those of the one before.
        norm: Normalisation after every convolution but the first.
        head: How the last map becomes logits, see `layers.head`.

    Raises:
        DiscriminatorError: If the maps are too small.
    """

    revision: ClassVar[int] = 1
    sees: ClassVar[Literal["picture", "features"]] = "features"

    def __init__(
        self,
        *,
        side: int,
        inputs: int = 512,
        channels: Channels = 64,
        norm: Norm = "batch",
        head: Head = "linear",
    ) -> None:
        super().__init__()
        require_side("srfeat_feature", side, 1)
        self.inputs, self.side = inputs, side if head == "linear" else None
        self.features, self.head = _layers(inputs, side, channels, norm, head)

    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict, see `Discriminator.forward`."""
        self.check(seen)
        return Verdict(self.head(self.features(seen)))


def _layers(
    inputs: int, side: int, channels: int, norm: Norm, kind: Head
) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the convolutions and the head that both discriminators have."""
    layers: list[nn.Module] = []
    for number in range(4):
        width = channels * 2**number
        layers += step(
            SameConv(inputs, width, stride=1), norm if number else "none", _SLOPE
        ) + step(SameConv(width, width, stride=2), norm, _SLOPE)
        inputs, side = width, -(-side // 2)
    return nn.Sequential(*layers), head(kind, inputs, side, hidden=_HIDDEN, slope=_SLOPE)
