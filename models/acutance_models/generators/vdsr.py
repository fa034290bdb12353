"""VDSR: a plain deep network on the enlarged picture.

Kim, Lee, Lee, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks", CVPR 2016,
https://arxiv.org/abs/1511.04587. Without biases, as in the PyTorch network that is in common use
(https://github.com/twtygqyy/pytorch-vdsr); papers print its 665 thousand parameters.
"""

from typing import ClassVar, final

import torch

from acutance_models.errors import GeneratorError
from acutance_models.generators.blocks import Colour, plain_chain, planes
from acutance_models.generators.layers import Channels, Count
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)
from acutance_models.resize import bicubic_enlarge


@final
class VDSR(Generator):
    """Plain 3x3 convolutions on the bicubically enlarged picture, plus that picture.

    First weights: He's, as in the paper.

    Args:
        scale: 2 to 8 (the paper: 2, 3, 4, one network for all); the network itself knows no scale.
        channels: Features everywhere inside.
        layers: Convolutions, first and last included; ReLU after all but the last.
        colour: `y`: luma alone, as in the paper, or `rgb`.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1
    init_rule: InitRule = "kaiming"

    def __init__(
        self, *, scale: int, channels: Channels = 64, layers: Count = 20, colour: Colour = "y"
    ) -> None:
        super().__init__()
        require_scale("vdsr", scale, range(2, 9), "it is enlarged by a whole number up to 8.")
        require_positive("vdsr", channels=channels, layers=layers)
        if layers < 2:
            raise GeneratorError(f"vdsr needs a first and a last convolution, got {layers=}.")
        self.scale, self.channels = scale, planes(colour)
        self.body = plain_chain(self.channels, channels, layers)
        walk: list[Layer] = [("conv", 3)] * layers
        self.receptive_field = receptive_field(scale, [*walk, ("bicubic", scale)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        enlarged = bicubic_enlarge(lr, self.scale)
        refined: torch.Tensor = self.body(enlarged) + enlarged
        return refined
