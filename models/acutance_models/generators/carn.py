"""CARN and CARN-M: cascading residual networks.

Ahn, Kang, Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual
Network", ECCV 2018, https://arxiv.org/abs/1803.08664; numbers from the authors' code
(https://github.com/nmhkahn/CARN-pytorch). The authors' networks enlarge by 2, 3 and 4 with a head
for each; here that is `heads: [2, 3, 4]`, and the default is one scale per network.
"""

import re
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import GeneratorError
from acutance_models.generators.blocks import sub_pixel_walk
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    mean_colour,
    upsampling_factors,
)
from acutance_models.interfaces import (
    Generator,
    receptive_field,
    require_positive,
    require_scale,
)


@final
class Unit(nn.Module):
    """CARN's residual block, ReLU after the sum; with groups > 1 its residual-E block.

    Plain: ReLU(x + conv(ReLU(conv(x)))). Residual-E: two grouped convolutions, each with ReLU, and
    a 1x1 convolution that mixes the groups.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels, groups=groups)
        self.conv2 = Conv(channels, channels, groups=groups)
        self.mix = Conv(channels, channels, 1) if groups > 1 else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        y = self.conv2(F.relu(self.conv1(x), inplace=True))
        if self.mix is not None:
            y = self.mix(F.relu(y, inplace=True))
        return F.relu(x + y, inplace=True)


@final
class Chain(nn.Module):
    """Members one after another, cascading where fusions are given.

    Cascading: each member's output joins all earlier ones and the chain's input, and a 1x1
    convolution with ReLU fuses them into the next member's input.

    Args:
        members: The modules, in order; the same one may stand several times.
        channels: Features in and out.
        cascade: Whether to fuse.
    """

    def __init__(self, members: list[nn.Module], channels: int, *, cascade: bool) -> None:
        super().__init__()
        # A shared member is held once, so that its weights have one name.
        self.members = nn.ModuleList(dict.fromkeys(members))
        self.length = len(members)
        self.fusions = nn.ModuleList(
            Conv(channels * (place + 2), channels, 1) for place in range(len(members) * cascade)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        seen = [x]
        for place in range(self.length):
            x = self.members[place % len(self.members)](x)
            if self.fusions:
                seen.append(x)
                x = F.relu(self.fusions[place](torch.cat(seen, dim=1)), inplace=True)
        return x


@final
class CARN(Generator):
    """Cascading blocks at LR size, sub-pixel enlargement, one convolution at HR size.

    First weights: PyTorch's default, as in the authors' code.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 2, 3, 4).
        channels: Features everywhere inside.
        blocks: Cascading blocks.
        units: Residual blocks inside each cascading block.
        groups: Groups of the 3x3 convolutions in units and enlargement. 1 gives CARN's residual
            block; more gives CARN-M's residual-E block with its mixing 1x1 convolution.
        share: Use one residual block for all units of a cascading block (CARN-M).
        cascade: Where outputs are concatenated and fused: inside the blocks (`local`), between
            them (`global`), `both` or `none`.
        image_skip: Add the enlarged input to the output. The paper does not; in short trainings
            it saves the steps in which a network learns to copy.
        heads: Scales that the network has an enlargement for, e.g. [2, 3, 4] as in the paper;
            empty = `scale` alone. It enlarges by `scale`, which must be one of them; the same
            weights, given another `scale` of these, enlarge by that one.

    Raises:
        GeneratorError: If the scale or a number cannot be built.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        scale: int,
        channels: Channels = 64,
        blocks: Count = 3,
        units: Count = 3,
        groups: Count = 1,
        share: bool = False,
        cascade: Literal["none", "local", "global", "both"] = "both",
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
        heads: Annotated[tuple[Literal[2, 3, 4, 8], ...], Field(max_length=4)] = (),
    ) -> None:
        super().__init__()
        require_scale("carn", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("carn", channels=channels, blocks=blocks, units=units, groups=groups)
        if channels % groups:
            raise GeneratorError(
                f"carn needs channels that its groups divide, got {channels=} and {groups=}. "
                f"Use channels={max(groups, channels // groups * groups)} or groups=1."
            )
        _require_heads(scale, heads)
        self.scale, self.image_skip = scale, image_skip
        self.factors = upsampling_factors(scale)
        inside, between = cascade in ("local", "both"), cascade in ("global", "both")
        members = [_block(channels, units, groups, share, inside) for _ in range(blocks)]
        self.entry = Conv(3, channels)
        self.body = Chain(members, channels, cascade=between)
        if heads:
            self.heads = nn.ModuleDict(
                {f"up{each}": _head(channels, each, groups) for each in heads}
            )
        else:
            self.upconvs = _head(channels, scale, groups)
        self.own_head = f"heads.up{scale}" if heads else "upconvs"
        self.exit = Float32Tail(channels, 3)
        # Mean colour of DIV2K; a constant, hence not part of the weights.
        self.register_buffer("mean", mean_colour(0.4488, 0.4371, 0.4040), persistent=False)
        # The image skip reaches two LR pixels at most, always less than this chain.
        self.receptive_field = self._receptive_field(2 * units * blocks + 1)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        mean = self.get_buffer("mean")
        x = self.body(self.entry(lr - mean))
        for place, factor in enumerate(self.factors):
            conv = self.get_submodule(f"{self.own_head}.{place}")
            x = F.pixel_shuffle(F.relu(conv(x), inplace=True), factor)
        sr: torch.Tensor = self.exit(x)
        if self.image_skip == "none":
            return sr + mean
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )

    def _receptive_field(self, trunk: int) -> int:
        layers = sub_pixel_walk(self.factors)
        return receptive_field(self.scale, layers + [("conv", 3)] * trunk)


