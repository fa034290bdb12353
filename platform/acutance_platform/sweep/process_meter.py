"""What a worker process and the ranks that it leads use, as the system accounts for it."""

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
        self._wall, self._others = time.monotonic(), 0.0

    def read(self, share: float, others: float = 0.0) -> list[float]:
        """Return seconds of CPU, and of wall time times GPUs, not yet told.

        Args:
            share: Share of a GPU, or number of GPUs.
            others: CPU seconds of the leg's other ranks, since it began.
        """
        cpu, wall = time.process_time(), time.monotonic()
        passed = [cpu - self._cpu + others - self._others, (wall - self._wall) * share]
        self._cpu, self._wall, self._others = cpu, wall, others
        return passed
