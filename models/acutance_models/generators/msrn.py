"""MSRN: multi-scale residual networks.

Li, Fang, Mei, Zhang, "Multi-scale Residual Network for Image Super-Resolution", ECCV 2018; numbers
from the authors' code (https://github.com/MIVRC/MSRN-PyTorch): the present RGB network, and with
`colour: y, tail: paper, values: 1` the one of the paper.

Differs from it: the mean colour is a constant (in their training it is trainable).
"""

import re
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import GeneratorError
from acutance_models.generators.blocks import Colour, ColourShift, planes, sub_pixel, sub_pixel_walk
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    ImageSkip,
    enlarged,
    upsampling_factors,
)
from acutance_models.interfaces import (
    Generator,
    receptive_field,
    require_positive,
    require_scale,
)

Kernels = Annotated[tuple[Literal[3, 5], ...], Field(min_length=1, max_length=2)]


@final
class MultiScaleBlock(nn.Module):
    """Paths of different kernels side by side that exchange features, 1x1 fusion, plus the input.

    Args:
        channels: Features in and out.
        kernels: One path per kernel side.
        exchange: Each path's second convolution sees the features of all paths, not its own alone.
    """

    def __init__(self, channels: int, kernels: tuple[int, ...], *, exchange: bool) -> None:
        super().__init__()
        self.kernels, self.exchange = kernels, exchange
        wide = channels * (len(kernels) if exchange else 1)
        for kernel in kernels:
            self.add_module(f"conv_{kernel}_1", Conv(channels, channels, kernel))
            self.add_module(f"conv_{kernel}_2", Conv(wide, wide, kernel))
        self.confusion = Conv(wide * len(kernels), channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        first = [self._path(kernel, 1, x) for kernel in self.kernels]
        given = [torch.cat(first, dim=1)] * len(first) if self.exchange else first
        pairs = zip(self.kernels, given, strict=True)
        second = [self._path(kernel, 2, features) for kernel, features in pairs]
        fused: torch.Tensor = self.confusion(torch.cat(second, dim=1))
        return x + fused

    def _path(self, kernel: int, step: int, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.get_submodule(f"conv_{kernel}_{step}")(x), inplace=True)


@final
class MSRN(Generator):
    """Multi-scale blocks at LR size, global fusion of all their outputs, sub-pixel enlargement.

    First weights: PyTorch's default, as in the authors' code.

    Args:
        scale: 2, 3, 4 or 8.
        channels: Features between the blocks.
        blocks: Multi-scale blocks.
        kernels: Kernel sides of the paths in a block: [3], [5] or [3, 5].
        exchange: Whether paths see each other's features; means nothing with one kernel.
        global_fusion: Concatenate the first features and the outputs of all blocks and fuse them
            by a 1x1 convolution; without it the last block's output goes on alone.
        tail: `staged` enlarges by twos or a three; `paper` at once, whatever the scale, and puts
            the first features before the blocks' in the fusion, not behind.
        colour: `rgb` less DIV2K's mean colour, or `y`: luma as it is.
        values: What white is inside the network: 255, or 1 as in the paper's.
        image_skip: Add the enlarged input to the output. The paper does not; in short trainings
            it saves the steps in which a network learns to copy.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 64,
        blocks: Count = 8,
        kernels: Kernels = (3, 5),
        exchange: bool = True,
        global_fusion: bool = True,
        tail: Literal["staged", "paper"] = "staged",
        colour: Colour = "rgb",
        values: Literal[1, 255] = 255,
        image_skip: ImageSkip = "none",
    ) -> None:
        super().__init__()
        require_scale("msrn", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("msrn", channels=channels, blocks=blocks)
        if list(kernels) != sorted(set(kernels)) or not set(kernels) <= {3, 5} or not kernels:
            raise GeneratorError(
                f"msrn takes the kernels [3], [5] or [3, 5], got kernels={list(kernels)}."
            )
        self.scale, self.channels = scale, planes(colour)
        self.global_fusion, self.first_in_front = global_fusion, tail == "paper"
        self.image_skip = image_skip
        self.shift = ColourShift(centred=colour == "rgb", values=values)
        self.head = nn.Sequential(Conv(self.channels, channels))
        self.body = nn.ModuleList(
            MultiScaleBlock(channels, kernels, exchange=exchange) for _ in range(blocks)
        )
        factors = upsampling_factors(scale) if tail == "staged" else [scale]
        fuse = Conv((blocks + 1) * channels, channels, 1) if global_fusion else nn.Identity()
        # In the paper's the 3x3 convolution at LR size is itself the one that enlarges.
        conv = Conv(channels, channels) if tail == "staged" else nn.Identity()
        last = Float32Tail(channels, self.channels)
        self.tail = nn.Sequential(fuse, conv, sub_pixel(channels, factors), last)
        walk = sub_pixel_walk(factors)
        for kernel in [3] * (tail == "staged") + [max(kernels)] * (2 * blocks) + [3]:
            walk.append(("conv", kernel))
        self.receptive_field = receptive_field(scale, walk)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        first: torch.Tensor = self.head(self.shift.enter(lr))
        x, made = first, []
        for block in self.body:
            x = block(x)
            made.append(x)
        if self.global_fusion:
            x = torch.cat([first, *made] if self.first_in_front else [*made, first], dim=1)
        skip = enlarged(lr, self.scale, self.image_skip)
        return self.shift.leave(self.tail(x), skip)


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' present checkpoints: the same."""
    return name


def published_key_of_paper(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' old network, that of the paper."""
    name = re.sub(r"^body\.(\d+)\.", lambda found: f"residual{int(found[1]) + 1}.0.", name)
    layer, _, part = name.rpartition(".")
    return f"{_PAPER_NAMES.get(layer, layer)}.{part}"


_PAPER_NAMES = {
    "head.0": "conv_input",
    "tail.0": "bottle",
    "tail.2.0": "conv",
    "tail.3": "conv_output",
}
