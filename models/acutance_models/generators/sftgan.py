"""SFTGAN's generators: SRResNet whose features are modulated by a segmentation map.

Wang, Yu, Dong, Loy, "Recovering Realistic Texture in Image Super-resolution by Deep Spatial Feature
Transform", CVPR 2018, https://arxiv.org/abs/1804.02815; numbers from the authors' code
(https://github.com/xinntao/SFTGAN, SFT_Net and SFT_Net_torch). Differs from it: other scales than 4
are built, with one enlargement less or more and a condition network whose first kernel is as large
as the scale.

With `condition: off`, or where all modulation is zero, variant `sft_net` is `srresnet`, with the
same names for the same weights.
"""

import re
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import GeneratorError
from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    upsampling_factors,
)
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)

Variant = Literal["sft_net", "sft_net_torch"]
_SHARED, _WIDE = 32, 128  # channels of the conditions, and inside the network that makes them


@final
class SFT(nn.Module):
    """An affine map of the features whose scale and shift are made from the conditions.

    Args:
        channels: Features.
        identity: What the scale is added to: 1 in `sft_net`, 0 in `sft_net_torch`.
        slope: Of the LeakyReLU between the two 1x1 convolutions.
    """

    def __init__(self, channels: int, *, identity: float, slope: float) -> None:
        super().__init__()
        self.scale0, self.scale1 = Conv(_SHARED, _SHARED, 1), Conv(_SHARED, channels, 1)
        self.shift0, self.shift1 = Conv(_SHARED, _SHARED, 1), Conv(_SHARED, channels, 1)
        self.identity, self.slope = identity, slope

    def forward(self, features: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Return features of the same shape."""
        scale = self.scale1(F.leaky_relu(self.scale0(conditions), self.slope, inplace=True))
        shift = self.shift1(F.leaky_relu(self.shift0(conditions), self.slope, inplace=True))
        modulated: torch.Tensor = features * (scale + self.identity) + shift
        return modulated


@final
class Block(nn.Module):
    """A residual block: modulation before each convolution, in `sft_net_torch` with ReLU."""

    def __init__(self, channels: int, variant: Variant, *, condition: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv(channels, channels), Conv(channels, channels)
        self.sft1 = _sft(channels, variant) if condition else None
        self.sft2 = _sft(channels, variant) if condition else None
        self.before = variant == "sft_net_torch"

    def forward(self, x: torch.Tensor, conditions: torch.Tensor | None) -> torch.Tensor:
        """Return features of the same shape."""
        y = _modulate(self.sft1, x, conditions)
        y = self.conv1(F.relu(y)) if self.before else F.relu(self.conv1(y))
        y = _modulate(self.sft2, y, conditions)
        residual: torch.Tensor = self.conv2(F.relu(y) if self.before else y)
        return x + residual


@final
class SFTGAN(Generator):
    """Residual blocks modulated by a map of class probabilities, then sub-pixel enlargement.

    Args:
        scale: 2, 3, 4 or 8 (the paper: 4).
        channels: Features everywhere inside.
        blocks: Residual blocks.
        condition: Whether the map modulates anything; off = the same network without it.
        classes: Classes of the map, the first of them background (the paper: background, sky,
            water, grass, mountain, building, plant, animal).
        variant: `sft_net` is the authors' PyTorch network: features x (scale + 1) + shift, ReLU
            after a block's first convolution, sub-pixel enlargement. `sft_net_torch` is the one of
            the paper's weights: features x scale + shift, ReLU before both convolutions,
            nearest-neighbour enlargement.
        image_skip: Add the enlarged input to the output (the paper: none).
        init: Distribution of the first weights.
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
        blocks: Count = 16,
        condition: bool = True,
        classes: Annotated[int, Field(ge=1, le=1024)] = 8,
        variant: Variant = "sft_net",
        image_skip: Literal["none", "bilinear", "bicubic"] = "none",
        init: InitRule = "kaiming",
        init_gain: Annotated[float, Field(gt=0)] = 0.1,
    ) -> None:
        super().__init__()
        require_scale("sftgan", scale, (2, 3, 4, 8), "it is enlarged by twos or by one three.")
        require_positive("sftgan", channels=channels, blocks=blocks, classes=classes)
        self.scale, self.variant, self.image_skip = scale, variant, image_skip
        self.init_rule, self.init_gain = init, init_gain
        self.condition_classes = classes if condition else None
        self.factors = upsampling_factors(scale)
        self.conv_first = Conv(3, channels)
        self.body = nn.ModuleList(
            Block(channels, variant, condition=condition) for _ in range(blocks)
        )
        self.sft_trunk = _sft(channels, variant) if condition else None
        self.conv_trunk = Conv(channels, channels)
        nearest = variant == "sft_net_torch"
        for number, factor in enumerate(self.factors, start=1):
            wide = channels if nearest else channels * factor**2
            self.add_module(f"upconv{number}", Conv(channels, wide))
        self.conv_hr = Conv(channels, channels)
        self.conv_last = Float32Tail(channels, 3)
        self.condition_net = _condition_net(classes, scale) if condition else None
        self.receptive_field = self._receptive_field(2 * blocks + 2)

    def forward(self, lr: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`.

        Args:
            lr: Shape (B, 3, h, w), RGB in [0, 1].
            condition: Class probabilities of every HR pixel, shape (B, classes, scale * h,
                scale * w); None = background everywhere.
        """
        conditions = self._conditions(lr, condition)
        first: torch.Tensor = self.conv_first(lr)
        x = first
        for block in self.body:
            x = block(x, conditions)
        x = first + self.conv_trunk(_modulate(self.sft_trunk, x, conditions))
        for number, factor in enumerate(self.factors, start=1):
            conv = self.get_submodule(f"upconv{number}")
            if self.variant == "sft_net":
                x = F.relu(F.pixel_shuffle(conv(x), factor), inplace=True)
            else:
                x = F.relu(conv(F.interpolate(x, scale_factor=factor)), inplace=True)
        sr: torch.Tensor = self.conv_last(F.relu(self.conv_hr(x), inplace=True))
        if self.image_skip == "none":
            return sr
        return sr + F.interpolate(
            lr.to(sr.dtype), scale_factor=self.scale, mode=self.image_skip, align_corners=False
        )

    def init_parameters(self, seed: int, name: str = "init/generator") -> None:
        """Draw the first weights; where the scale multiplies alone it starts around 1."""
        super().init_parameters(seed, name)
        for module in self.modules():
            if isinstance(module, SFT) and not module.identity and module.scale1.bias is not None:
                # As the authors start from batch normalisation's factors; around 0 nothing passes.
                nn.init.ones_(module.scale1.bias)

    def _conditions(self, lr: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor | None:
        """Return the conditions of every LR pixel, shape (B, 32, h, w)."""
        if self.condition_net is None or self.condition_classes is None:
            if condition is not None:
                raise GeneratorError("This sftgan has condition=False and takes no map. Leave it.")
            return None
        height, width = (side * self.scale for side in lr.shape[2:])
        wanted = (lr.shape[0], self.condition_classes, height, width)
        if condition is None:
            condition = lr.new_zeros(wanted)
            condition[:, 0] = 1
        if condition.shape != wanted:
            raise GeneratorError(
                f"The segmentation map of these pictures has the shape {wanted} (pictures, "
                f"classes, HR height, HR width), got {tuple(condition.shape)}."
            )
        made: torch.Tensor = self.condition_net(condition.to(lr.dtype))
        return made

    def _receptive_field(self, trunk: int) -> int:
        layers: list[Layer] = [("conv", 3), ("conv", 3)]
        for factor in reversed(self.factors):
            step: list[Layer] = [("up", factor), ("conv", 3)]
            layers += step if self.variant == "sft_net" else step[::-1]
        # The map reaches an SR pixel only through the LR pixels, each of which sees its own square.
        return receptive_field(self.scale, layers + [("conv", 3)] * trunk)


def _sft(channels: int, variant: Variant) -> SFT:
    if variant == "sft_net":
        return SFT(channels, identity=1.0, slope=0.1)
    return SFT(channels, identity=0.0, slope=0.01)


def _modulate(
    sft: SFT | None, features: torch.Tensor, conditions: torch.Tensor | None
) -> torch.Tensor:
    """Return the modulated features, or the same where there is no condition."""
    if sft is None or conditions is None:
        return features
    modulated: torch.Tensor = sft(features, conditions)
    return modulated


def _condition_net(classes: int, scale: int) -> nn.Sequential:
    """Return the network that all modulations share; 1x1 kernels, so that regions do not mix."""
    # Squares side by side: each LR pixel sees the HR pixels above it and no others.
    convs = [Conv(classes, _WIDE, scale, stride=scale, padding=0)]
    convs += [Conv(_WIDE, _WIDE, 1) for _ in range(3)]
    layers = [layer for conv in convs for layer in (conv, nn.LeakyReLU(0.1, inplace=True))]
    return nn.Sequential(*layers, Conv(_WIDE, _SHARED, 1))


def published_key(name: str, generator: SFTGAN) -> str:
    """Return what a tensor is called in the authors' checkpoints."""
    layer, _, part = name.rpartition(".")
    blocks, nearest = len(generator.body), generator.variant == "sft_net_torch"
    layer = re.sub(r"^body\.(\d+)\.conv1$", r"sft_branch.\1.conv0", layer)
    layer = re.sub(r"^body\.(\d+)\.conv2$", r"sft_branch.\1.conv1", layer)
    layer = re.sub(r"^body\.(\d+)\.sft1\.", r"sft_branch.\1.sft0.", layer)
    layer = re.sub(r"^body\.(\d+)\.sft2\.", r"sft_branch.\1.sft1.", layer)
    layer = re.sub(r"^sft_trunk\.", f"sft_branch.{blocks}.", layer)
    layer = re.sub(r"\.(scale|shift)(\d)$", r".SFT_\1_conv\2", layer)
    stages = len(generator.factors)
    names = {
        "conv_first": "conv0",
        "conv_trunk": f"sft_branch.{blocks + 1}",
        "conv_hr": f"HR_branch.{3 * stages}",
        "conv_last": f"HR_branch.{3 * stages + 2}",
        **{f"upconv{each + 1}": f"HR_branch.{3 * each + nearest}" for each in range(stages)},
    }
    layer = names.get(layer, layer.replace("condition_net.", "CondNet."))
    return f"{layer}.{part}"
