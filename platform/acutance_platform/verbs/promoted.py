"""What a promotion or rollback tells: how far it is, and what became of it."""

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

STEPS: Final = ("reload", "measure", "decide", "publish")
"""What a promotion does, in this order; it may end after any of them."""


class Progress(Protocol):
    """Told of each step that begins, and of what it does."""

    def __call__(self, step: str, done: int, total: int, what: str = "") -> object:
        """Take one of `STEPS`, how many of its parts are done, of how many, and more in words."""


def silent(step: str, done: int, total: int, what: str = "") -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """What became of a promotion or rollback."""

    verdict: str
    """`promoted`, `refused` or `rolled back`."""
    reasons: list[str]
    """Why it was refused; all of them."""
    model: str
    """The registered model."""
    alias: str
    """Of it."""
    version: int | None
    """On which the alias stands now."""
    previous: int | None
    """On which it stood before; None where there was none."""
    figures: dict[str, Any] = field(default_factory=dict)
    """What the gate measured."""
    document: str | None = None
    """SHA-256 of the JSON in the store that has the figures of every picture."""
    notes: list[str] = field(default_factory=list)
    """What else there is to know."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return dict(vars(self))
