"""DBPN: deep back-projection networks.

Haris, Shakhnarovich, Ukita, "Deep Back-Projection Networks for Super-Resolution", CVPR 2018,
https://arxiv.org/abs/1803.02735; numbers from the authors' code
(https://github.com/alterzero/DBPN-Pytorch: dbpn.py, dbpn_v1.py, dbpns.py). Differs from it: x3 is
built too, by the same rule for the kernel (side scale + 4, padding 2).

Parameters have the names of the authors' checkpoints, which may start with `module.`.
"""

from collections import OrderedDict
from typing import ClassVar, Literal, final

import torch
from torch import nn

from acutance_models.generators.blocks import Colour, Deconv, planes
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    Gain,
    ImageSkip,
    enlarged,
)
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)

_PADDING = 2


@final
class Projection(nn.Module):
    """There, back, and there again with what was lost: from one size to the other.

    Up: h = up(x), result h + up'(down(h) - x). Down: the mirror image. Each convolution has its own
    PReLU with one slope.

    Args:
        channels: Features of the result and of each map that is given.
        scale: Between the two sizes.
        maps: Maps that are concatenated; more than one is reduced by a 1x1 convolution first.
        up: Whether the result is larger, or smaller.
        feedback: Whether the error is fed back; without it, there alone.
    """

    def __init__(self, channels: int, scale: int, maps: int, *, up: bool, feedback: bool) -> None:
        super().__init__()
        self.conv = _activated(conv=Conv(maps * channels, channels, 1)) if maps > 1 else None
        self.word = "up_conv" if up else "down_conv"
        for step in (1, 2, 3) if feedback else (1,):
            larger = up == (step != 2)
            self.add_module(f"{self.word}{step}", _resized(channels, scale, larger=larger))
        self.feedback = feedback

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the other size."""
        if self.conv is not None:
            x = self.conv(x)
        there = self._step(1, x)
        if not self.feedback:
            return there
        return there + self._step(3, self._step(2, there) - x)

    def _step(self, number: int, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.get_submodule(f"{self.word}{number}")(x)
        return made


@final
class DBPN(Generator):
    """Alternating up- and down-projections; all large maps together make the picture.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 2, 4, 8).
        channels: Features of every projection, nR in the paper.
        first_channels: Features of the very first convolution, n0.
        blocks: Up-projections, T; down-projections are one fewer.
        dense: A projection sees the results of all earlier ones of its other size, newest first,
            not the last one alone.
        feedback: Projections feed their error back; without it each is a single (de)convolution.
        last_kernel: Side of the last convolution's kernel: 3, or 1 in the paper's small networks.
        colour: `rgb`, or `y`: luma alone, in the paper's small networks.
        image_skip: Add the enlarged input to the output. The paper does not; in short trainings
            it saves the steps in which a network learns to copy.
        init: Distribution of the first weights; the authors' is `kaiming`.
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
        first_channels: Channels = 256,
        blocks: Count = 7,
        dense: bool = True,
        feedback: bool = True,
        last_kernel: Literal[1, 3] = 3,
        colour: Colour = "rgb",
        image_skip: ImageSkip = "none",
        init: InitRule = "kaiming",
        init_gain: Gain = 1.0,
    ) -> None:
        super().__init__()
        require_scale("dbpn", scale, (2, 3, 4, 8), "its kernels are made for these.")
        require_positive("dbpn", channels=channels, first_channels=first_channels, blocks=blocks)
        self.scale, self.channels = scale, planes(colour)
        self.blocks, self.dense, self.image_skip = blocks, dense, image_skip
        self.init_rule, self.init_gain = init, init_gain
        self.feat0 = _activated(conv=Conv(self.channels, first_channels))
        self.feat1 = _activated(conv=Conv(first_channels, channels, 1))
        for turn in range(1, blocks + 1):
            if turn > 1:
                maps = turn - 1 if dense else 1
                down = Projection(channels, scale, maps, up=False, feedback=feedback)
                self.add_module(f"down{turn - 1}", down)
            maps = max(turn - 1, 1) if dense else 1
            up = Projection(channels, scale, maps, up=True, feedback=feedback)
            self.add_module(f"up{turn}", up)
        last = Float32Tail(blocks * channels, self.channels, last_kernel)
        self.output_conv = nn.Sequential(OrderedDict(conv=last))
        self.receptive_field = self._receptive_field(feedback, last_kernel)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        x = self.feat1(self.feat0(lr))
        large: list[torch.Tensor] = []
        small: list[torch.Tensor] = []
        for turn in range(1, self.blocks + 1):
            if turn > 1:
                x = self.get_submodule(f"down{turn - 1}")(self._given(large))
                small.insert(0, x)
                x = self._given(small)
            large.insert(0, self.get_submodule(f"up{turn}")(x))
        sr: torch.Tensor = self.output_conv(torch.cat(large, dim=1))
        skip = enlarged(lr, self.scale, self.image_skip)
        return sr if skip is None else sr + skip

    def _given(self, maps: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(maps, dim=1) if self.dense else maps[0]

    def _receptive_field(self, feedback: bool, last_kernel: int) -> int:
        kernel = self.scale + 2 * _PADDING
        up: Layer = ("deconv", kernel, self.scale, _PADDING)
        down: Layer = ("strided", kernel, self.scale, _PADDING)
        ups = [up, down, up] if feedback else [up]
        downs = [down, up, down] if feedback else [down]
        layers: list[Layer] = [("conv", last_kernel), *ups]
        for _ in range(self.blocks - 1):
            layers += [*downs, *ups]
        return receptive_field(self.scale, [*layers, ("conv", 3)])


def _activated(**layer: nn.Module) -> nn.Sequential:
    """Return a layer under its keyword's name, and its PReLU."""
    return nn.Sequential(OrderedDict(layer, act=nn.PReLU()))


def _resized(channels: int, scale: int, *, larger: bool) -> nn.Sequential:
    kernel = scale + 2 * _PADDING
    if larger:
        made = Deconv(channels, channels, kernel, stride=scale, padding=_PADDING)
        return _activated(deconv=made)
    return _activated(conv=Conv(channels, channels, kernel, stride=scale, padding=_PADDING))


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' checkpoints: the same."""
    return name
