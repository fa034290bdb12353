"""What the doctor finds, and how long it waits for it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, final

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What was looked at."""
    verdict: Literal["ok", "warning", "failure"]
    """`failure` keeps sweeps from running; `warning` makes them slow or fragile."""
    said: str
    """What was found."""
    advice: str = ""
    """What to do about it; empty where nothing is wrong."""


@final
class Aside(Generic[T]):
    """A question in a thread of its own, begun at once, for whose answer nobody waits too long.

    Args:
        ask: The question; what never returns is left behind.
    """

    def __init__(self, ask: Callable[[], T]) -> None:
        self._answer: list[T] = []
        self._error: Exception | None = None

        def run() -> None:
            try:
                self._answer.append(ask())
            except Exception as error:
                self._error = error

        self._thread = threading.Thread(target=run, name="doctor", daemon=True)
        self._thread.start()

    def result(self, limit: float) -> T:
        """Return the answer.

        Raises:
            TimeoutError: If there is none after `limit` seconds.
            Exception: What the question raised.
        """
        self._thread.join(limit)
        if self._error is not None:
            raise self._error
        if not self._answer:
            raise TimeoutError(f"no answer within {limit:.0f} s")
        return self._answer[0]
