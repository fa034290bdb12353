"""What every generator is, whoever wrote it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from acutance_models.errors import GeneratorError
from acutance_models.init import InitRule, fill_network
from acutance_models.resize import bicubic_taps

Layer = (
    tuple[Literal["conv", "up", "down", "bicubic"], int]
    | tuple[Literal["strided", "deconv"], int, int, int]
)


class Generator(nn.Module, ABC):
    """A network that enlarges a picture by a whole number.

    A subclass takes keyword arguments of plain values plus `scale`, refuses what it cannot build
    with a `GeneratorError`, and is final. It is born with zero weights (see `layers.Conv`);
    `init_parameters` draws the first values.
    """

    revision: ClassVar[int]
    """Raised whenever the same weights give another picture, or the same seed other weights."""

    scale: int
    """SR pixels per LR pixel along each side."""

    channels: int = 3
    """Planes in and out: 3 = RGB; 1 = luma alone, Y of BT.601 in studio swing divided by 255 (see
    `color.rgb_to_y` and protocol `y8`), whose network leaves chroma to others."""

    size_multiple: int = 1
    """Height and width of the LR picture must be multiples of this."""

    receptive_field: int | None
    """Side, in LR pixels, of the smallest square around the LR pixel under an SR pixel that holds
    everything this SR pixel depends on, for the SR pixel that needs most; None = the whole
    picture."""

    condition_classes: int | None = None
    """Classes of the segmentation map that `forward` takes as a second, optional input of shape
    (B, classes, scale * h, scale * w), probabilities over dim 1, class 0 = background; None = the
    picture is the only input. With a map, training compares what `forward` returns, not `outputs`.
    """

    init_rule: InitRule = "pytorch"
    """Distribution of the first weights, see `init.fill_layer`."""

    init_gain: float = 1.0
    """Factor on the first weights."""

    spec: dict[str, Any]
    """The complete spec, scale apart, from which `build_generator` made this network."""

    @abstractmethod
    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return the enlarged pictures.

        Args:
            lr: Shape (B, channels, h, w), values in [0, 1]. A network that works on an enlarged
                picture enlarges it itself.

        Returns:
            Shape (B, channels, scale * h, scale * w), float32, around [0, 1] and not clipped.
        """

    def outputs(self, lr: torch.Tensor) -> list[torch.Tensor]:
        """Return every picture that training compares with HR, the final one last.

        One for most networks. With multi-supervision (MemNet) there are several in training mode,
        all of the shape that `forward` returns, and the loss is taken of each with equal weight.
        """
        return [self(lr)]

    def init_parameters(self, seed: int, name: str = "init/generator") -> None:
        """Draw the first value of every convolution, deconvolution and linear layer.

        Each tensor has its own stream, see `fill_network`.
        """
        fill_network(self, seed, name, self.first_weights)

    def first_weights(self, place: str) -> tuple[InitRule, float]:
        """Return distribution and gain of the first weights of the layer with this dotted name."""
        return self.init_rule, self.init_gain


def receptive_field(scale: int, layers: Sequence[Layer]) -> int:
    """Return the receptive field of a chain of layers, in LR pixels.

    Args:
        scale: SR pixels per LR pixel.
        layers: From output to input: ("conv", kernel side); ("up", factor) for a sub-pixel or
            nearest-neighbour enlargement; ("down", factor) for a pixel-unshuffle; ("bicubic",
            factor) for `resize.bicubic_enlarge`; ("strided", kernel side, stride, padding) and
            ("deconv", kernel side, stride, padding).

    Returns:
        An odd number, exact: the walk is made for each of the `scale` SR pixels above one LR pixel,
        and for each place of that pixel in the squares of a pixel-unshuffle.
    """
    reach = 0
    squares = math.prod(layer[1] for layer in layers if layer[0] == "down")
    for phase in range(scale * squares):
        first = last = phase
        for layer in layers:
            first, last = _seen(layer, first, last)
        middle = phase // scale
        reach = max(reach, middle - first, last - middle)
    return 2 * reach + 1


def _seen(layer: Layer, first: int, last: int) -> tuple[int, int]:
    """Return the first and last input pixel that a layer's output pixels first..last depend on."""
    match layer:
        case ("conv", kernel):
            return first - kernel // 2, last + kernel // 2
        case ("up", factor):
            return first // factor, last // factor
        case ("down", factor):
            return first * factor, last * factor + factor - 1
        case ("bicubic", factor):
            # Not monotonic: a pixel that lies on a source pixel has one tap, its neighbours four.
            reached = [
                pixel // factor + tap
                for pixel in {first, min(first + 1, last), max(last - 1, first), last}
                for tap in bicubic_taps(factor, pixel % factor)
            ]
            return min(reached), max(reached)
        case ("strided", kernel, stride, padding):
            return first * stride - padding, last * stride - padding + kernel - 1
        case ("deconv", kernel, stride, padding):
            # Output pixel q hears from every input pixel i with q = i * stride - padding + tap.
            return -((kernel - 1 - padding - first) // stride), (last + padding) // stride
    raise AssertionError(layer)


def require_scale(kind: str, scale: int, buildable: Sequence[int], reason: str) -> None:
    """Refuse a scale that an architecture cannot build.

    Raises:
        GeneratorError: With the reason and the scales that can be built.
    """
    if type(scale) is not int or scale not in buildable:
        known = ", ".join(str(each) for each in buildable)
        raise GeneratorError(f"{kind} cannot be built for {scale=}: {reason} Scales: {known}.")


def require_positive(kind: str, **numbers: int) -> None:
    """Refuse structural numbers below 1.

    Raises:
        GeneratorError: Naming the first such number.
    """
    for name, number in numbers.items():
        if number < 1:
            raise GeneratorError(f"{kind} needs {name} of at least 1, got {name}={number}.")
