"""Trying again: full jitter between attempts, and a deadline for all of them together.

Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015): the wait before attempt n is
uniform between 0 and min(longest, first x 2^n), so that clients that failed together do not come
back together.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

FIRST_WAIT = 0.1
LONGEST_WAIT = 5.0

T = TypeVar("T")


class Fault(Exception):
    """One attempt failed.

    Args:
        code: What the other side calls it, such as ``SlowDown``.
        text: The same for people.
        status: HTTP status; 0 where no answer came.
        again: Whether the same attempt may go better later.
    """

    def __init__(self, code: str, text: str, *, status: int = 0, again: bool = False) -> None:
        super().__init__(code, text)
        self.code, self.text, self.status, self.again = code, text, status, again

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


def retried(
    attempt: Callable[[], T],
    *,
    deadline: float,
    wait: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Return what `attempt` returns, trying again while that may help.

    Args:
        attempt: Raises `Fault`; one whose `again` is False ends it at once.
        deadline: Seconds after which no further attempt begins.
        wait: Sleeps.
        clock: Returns seconds that never run backwards.

    Raises:
        Fault: The last one.
    """
    end, longest = clock() + deadline, FIRST_WAIT
    while True:
        try:
            return attempt()
        except Fault as fault:
            # Not the seeded generators of a training: those draws are part of its result.
            pause = _JITTER.uniform(0, longest)
            if not fault.again or clock() + pause >= end:
                raise
        wait(pause)
        longest = min(2 * longest, LONGEST_WAIT)


_JITTER = random.SystemRandom()
