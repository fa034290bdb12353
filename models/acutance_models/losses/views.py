"""What the terms of a loss mix are given to see, and what discriminators say of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

import torch

Maps = dict[str, torch.Tensor]
"""Layer -> what a feature network makes of pictures there."""


@final
@dataclass(frozen=True)
class Views:
    """One batch as the terms of one step see it; made by `LossMix.look`."""

    outputs: Sequence[torch.Tensor]
    """What the generator made, the final picture last; float32, with their gradient."""
    hr: torch.Tensor
    """The real pictures, of the same shape."""
    labels: torch.Tensor | None
    """Class of each picture, shape (B,), where the data has them."""
    active: tuple[str, ...]
    """The terms that count at this step."""
    maps: dict[str, tuple[Maps, Maps]] = field(default_factory=dict)
    """Feature network -> maps of the final picture and of the real one, once they are needed."""

    @property
    def sr(self) -> torch.Tensor:
        """The final picture."""
        return self.outputs[-1]


class Critique(NamedTuple):
    """What the discriminators make of a batch."""

    losses: dict[str, torch.Tensor]
    """Term -> what its discriminator brings down (`LossMix.owners` names it), factors included."""
    statistics: dict[str, dict[str, torch.Tensor]]
    """Adversarial term -> `accuracy_real`, `accuracy_fake`, `logit_gap`."""
