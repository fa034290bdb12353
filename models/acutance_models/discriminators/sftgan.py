"""SFTGAN's discriminator, which also names the class of what it sees.

Wang, Yu, Dong, Loy, CVPR 2018, https://arxiv.org/abs/1804.02815; numbers from the authors' code
(https://github.com/xinntao/SFTGAN, ACD_VGG_BN_96). Differs from it: other crops than 96 are taken,
the first linear layers follow them.
"""

from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field

from acutance_models.discriminators.interface import Discriminator, Verdict
from acutance_models.discriminators.layers import Norm, head, require_side, vgg_features
from acutance_models.generators.layers import Channels

_SLOPE = 0.1  # of LeakyReLU below zero
_STAGES = 4
_HIDDEN = 100


@final
class SFTGANDiscriminator(Discriminator):
    """Stages of a 3x3 convolution and a 4x4 one that halves, then two heads.

    Args:
        side: Pixels along the squares it sees (the paper: 96).
        inputs: Channels it sees.
        channels: Features of the first stage; doubled by each of the four stages.
        classes: Classes of the auxiliary classifier, the first of them background, which its loss
            leaves out.
        norm: Normalisation after every convolution but the first.
        head: How the last map becomes logits, see `layers.head`.

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
        classes: Annotated[int, Field(ge=1, le=1024)] = 8,
        norm: Norm = "batch",
        head: Literal["linear", "pooled"] = "linear",
    ) -> None:
        super().__init__()
        require_side("sftgan", side, 2**_STAGES)
        self.inputs, self.side = inputs, side if head == "linear" else None
        self.classes = classes
        widths = [channels * 2**number for number in range(_STAGES)]
        self.features = vgg_features(inputs, widths, norm=norm, bias=True, slope=_SLOPE)
        left = side // 2**_STAGES
        self.head = _head(head, widths[-1], left, 1)
        self.classifier = _head(head, widths[-1], left, classes)

    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict, see `Discriminator.forward`."""
        self.check(seen)
        features = self.features(seen)
        return Verdict(self.head(features), self.classifier(features))


def _head(
    kind: Literal["linear", "pooled"], channels: int, side: int, outputs: int
) -> torch.nn.Sequential:
    return head(kind, channels, side, hidden=_HIDDEN, slope=_SLOPE, outputs=outputs)
