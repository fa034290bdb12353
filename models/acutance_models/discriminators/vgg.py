"""The VGG-style discriminators of ESRGAN.

Wang et al., "ESRGAN", ECCV Workshops 2018, https://arxiv.org/abs/1809.00219; numbers from BasicSR
(https://github.com/XPixelGroup/BasicSR, VGGStyleDiscriminator). Differs from it: the number of
halvings follows the squares (5 at 128, 6 at 256, as there), so that 4 to 7 places remain.
"""

from typing import Annotated, ClassVar, final

import torch
from pydantic import Field

from acutance_models.discriminators.interface import Discriminator, Verdict
from acutance_models.discriminators.layers import Head, Norm, head, require_side, vgg_features
from acutance_models.generators.layers import Channels

_SLOPE = 0.2  # of LeakyReLU below zero
_LEFT = 4  # places along the side of the last map, at least
_WIDEST = 8  # times the first width


@final
class VGGDiscriminator(Discriminator):
    """Stages of a 3x3 convolution and a 4x4 one that halves, then two linear layers.

    Args:
        side: Pixels along the squares it sees (the paper: 128; BasicSR also: 256).
        inputs: Channels it sees.
        channels: Features of the first stage; doubled by each stage up to eight times as many.
        stages: Halvings; None = as many as leave at least 4 places along the side.
        norm: Normalisation after every convolution but the first.
        bias: Give the normalised convolutions a bias too, as the program of 2018 does.
        head: How the last map becomes a logit, see `layers.head`.

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
        stages: Annotated[int, Field(ge=1, le=12)] | None = None,
        norm: Norm = "batch",
        bias: bool = False,
        head: Head = "linear",
    ) -> None:
        super().__init__()
        count = max(1, (side // _LEFT).bit_length() - 1) if stages is None else stages
        require_side("vgg", side, 2**count)
        self.inputs, self.side = inputs, side if head == "linear" else None
        widths = [channels * min(2**number, _WIDEST) for number in range(count)]
        self.features = vgg_features(inputs, widths, norm=norm, bias=bias, slope=_SLOPE)
        self.head = _head(head, widths[-1], side // 2**count)

    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict, see `Discriminator.forward`."""
        self.check(seen)
        return Verdict(self.head(self.features(seen)))


def _head(kind: Head, channels: int, side: int) -> torch.nn.Sequential:
    return head(kind, channels, side, hidden=100, slope=_SLOPE)
