"""ESRGAN's generator: RRDBNet.

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV Workshops
2018, https://arxiv.org/abs/1809.00219; numbers from the authors' code
(https://github.com/xinntao/ESRGAN and https://github.com/XPixelGroup/BasicSR), whose newer names
these are, so that its checkpoints load. Differs from it: at scale 8 a third enlargement is built,
which no source states, and scale 3 is refused (BasicSR silently returns four times the size).
"""

import re
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.layers import Channels, Conv, Count, Float32Tail, normalised
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)

Norm = Literal["none", "batch"]
_DENSE = 5  # convolutions in a dense block
_SLOPE = 0.2  # of LeakyReLU below zero


@final
class DenseBlock(nn.Module):
    """Five convolutions, each of everything before it; the last one's output is scaled and added.

    Args:
        channels: Features in and out.
        growth: Features each of the first four convolutions adds.
        norm: `batch` puts a normalisation after every convolution.
        residual_scale: Factor on what is added to the input.
    """

    def __init__(self, channels: int, growth: int, norm: Norm, residual_scale: float) -> None:
        super().__init__()
        for number in range(1, _DENSE + 1):
            inputs = channels + (number - 1) * growth
            outputs = channels if number == _DENSE else growth
            conv = Conv(inputs, outputs, bias=norm == "none")
            self.add_module(f"conv{number}", normalised(conv, norm))
        self.residual_scale = residual_scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        seen = [x]
        for number in range(1, _DENSE):
            y = self.get_submodule(f"conv{number}")(torch.cat(seen, dim=1))
            seen.append(F.leaky_relu(y, _SLOPE, inplace=True))
        residual: torch.Tensor = self.get_submodule(f"conv{_DENSE}")(torch.cat(seen, dim=1))
        return x + self.residual_scale * residual


@final
class RRDB(nn.Module):
    """Three dense blocks, their result scaled and added to the input: residual in residual."""

    def __init__(self, channels: int, growth: int, norm: Norm, residual_scale: float) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"rdb{number}", DenseBlock(channels, growth, norm, residual_scale))
        self.residual_scale = residual_scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        y = x
        for number in (1, 2, 3):
            y = self.get_submodule(f"rdb{number}")(y)
        return x + self.residual_scale * y


@final
class PlainBlock(nn.Module):
    """Two convolutions with a LeakyReLU between them, scaled and added: SRGAN's block."""

    def __init__(self, channels: int, norm: Norm, residual_scale: float) -> None:
        super().__init__()
        self.conv1 = normalised(Conv(channels, channels, bias=norm == "none"), norm)
        self.conv2 = normalised(Conv(channels, channels, bias=norm == "none"), norm)
        self.residual_scale = residual_scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        residual: torch.Tensor = self.conv2(F.leaky_relu(self.conv1(x), _SLOPE, inplace=True))
        return x + self.residual_scale * residual


_CONVOLUTIONS = {"residual": 2, "dense": _DENSE, "rrdb": 3 * _DENSE}