def _block(channels: int, units: int, groups: int, share: bool, cascade: bool) -> nn.Module:
    """Return one cascading block, of one unit used several times or of several units."""
    shared = Unit(channels, groups)
    members: list[nn.Module] = [shared if share else Unit(channels, groups) for _ in range(units)]
    return Chain(members, channels, cascade=cascade)


def _head(channels: int, scale: int, groups: int) -> nn.ModuleList:
    """Return the convolutions of one scale's enlargement."""
    return nn.ModuleList(
        Conv(channels, channels * factor**2, groups=groups) for factor in upsampling_factors(scale)
    )


def _require_heads(scale: int, heads: tuple[int, ...]) -> None:
    if list(heads) != sorted(set(heads)) or (heads and scale not in heads):
        raise GeneratorError(
            f"carn's heads are different scales in rising order, {scale=} among them, got "
            f"heads={list(heads)}. Use heads={sorted({*heads, scale})}."
        )


_UNIT_PARTS = {"conv1": "body.0", "conv2": "body.2", "mix": "body.4"}


def published_key(name: str, scale: int) -> str:
    """Return what a tensor is called in the authors' checkpoints, which hold all three heads."""
    name = re.sub(r"^body\.members\.(\d+)\.", lambda at: f"b{_from_one(at[1])}.", name)
    name = re.sub(r"\bmembers\.(\d+)\.", lambda at: f"b{_from_one(at[1])}.", name)
    name = re.sub(r"\bfusions\.(\d+)\.", lambda at: f"c{_from_one(at[1])}.body.0.", name)
    name = name.removeprefix("body.")
    name = re.sub(r"\b(conv1|conv2|mix)\b", lambda at: _UNIT_PARTS[at[1]], name)
    name = re.sub(r"^upconvs\.", f"heads.up{scale}.", name)
    return re.sub(
        r"^heads\.(up\d)\.(\d)\.", lambda at: f"upsample.{at[1]}.body.{3 * int(at[2])}.", name
    )


def _from_one(number: str) -> int:
    return int(number) + 1
