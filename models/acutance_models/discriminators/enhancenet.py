"""EnhanceNet's discriminator.

Sajjadi, Schölkopf, Hirsch, ICCV 2017, https://arxiv.org/abs/1612.07919, table 1 of the supplement.
The slope is that of its re-implementations; the paper states none. Differs from it: other crops
than 128 are taken, the first linear layer follows them.
"""

from typing import ClassVar, final

import torch
from torch import nn

from acutance_models.discriminators.interface import Discriminator, Verdict
from acutance_models.discriminators.layers import Head, head, require_side, step
from acutance_models.generators.layers import Channels, Conv

_SLOPE = 0.2  # of LeakyReLU below zero
_HALVINGS = 5


@final
class EnhanceNetDiscriminator(Discriminator):
    """Pairs of 3x3 convolutions without normalisation, the second of each with stride 2.

    Args:
        side: Pixels along the squares it sees (the paper: 128).
        inputs: Channels it sees.
        channels: Features of the first pair; each pair has twice those of the one before.
        head: How the last map becomes a logit, see `layers.head`.

    Raises:
        DiscriminatorError: If the squares are too small.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self, *, side: int, inputs: int = 3, channels: Channels = 32, head: Head = "linear"
    ) -> None:
        super().__init__()
        require_side("enhancenet", side, 1)
        self.inputs, self.side = inputs, side if head == "linear" else None
        layers: list[nn.Module] = []
        for number in range(_HALVINGS):
            width = channels * 2**number
            layers += step(Conv(inputs, width), "none", _SLOPE)
            layers += step(Conv(width, width, stride=2), "none", _SLOPE)
            inputs, side = width, -(-side // 2)
        self.features = nn.Sequential(*layers)
        self.head = _head(head, inputs, side)

    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict, see `Discriminator.forward`."""
        self.check(seen)
        return Verdict(self.head(self.features(seen)))


def _head(kind: Head, channels: int, side: int) -> nn.Sequential:
    return head(kind, channels, side, hidden=1024, slope=_SLOPE)
