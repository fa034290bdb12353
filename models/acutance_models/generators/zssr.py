"""ZSSR: the network of zero-shot super-resolution; how it is trained on one picture is elsewhere.

Shocher, Cohen, Irani, "Zero-Shot Super-Resolution using Deep Internal Learning", CVPR 2018,
https://arxiv.org/abs/1712.06087; numbers from the authors' code
(https://github.com/assafshocher/ZSSR, TensorFlow 1). No weights are published: they last for one
picture.
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
class ZSSR(Generator):
    """Plain 3x3 convolutions without biases on the bicubically enlarged picture, plus that picture.

    First weights: normal with variance 0.1 / fan-in, as in the authors' code.

    Args:
        scale: 2 to 8; the network itself knows no scale.
        channels: Features everywhere inside.
        layers: Convolutions, first and last included; ReLU after all but the last.
        colour: `rgb`, or `y`: luma alone.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1
    init_rule: InitRule = "kaiming"
    init_gain: float = 0.05**0.5  # variance 0.1 / fan-in instead of 2 / fan-in

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 64,
        layers: Count = 8,
        colour: Colour = "rgb",
    ) -> None:
        super().__init__()
        require_scale("zssr", scale, range(2, 9), "it is enlarged by a whole number up to 8.")
        require_positive("zssr", channels=channels, layers=layers)
        if layers < 2:
            raise GeneratorError(f"zssr needs a first and a last convolution, got {layers=}.")
        self.scale, self.channels = scale, planes(colour)
        self.body = plain_chain(self.channels, channels, layers)
        walk: list[Layer] = [("conv", 3)] * layers
        self.receptive_field = receptive_field(scale, [*walk, ("bicubic", scale)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        return self.refine(bicubic_enlarge(lr, self.scale))

    def refine(self, enlarged: torch.Tensor) -> torch.Tensor:
        """Return SR pictures of pictures that have their size already, however it was reached."""
        refined: torch.Tensor = self.body(enlarged) + enlarged
        return refined