@final
class ESRGAN(Generator):
    """A chain of residual-in-residual dense blocks, then nearest-neighbour enlargement.

    Args:
        scale: 1, 2, 4 or 8 (the paper: 4). 2 and 1 fold the picture by pixel-unshuffle and enlarge
            four times, as BasicSR does; a height or width that is no multiple of 2 or 4 is padded
            by its last pixels, and the result cropped.
        channels: Features everywhere inside.
        blocks: Blocks in the chain (the paper: 23, or 16 for its small network).
        block: `rrdb` is three dense blocks inside a residual, `dense` one dense block, `residual`
            two plain convolutions.
        growth: Features that each convolution of a dense block adds.
        norm: `batch` puts batch normalisation after every convolution of the blocks, which the
            paper takes away.
        residual_scale: Factor on every residual before it is added.
        init_scale: Factor on the first weights (Kaiming) of the blocks' convolutions, as in
            BasicSR; the others start as PyTorch's. The program of 2018 put it on all of them.
        init_all: Start all convolutions like the blocks', as the program of 2018.
        image_skip: Add the enlarged input to the output (the paper: none).

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 64,
        blocks: Count = 23,
        block: Literal["residual", "dense", "rrdb"] = "rrdb",
        growth: Channels = 32,
        norm: Norm = "none",
        residual_scale: Annotated[float, Field(gt=0, le=1)] = 0.2,
        init_scale: Annotated[float, Field(gt=0)] = 0.1,
        init_all: bool = False,
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
    ) -> None:
        super().__init__()
        reason = "it enlarges by twos, never triples."
        require_scale("esrgan", scale, (1, 2, 4, 8), reason)
        require_positive("esrgan", channels=channels, blocks=blocks, growth=growth)
        self.scale, self.image_skip = scale, image_skip
        self.init_scale, self.init_all = init_scale, init_all
        self.size_multiple = max(1, 4 // scale)
        self.stages = max(scale, 4).bit_length() - 1
        self.conv_first = Conv(3 * self.size_multiple**2, channels)
        self.body = nn.Sequential(
            *(_block(block, channels, growth, norm, residual_scale) for _ in range(blocks))
        )
        self.conv_body = Conv(channels, channels)
        for number in range(1, self.stages + 1):
            self.add_module(f"conv_up{number}", Conv(channels, channels))
        self.conv_hr = Conv(channels, channels)
        self.conv_last = Float32Tail(channels, 3)
        layers: list[Layer] = [("conv", 3), ("conv", 3)]
        layers += [("conv", 3), ("up", 2)] * self.stages
        layers += [("conv", 3)] * (_CONVOLUTIONS[block] * blocks + 2)
        # The image skip reaches two LR pixels at most, always less than this chain.
        self.receptive_field = receptive_field(scale, [*layers, ("down", self.size_multiple)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        height, width = (side * self.scale for side in lr.shape[2:])
        first: torch.Tensor = self.conv_first(self._fold(lr))
        x = first + self.conv_body(self.body(first))
        for number in range(1, self.stages + 1):
            conv = self.get_submodule(f"conv_up{number}")
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2)), _SLOPE, inplace=True)
        sr: torch.Tensor = self.conv_last(F.leaky_relu(self.conv_hr(x), _SLOPE, inplace=True))
        sr = sr[:, :, :height, :width]
        if self.image_skip == "none":
            return sr
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )

    def _fold(self, lr: torch.Tensor) -> torch.Tensor:
        """Return the picture with squares of its pixels as channels, padded where one is cut."""
        down, right = (-side % self.size_multiple for side in lr.shape[2:])
        if down or right:
            lr = F.pad(lr, (0, right, 0, down), mode="replicate")
        return F.pixel_unshuffle(lr, self.size_multiple) if self.size_multiple > 1 else lr

    def first_weights(self, place: str) -> tuple[InitRule, float]:
        """Return Kaiming's rule made small inside the blocks, PyTorch's elsewhere."""
        small = self.init_all or place.startswith("body.")
        return ("kaiming", self.init_scale) if small else ("pytorch", 1.0)


def _block(kind: str, channels: int, growth: int, norm: Norm, residual_scale: float) -> nn.Module:
    if kind == "rrdb":
        return RRDB(channels, growth, norm, residual_scale)
    if kind == "dense":
        return DenseBlock(channels, growth, norm, residual_scale)
    return PlainBlock(channels, norm, residual_scale)


def key_of_esrgan(name: str, generator: ESRGAN) -> str:
    """Return what a tensor is called in the checkpoints of the ESRGAN repository."""
    name = re.sub(r"^body\.(\d+)\.rdb(\d)\.", r"RRDB_trunk.\1.RDB\2.", name)
    name = re.sub(r"^conv_up(\d)\.", r"upconv\1.", name)
    return name.replace("conv_body.", "trunk_conv.").replace("conv_hr.", "HRconv.")


def key_of_2018(name: str, generator: ESRGAN) -> str:
    """Return what a tensor is called in the checkpoints of 2018, a chain of numbered layers."""
    layer, _, part = name.rpartition(".")
    last = 3 * generator.stages + 2
    names = {
        "conv_first": "model.0",
        "conv_body": f"model.1.sub.{len(generator.body)}",
        "conv_hr": f"model.{last}",
        "conv_last": f"model.{last + 2}",
        **{f"conv_up{each}": f"model.{3 * each}" for each in range(1, generator.stages + 1)},
    }
    inside = r"^body\.(\d+)\.rdb(\d)\.conv(\d)$"
    layer = re.sub(inside, r"model.1.sub.\1.RDB\2.conv\3.0", layer)
    return f"{names.get(layer, layer)}.{part}"
