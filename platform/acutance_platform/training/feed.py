"""What a network learns from at a step: crops as it takes them."""

from typing import final

import torch

from acutance_models import Generator, luma_planes
from acutance_platform.recipe import Recipe
from acutance_platform.training.data import Batches, Pairs
from acutance_platform.training.pieces import Batch


@final
class Feed:
    """Gives one rank its part of the batch of each step.

    Args:
        pairs: The dataset's pictures.
        recipe: A stage's.
        device: Of this rank.
        rank: From 0.
    """

    def __init__(
        self, pairs: Pairs, recipe: Recipe, *, device: torch.device, rank: int = 0
    ) -> None:
        self._batches = Batches(pairs, recipe, device=device, rank=rank)

    def __call__(self, generator: Generator, step: int, attempt: int) -> Batch:
        """Return what the generator learns from at an absolute step.

        `attempt` counts the NaN guard's restarts, see `Batches`.
        """
        lr, hr = self._batches(step, attempt)
        if generator.channels == 1:
            lr, hr = luma_planes(lr), luma_planes(hr)
        takes_map = generator.condition_classes is not None
        return Batch(lr, hr, self._batches.condition(step, attempt) if takes_map else None)
