"""MemNet: persistent memory networks.

Tai, Yang, Liu, Xu, "MemNet: A Persistent Memory Network for Image Restoration", ICCV 2017,
https://arxiv.org/abs/1708.02209; numbers from the authors' Caffe files
(https://github.com/tyshiwo/MemNet, M6R6). Differs from them: the weights of the ensemble start at
1 / blocks, not at 1, so that the first picture is the enlarged one and not `blocks` times it.

Not to be confused with pytorch-MemNet, a network of other size: its residual blocks share nothing,
its convolutions have no biases, and its gate sees the maps in another order.
"""

import functools
from typing import ClassVar, Literal, final

import torch
from torch import nn
from torch.nn import functional as F

from acutance_models.generators.blocks import Colour, planes
from acutance_models.generators.layers import Channels, Conv, Count, Float32Tail, Gain
from acutance_models.init import InitRule
from acutance_models.interfaces import (
    Generator,
    Layer,
    receptive_field,
    require_positive,
    require_scale,
)
from acutance_models.resize import bicubic_enlarge


@final
class MemoryBlock(nn.Module):
    """A recursive unit that keeps all its states, and a gate that reduces them to one.

    Args:
        channels: Features in and out.
        recursions: Passes through the residual block.
        memories: Outputs of earlier blocks that the gate sees.
        share: One residual block's convolutions for all passes; norms are never shared.
        gate: A 1x1 convolution over all maps; without it, their mean.
    """

    def __init__(
        self, channels: int, recursions: int, memories: int, *, share: bool, gate: bool
    ) -> None:
        super().__init__()
        own = 1 if share else recursions
        self.first = nn.ModuleList(Conv(channels, channels) for _ in range(own))
        self.second = nn.ModuleList(Conv(channels, channels) for _ in range(own))
        self.first_norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(recursions))
        self.second_norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(recursions))
        seen = (memories + recursions) * channels
        self.gate_norm = nn.BatchNorm2d(seen) if gate else None
        self.gate = Conv(seen, channels, 1) if gate else None

    def forward(self, x: torch.Tensor, memories: list[torch.Tensor]) -> torch.Tensor:
        """Return features of the same shape."""
        seen = list(memories)
        for place, norms in enumerate(zip(self.first_norms, self.second_norms, strict=True)):
            own = place % len(self.first)
            y = self.first[own](F.relu(norms[0](x), inplace=True))
            x = x + self.second[own](F.relu(norms[1](y), inplace=True))
            seen.append(x)
        if self.gate is None or self.gate_norm is None:
            return torch.stack(seen).mean(dim=0)
        made: torch.Tensor = self.gate(F.relu(self.gate_norm(torch.cat(seen, dim=1)), inplace=True))
        return made


@final
class MemNet(Generator):
    """Densely connected memory blocks on the bicubically enlarged picture, and that picture added.

    Norms start at one and zero.

    Args:
        scale: 2 to 8 (the paper: 2, 3, 4, one network for all); the network itself knows no scale.
        channels: Features everywhere inside.
        blocks: Memory blocks, M in the paper.
        recursions: Passes of the recursive unit in each, R.
        share: The passes of one block use the same convolutions.
        gate: A learned 1x1 convolution makes a block's output of all its maps; without it the
            output is their mean.
        long_term: A block's gate sees the first features and the outputs of all earlier blocks
            besides its own states.
        supervision: `all`: every block's output is made into a picture by the same convolution,
            and the result is their sum with learned weights; in training mode `outputs` returns
            all of them. `last`: only the last block's.
        colour: `y`: luma alone, as in the paper, or `rgb`.
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
        blocks: Count = 6,
        recursions: Count = 6,
        share: bool = True,
        gate: bool = True,
        long_term: bool = True,
        supervision: Literal["all", "last"] = "all",
        colour: Colour = "y",
        init: InitRule = "kaiming",
        init_gain: Gain = 1.0,
    ) -> None:
        super().__init__()
        require_scale("memnet", scale, range(2, 9), "it is enlarged by a whole number up to 8.")
        require_positive("memnet", channels=channels, blocks=blocks, recursions=recursions)
        self.init_rule, self.init_gain = init, init_gain
        self.scale, self.channels, self.long_term = scale, planes(colour), long_term
        self.first_norm = nn.BatchNorm2d(self.channels)
        self.first = Conv(self.channels, channels)
        self.blocks = nn.ModuleList(
            MemoryBlock(channels, recursions, (place + 1) * long_term, share=share, gate=gate)
            for place in range(blocks)
        )
        pictures = blocks if supervision == "all" else 1
        self.last_norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(pictures))
        self.last = Float32Tail(channels, self.channels)
        every = torch.full((blocks,), 1 / blocks)
        self.ensemble = nn.Parameter(every) if supervision == "all" else None
        walk: list[Layer] = [("conv", 3)] * (2 * recursions * blocks + 2)
        self.receptive_field = receptive_field(scale, [*walk, ("bicubic", scale)])

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Return SR pictures, see `Generator.forward`.

        The sum of the blocks' pictures is made by one convolution of the sum of their features,
        which is the same and what the published number of multiply-adds counts.
        """
        enlarged = bicubic_enlarge(lr, self.scale)
        made = self._last_features(enlarged)
        if self.ensemble is None:
            return self._picture(made[-1], enlarged)
        summed = _weighted(self.ensemble, made)
        total = self.ensemble.sum()
        bias = self.last.bias
        assert bias is not None
        picture: torch.Tensor = self.last(summed) + (total - 1) * bias.view(1, -1, 1, 1)
        return picture + total * enlarged

    def outputs(self, lr: torch.Tensor) -> list[torch.Tensor]:
        """Return in training mode each block's picture and their weighted sum, see `Generator`."""
        if self.ensemble is None or not self.training:
            return [self(lr)]
        enlarged = bicubic_enlarge(lr, self.scale)
        made = [self._picture(each, enlarged) for each in self._last_features(enlarged)]
        return [*made, _weighted(self.ensemble, made)]

    def _last_features(self, enlarged: torch.Tensor) -> list[torch.Tensor]:
        """Return what the last convolution sees: one per supervised block."""
        x = self.first(F.relu(self.first_norm(enlarged)))
        memories = [x]
        for block in self.blocks:
            x = block(x, memories if self.long_term else [])
            memories.append(x)
        supervised = memories[-len(self.last_norms) :]
        pairs = zip(self.last_norms, supervised, strict=True)
        return [F.relu(norm(features), inplace=True) for norm, features in pairs]

    def _picture(self, features: torch.Tensor, enlarged: torch.Tensor) -> torch.Tensor:
        picture: torch.Tensor = self.last(features) + enlarged
        return picture


def _weighted(weights: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
    """Return the sum of maps times weights, in the weights' precision also under autocast."""
    pairs = zip(weights.unbind(), maps, strict=True)
    return functools.reduce(torch.add, (weight * each for weight, each in pairs))
