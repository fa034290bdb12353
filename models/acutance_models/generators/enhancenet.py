"""EnhanceNet's generator.

Sajjadi, Schölkopf, Hirsch, "EnhanceNet: Single Image Super-Resolution Through Automated Texture
Synthesis", ICCV 2017, https://arxiv.org/abs/1612.07919; numbers from the authors' released code.
Differs from it: nothing with `skip: legacy_tf` at x4. The default skip is centred (half-pixel),
which is the better choice for training from scratch but not for the released weights.
"""

from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.layers import (
    Channels,
    Conv,
    Count,
    Float32Tail,
    ResidualBlock,
    mean_colour,
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

_KEYS_A = -0.75  # of TensorFlow's and PyTorch's bicubic; MATLAB's and Pillow's is -0.5


@final
class EnhanceNet(Generator):
    """Residual blocks at LR size, nearest-neighbour enlargement with convolutions, bicubic skip.

    Args:
        scale: 2, 4 or 8.
        channels: Features everywhere inside.
        blocks: Residual blocks (conv, ReLU, conv, + input).
        image_skip: Add the bicubically enlarged input, as the paper does, or nothing.
        skip: Where the enlarged input's pixels lie: `half_pixel` is centred; `legacy_tf` is
            `resize_images` of TensorFlow 0.12 (source = target / scale), which the released
            weights need.
        init: Distribution of the first weights. The authors' is not stated; their variables bear
            the names of TF-slim's convolutions, whose default is `glorot`. With its zero biases
            small networks shut all their ReLUs in the first steps and stay at the bicubic skip
            (seen with 16 channels at learning rates from 5e-4), hence `pytorch`.
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
        blocks: Count = 10,
        image_skip: Literal["bicubic", "none"] = "bicubic",
        skip: Literal["half_pixel", "legacy_tf"] = "half_pixel",
        init: InitRule = "pytorch",
        init_gain: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__()
        require_scale("enhancenet", scale, (2, 4, 8), "it doubles the size k times, never triples.")
        require_positive("enhancenet", channels=channels, blocks=blocks)
        self.scale, self.image_skip, self.skip = scale, image_skip, skip
        self.init_rule, self.init_gain = init, init_gain
        factors = upsampling_factors(scale)
        self.conv_first = Conv(3, channels)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.upconvs = nn.ModuleList(Conv(channels, channels) for _ in factors)
        self.conv_hr = Conv(channels, channels)
        self.conv_last = Float32Tail(channels, 3)
        # Mean of the authors' training pictures; a constant, hence not part of the weights.
        self.register_buffer(
            "mean", mean_colour(0.47614917, 0.45001204, 0.40904046), persistent=False
        )
        layers: list[Layer] = [("conv", 3), ("conv", 3)]
        for factor in factors:
            layers += [("conv", 3), ("up", factor)]
        self.receptive_field = receptive_field(scale, layers + [("conv", 3)] * (2 * blocks + 1))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`."""
        mean = self.get_buffer("mean")
        centred = lr - mean
        x = self.body(F.relu(self.conv_first(centred), inplace=True))
        for conv in self.upconvs:
            x = F.relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), inplace=True)
        residual: torch.Tensor = self.conv_last(F.relu(self.conv_hr(x), inplace=True))
        if self.image_skip == "none":
            return residual + mean
        return residual + self._enlarge(centred.to(residual.dtype)) + mean

    def _enlarge(self, picture: torch.Tensor) -> torch.Tensor:
        if self.skip == "legacy_tf":
            return legacy_tf_bicubic(picture, self.scale)
        return F.interpolate(picture, scale_factor=self.scale, mode="bicubic", align_corners=False)


def legacy_tf_bicubic(picture: torch.Tensor, scale: int) -> torch.Tensor:
    """Return a picture enlarged as `tf.image.resize_images(BICUBIC)` of TensorFlow 0.12 does.

    Pixel i of the result lies at i / scale of the source (no shift to pixel centres); Keys' cubic
    with A = -0.75 over four taps; indices clamped at the border.

    Args:
        picture: Shape (B, C, h, w).
        scale: Whole enlargement.

    Returns:
        Shape (B, C, scale * h, scale * w).
    """
    for axis in (2, 3):
        size = picture.shape[axis]
        target = torch.arange(size * scale, device=picture.device)
        fraction = (target % scale).to(picture.dtype) / scale
        shape = [-1 if each == axis else 1 for each in range(4)]
        enlarged: torch.Tensor | None = None
        for tap in (-1, 0, 1, 2):
            source = (target // scale + tap).clamp(0, size - 1)
            weight = _keys(fraction - tap).view(shape)
            term = picture.index_select(axis, source) * weight
            enlarged = term if enlarged is None else enlarged + term
        assert enlarged is not None
        picture = enlarged
    return picture


def _keys(distance: torch.Tensor) -> torch.Tensor:
    """Return Keys' cubic convolution kernel (IEEE ASSP 1981) at distances up to 2."""
    d = distance.abs()
    near = (_KEYS_A + 2) * d**3 - (_KEYS_A + 3) * d**2 + 1
    far = _KEYS_A * (d**3 - 5 * d**2 + 8 * d - 4)
    return torch.where(d <= 1, near, far)


def published_key(name: str, generator: EnhanceNet) -> str:
    """Return what a tensor is called among the authors' TensorFlow variables.

    Their convolutions are numbered in forward order, the first without a number.
    """
    layer, _, part = name.rpartition(".")
    convs = [place for place, each in generator.named_modules() if isinstance(each, Conv)]
    number = convs.index(layer)
    variable = "weights" if part == "weight" else "biases"
    return f"generator/Conv{f'_{number}' if number else ''}/{variable}"
