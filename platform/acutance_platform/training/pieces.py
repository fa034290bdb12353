"""Batches in parts, for stages whose whole batch does not fit into memory."""

from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """What one step learns from, as the generator takes it."""

    lr: Tensor
    """Shape (B, channels, p/s, p/s)."""
    hr: Tensor
    """Shape (B, channels, p, p)."""
    condition: Tensor | None
    """Class probabilities (B, classes, p, p) for a generator that takes a map."""

    @property
    def labels(self) -> Tensor | None:
        """The class that fills most of each crop, (B,); None without maps."""
        return None if self.condition is None else self.condition.mean(dim=(2, 3)).argmax(dim=1)


class Piece(NamedTuple):
    """A part of a batch whose loss counts by its share."""

    batch: Batch
    """Its crops."""
    share: float
    """Its crops over those of the whole batch."""


def pieces_of(batch: Batch, micro_batch: int | None, ranks: int = 1) -> list[Piece]:
    """Return the parts of a batch, each of `micro_batch` crops or, the last one, fewer.

    Args:
        batch: Of one step, or what one of several ranks computes of it.
        micro_batch: Crops computed together; None = all.
        ranks: Who compute equally large parts.
    """
    here = len(batch.hr)
    whole = here * ranks
    if micro_batch is None or micro_batch >= here:
        return [Piece(batch, here / whole)]
    found = []
    for low in range(0, here, micro_batch):
        part = slice(low, low + micro_batch)
        condition = None if batch.condition is None else batch.condition[part]
        cut = Batch(batch.lr[part], batch.hr[part], condition)
        found.append(Piece(cut, len(cut.hr) / whole))
    return found


class OutOfMemory(Exception):
    """A step of training did not fit into memory; a smaller micro-batch may.

    Args:
        stage: Whose step it was.
        crops: How many crops were computed together.
    """

    def __init__(self, stage: str, crops: int) -> None:
        super().__init__(f"stage {stage} ran out of memory with {crops} crops computed together")
        self.stage, self.crops = stage, crops

    def __reduce__(self) -> tuple[type["OutOfMemory"], tuple[str, int]]:
        return OutOfMemory, (self.stage, self.crops)


def lacks_memory(error: Exception) -> bool:
    """Say whether an error means that there was not enough memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # torch 2.13 has no class of its own for a CPU that has no memory left.
    said = str(error)
    return isinstance(error, RuntimeError) and ("allocate memory" in said or "not enough" in said)
