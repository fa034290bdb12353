"""CARN and CARN-M: cascading residual networks.

Ahn, Kang, Sohn, "Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual
Network", ECCV 2018, https://arxiv.org/abs/1803.08664; numbers from the authors' code
(https://github.com/nmhkahn/CARN-pytorch). Differs from it: one scale per network.

Names in the authors' checkpoints -> here: `entry` and `exit` are the same; `b{i}.b{j}.body.{0,2,4}`
-> `body.members.{i-1}.members.{j-1}.{conv1,conv2,mix}`; `b{i}.c{j}.body.0` ->
`body.members.{i-1}.fusions.{j-1}`; `c{j}.body.0` -> `body.fusions.{j-1}`;
`upsample.up{scale}.body.{0,3}` -> `upconvs.{0,1}`.
"""

from typing import ClassVar, Literal, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import GeneratorError
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
    Layer,
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
    ) -> None:
        super().__init__()
        require_scale("carn", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("carn", channels=channels, blocks=blocks, units=units, groups=groups)
        if channels % groups:
            raise GeneratorError(
                f"carn needs channels that its groups divide, got {channels=} and {groups=}. "
                f"Use channels={max(groups, channels // groups * groups)} or groups=1."
            )
        self.scale, self.image_skip = scale, image_skip
        self.factors = upsampling_factors(scale)
        inside, between = cascade in ("local", "both"), cascade in ("global", "both")
        members = [_block(channels, units, groups, share, inside) for _ in range(blocks)]
        self.entry = Conv(3, channels)
        self.body = Chain(members, channels, cascade=between)
        self.upconvs = nn.ModuleList(
            Conv(channels, channels * factor**2, groups=groups) for factor in self.factors
        )
        self.exit = Float32Tail(channels, 3)
        # Mean colour of DIV2K; a constant, hence not part of the weights.
        self.register_buffer("mean", mean_colour(0.4488, 0.4371, 0.4040), persistent=False)
        # The image skip reaches two LR pixels at most, always less than this chain.
        self.receptive_field = self._receptive_field(2 * units * blocks + 1)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        mean = self.get_buffer("mean")
        x = self.body(self.entry(lr - mean))
        for conv, factor in zip(self.upconvs, self.factors, strict=True):
            x = F.pixel_shuffle(F.relu(conv(x), inplace=True), factor)
        sr: torch.Tensor = self.exit(x)
        if self.image_skip == "none":
            return sr + mean
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )

    def _receptive_field(self, trunk: int) -> int:
        layers: list[Layer] = [("conv", 3)]
        for factor in reversed(self.factors):
            layers += [("up", factor), ("conv", 3)]
        return receptive_field(self.scale, layers + [("conv", 3)] * trunk)


def _block(channels: int, units: int, groups: int, share: bool, cascade: bool) -> nn.Module:
    """Return one cascading block, of one unit used several times or of several units."""
    shared = Unit(channels, groups)
    members: list[nn.Module] = [shared if share else Unit(channels, groups) for _ in range(units)]
    return Chain(members, channels, cascade=cascade)
