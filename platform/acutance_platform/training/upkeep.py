"""What every training does beside learning: report points, meters, repeatable arithmetic."""

import time
from collections.abc import Collection
from typing import final

import torch

from acutance_platform.recipe import Recipe


@final
class Meter:
    """Reads CPU time and GPU time, each time since the last reading."""

    def __init__(self, recipe: Recipe) -> None:
        self._share = float(recipe.resources.gpu)
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def read(self) -> tuple[float, float]:
        """Return seconds of this process's CPU, and of wall time times the share of the GPU."""
        cpu, wall = time.process_time(), time.monotonic()
        passed = cpu - self._cpu, (wall - self._wall) * self._share
        self._cpu, self._wall = cpu, wall
        return passed


def next_report(reported: int, every: int, points: Collection[int]) -> int:
    """Return the first report point after the last report, of those between and the given ones."""
    later = [point for point in points if point > reported]
    return min((reported // every + 1) * every, *later)


def set_backends(recipe: Recipe, device: torch.device) -> None:
    """Make the arithmetic repeatable: fixed threads, no algorithm chosen by timing."""
    torch.set_num_threads(recipe.resources.cpu)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
