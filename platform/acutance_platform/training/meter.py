"""What a training costs, read off this process."""

import time
from typing import final

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
