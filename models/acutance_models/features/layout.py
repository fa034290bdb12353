"""The layout that all sources share: VGG's layers by name, and the places of published files.

Simonyan and Zisserman, "Very Deep Convolutional Networks", ICLR 2015,
https://arxiv.org/abs/1409.1556. `conv5_4` is the fourth convolution of the fifth block, before its
activation; `relu5_4` is the same after it; `pool5` follows.
"""

from collections.abc import Callable, Sequence
from typing import Literal, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.errors import FeatureError
from acutance_models.generators.layers import Conv

VGG16_BLOCKS = (2, 2, 3, 3, 3)
"""Convolutions of each block of VGG-16."""

VGG19_BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions of each block of VGG-19."""

Pooling = Literal["floor", "ceil"]
Preprocessing = Literal["imagenet", "caffe", "none"]

_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red, of 255
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue


def layer_names(blocks: Sequence[int]) -> tuple[str, ...]:
    """Return the names of all layers of a VGG, shallow first.

    A layer's place in this list is its number in torchvision's `features`: conv5_4 of VGG-19 is 34.
    """
    names: list[str] = []
    for block, convolutions in enumerate(blocks, start=1):
        for number in range(1, convolutions + 1):
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
        names.append(f"pool{block}")
    return tuple(names)


def stride_of(layer: str) -> int:
    """Return how many picture pixels lie between two places of a layer, by its name.

    Raises:
        FeatureError: If the name is not one of VGG's.
    """
    kind, block = layer[:4], layer[4:5]
    if kind not in ("conv", "relu", "pool") or not block.isdigit():
        raise FeatureError(f"{layer!r} is no name of a VGG layer, such as relu3_1 or pool2.")
    return int(2 ** (int(block) - (kind != "pool")))


@final
class Prepare(nn.Module):
    """From RGB in [0, 1] to what the weights were trained on.

    Args:
        preprocessing: `imagenet`: minus mean, over deviation (torchvision); `caffe`: BGR times 255,
            minus mean (the original weights); `none`.
        clip: Clip to [0, 1] first, where no gradient flows from outside.
    """

    offset: torch.Tensor
    factor: torch.Tensor

    def __init__(self, preprocessing: Preprocessing, clip: bool) -> None:
        super().__init__()
        self.bgr, self.clip = preprocessing == "caffe", clip
        offset, factor = [0.0] * 3, [1.0] * 3
        if preprocessing == "imagenet":
            offset, factor = list(_IMAGENET_MEAN), [1 / each for each in _IMAGENET_STD]
        elif preprocessing == "caffe":
            offset, factor = [each / 255 for each in _CAFFE_MEAN], [255.0] * 3
        for name, values in (("offset", offset), ("factor", factor)):
            tensor = torch.tensor(values).view(1, 3, 1, 1)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return what the first convolution takes."""
        x = pictures.clamp(0, 1) if self.clip else pictures
        return ((x.flip(1) if self.bgr else x) - self.offset) * self.factor


@final
class ReflectConv(Conv):
    """A 3x3 convolution whose border mirrors the map, where VGG itself has zeros."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=0)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return a map of the same size."""
        return super().forward(F.pad(input, (1, 1, 1, 1), mode="reflect"))


def vgg_chain(
    blocks: Sequence[int],
    prepare: nn.Module,
    *,
    channels: int,
    convolution: Callable[[int, int], nn.Module],
    pooling: Pooling = "floor",
    last: str | None = None,
) -> nn.ModuleDict:
    """Return a VGG as named steps, `prepare` first.

    Args:
        blocks: Convolutions of each block.
        prepare: From RGB in [0, 1] to the first convolution's input.
        channels: Of the first block; doubled by each, up to eight times as many.
        convolution: (inputs, outputs) -> a 3x3 convolution that keeps the size.
        pooling: Whether an odd side's last row is dropped, or pooled alone.
        last: The deepest layer that is built; None = all.
    """
    chain: dict[str, nn.Module] = {"prepare": prepare}
    inputs = 3
    for name in layer_names(blocks):
        if name.startswith("conv"):
            outputs = channels * min(2 ** (int(name[4]) - 1), 8)
            chain[name] = convolution(inputs, outputs)
            inputs = outputs
        elif name.startswith("relu"):
            chain[name] = nn.ReLU()
        else:
            chain[name] = nn.MaxPool2d(2, ceil_mode=pooling == "ceil")
        if name == last:
            break
    return nn.ModuleDict(chain)
