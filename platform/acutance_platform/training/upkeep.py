"""What every training does beside learning: report points, meters, repeatable arithmetic."""

import time
from collections.abc import Callable, Collection
from typing import final

import torch

from acutance_platform.recipe import Recipe, rank_threads


@final
class Meter:
    """Reads CPU time and GPU time, each time since the last reading.

    Args:
        recipe: Whose resources the training holds.
        others: CPU seconds, so far, of the processes that train beside this one.
    """

    def __init__(self, recipe: Recipe, others: Callable[[], float] = float) -> None:
        self._share, self._others = float(recipe.resources.gpu), others
        self._cpu, self._wall = self._used(), time.monotonic()

    def read(self) -> tuple[float, float]:
        """Return seconds of CPU, and of wall time times the share or number of GPUs."""
        cpu, wall = self._used(), time.monotonic()
        passed = cpu - self._cpu, (wall - self._wall) * self._share
        self._cpu, self._wall = cpu, wall
        return passed

    def _used(self) -> float:
        return time.process_time() + self._others()


def next_report(reported: int, every: int, points: Collection[int]) -> int:
    """Return the first report point after the last report, of those between and the given ones."""
    later = [point for point in points if point > reported]
    return min((reported // every + 1) * every, *later)


def set_backends(recipe: Recipe, device: torch.device) -> None:
    """Make the arithmetic repeatable: fixed threads, no algorithm chosen by timing."""
    torch.set_num_threads(rank_threads(recipe.resources))
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
