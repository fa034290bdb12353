"""What every discriminator is, whoever wrote it."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import nn

from acutance_models.errors import DiscriminatorError
from acutance_models.init import InitRule, fill_network


class Verdict(NamedTuple):
    """What a discriminator says of a batch."""

    logits: torch.Tensor
    """Before the sigmoid, higher = more like the real ones; shape (B, 1), or (B, 1, h', w') where
    it judges each place on its own."""

    classes: torch.Tensor | None = None
    """Logits of the auxiliary classifier, shape (B, classes); None where there is none."""


class Discriminator(nn.Module, ABC):
    """A network that tells real pictures, or feature maps, from generated ones.

    A subclass takes keyword arguments of plain values, and from the program `side` (pixels along
    the square it will see) and `inputs` (its channels); it refuses what it cannot build with a
    `DiscriminatorError`, and is final. It is born with zero weights; `init_parameters` draws the
    first values.
    """

    revision: ClassVar[int]
    """Raised whenever the same weights give another verdict, or the same seed other weights."""

    sees: ClassVar[Literal["picture", "features"]] = "picture"
    """RGB pictures in [0, 1], or maps of a feature network."""

    inputs: int
    """Channels it takes."""

    side: int | None
    """Side of the squares it takes; None = any size, oblong ones as well."""

    classes: int | None = None
    """Classes of the auxiliary classifier; None = it has none."""

    init_rule: InitRule = "kaiming"
    """Distribution of the first weights, see `init.fill_layer`."""

    spec: dict[str, Any]
    """The complete spec, side and inputs apart, from which `build_discriminator` made it."""

    @abstractmethod
    def forward(self, seen: torch.Tensor) -> Verdict:
        """Return the verdict on a batch.

        Args:
            seen: Shape (B, inputs, side, side).

        Raises:
            DiscriminatorError: If the batch has another shape.
        """

    def init_parameters(self, seed: int, name: str) -> None:
        """Draw the first value of every convolution and linear layer.

        Args:
            seed: The recipe's seed.
            name: Of the streams, "init/discriminator.NAME" with the name of the loss term that owns
                this discriminator, so that one more of them does not move the others' start.
        """
        fill_network(self, seed, name, lambda place: (self.init_rule, 1.0))

    def check(self, seen: torch.Tensor) -> None:
        """Refuse a batch that the head does not fit."""
        wanted = (self.inputs, self.side, self.side) if self.side else (self.inputs,)
        if seen.ndim != 4 or seen.shape[1 : 1 + len(wanted)] != wanted:
            rest = f"{self.side}, {self.side}" if self.side else "any, any"
            raise DiscriminatorError(
                f"This discriminator takes (pictures, {self.inputs}, {rest}), got "
                f"{tuple(seen.shape)}. Build it with this side, or with head=pooled."
            )
