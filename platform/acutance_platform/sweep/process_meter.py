"""What a worker process uses, as the system accounts for it."""

import time
from typing import final


@final
class ProcessMeter:
    """Reads CPU time since the process began, and GPU time of its legs, each once.

    All that a process does is somebody's: imports, opening, uploads in the background. What it uses
    after one leg has told its last is told by the next.
    """

    def __init__(self) -> None:
        self._cpu = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin a leg: the time that passed while the process waited for it held no GPU."""
        self._wall = time.monotonic()

    def read(self, share: float) -> list[float]:
        """Return seconds of CPU, and of wall time times the share of a GPU, not yet told."""
        cpu, wall = time.process_time(), time.monotonic()
        passed = [cpu - self._cpu, (wall - self._wall) * share]
        self._cpu, self._wall = cpu, wall
        return passed
