"""Rules for the first values of a layer, each a function of one layer and its own streams."""

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from acutance_models.rng import stream

InitRule = Literal["pytorch", "kaiming", "kaiming_average", "glorot", "normal"]
Layer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Draw = Callable[[torch.Size, np.random.Generator], torch.Tensor]


def _pytorch_weight(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Kaiming uniform with a = sqrt(5), which comes to +-1/sqrt(fan-in): PyTorch's own default."""
    return _uniform(rng, shape, 1 / math.sqrt(_fan_in(shape)))


def _kaiming_weight(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Normal with variance 2 / fan-in (He et al., ICCV 2015)."""
    return _normal(rng, shape, math.sqrt(2 / _fan_in(shape)))


def _kaiming_average_weight(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Normal with variance 2 / mean(fan-in, fan-out): Caffe's `msra`, variance_norm AVERAGE."""
    fan_out = shape[0] * math.prod(shape[2:])
    return _normal(rng, shape, math.sqrt(4 / (_fan_in(shape) + fan_out)))


def _glorot_weight(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Uniform with variance 2 / (fan-in + fan-out) (Glorot and Bengio, AISTATS 2010)."""
    fan_out = shape[0] * math.prod(shape[2:])
    return _uniform(rng, shape, math.sqrt(6 / (_fan_in(shape) + fan_out)))


def _normal_weight(shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
    """Normal with deviation 0.01, whatever the layer (TensorLayer programs such as SRFeat's)."""
    return _normal(rng, shape, 0.01)


_WEIGHTS: Mapping[InitRule, Draw] = {
    "pytorch": _pytorch_weight,
    "kaiming": _kaiming_weight,
    "kaiming_average": _kaiming_average_weight,
    "glorot": _glorot_weight,
    "normal": _normal_weight,
}


@torch.no_grad()
def fill_layer(
    layer: Layer,
    rule: InitRule,
    *,
    weight_rng: np.random.Generator,
    bias_rng: np.random.Generator,
    gain: float = 1.0,
) -> None:
    """Write first values into a layer.

    Args:
        layer: A convolution, deconvolution or linear layer, on any device. A deconvolution's
            fan-in is counted from its weight's shape (in, out, kh, kw) as if it were a
            convolution's, as PyTorch and Caffe do.
        rule: Distribution of the weights. Biases are zero, except under `pytorch`, where they are
            drawn from +-1/sqrt(fan-in) as well.
        weight_rng: Stream of the weights.
        bias_rng: Stream of the biases.
        gain: Factor on the weights (BasicSR and EDSR-like networks start small, at 0.1).
    """
    shape = layer.weight.shape
    layer.weight.copy_(_WEIGHTS[rule](shape, weight_rng) * gain)
    if layer.bias is None:
        return
    if rule == "pytorch":
        layer.bias.copy_(_uniform(bias_rng, layer.bias.shape, 1 / math.sqrt(_fan_in(shape))))
    else:
        layer.bias.zero_()


def fill_network(
    network: nn.Module, seed: int, name: str, rule_at: Callable[[str], tuple[InitRule, float]]
) -> None:
    """Write first values into every convolution, deconvolution and linear layer of a network.

    Each tensor has its own stream, keyed by (seed, name, its dotted name), so a layer that is added
    or removed elsewhere does not move the start of this one. Other parameters (a norm's ones, a
    PReLU's slope) keep what their constructor gave them.

    Args:
        network: Any network, on any device.
        seed: The recipe's seed.
        name: Of the streams, e.g. "init/generator".
        rule_at: Dotted name of a layer -> distribution and gain, see `fill_layer`.
    """
    for place, module in network.named_modules():
        if isinstance(module, Layer):
            rule, gain = rule_at(place)
            fill_layer(
                module,
                rule,
                weight_rng=stream(seed, f"{name}/{place}.weight"),
                bias_rng=stream(seed, f"{name}/{place}.bias"),
                gain=gain,
            )


def _uniform(rng: np.random.Generator, shape: torch.Size, bound: float) -> torch.Tensor:
    """Return float32 values drawn evenly from [-bound, bound)."""
    values: NDArray[np.float32] = rng.random(shape, dtype=np.float32)
    return torch.from_numpy((values * 2 - 1) * np.float32(bound))


def _normal(rng: np.random.Generator, shape: torch.Size, deviation: float) -> torch.Tensor:
    """Return float32 values drawn from a normal distribution around zero."""
    values: NDArray[np.float32] = rng.standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(values * np.float32(deviation))


def _fan_in(weight: torch.Size) -> int:
    """Return how many inputs feed one output of a convolution or linear layer's weight."""
    return math.prod(weight[1:])
