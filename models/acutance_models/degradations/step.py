"""What a step of a degradation is, and how it draws its numbers."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from acutance_models.color import round_to_uint8
from acutance_models.errors import DegradationError

Picture = NDArray[Any]
"""Shape (H, W, 3), values in 0..255: uint8, or float32 that no step has rounded yet."""

NonNegative = Annotated[float, Field(ge=0)]
Amount = NonNegative | tuple[NonNegative, NonNegative]
"""A value, or [low, high] from which each picture draws its own, evenly."""


class Step(ABC):
    """One thing that happens to a picture.

    A step computes in float32 unless it says that it needs 8 bits; then it first rounds what it
    gets (half up, clipped), as writing a file would.
    """

    revision: ClassVar[int]
    """Raised whenever the same picture and random numbers give another result."""
    resizes: ClassVar[bool] = False
    """Whether it is the step that makes the picture smaller."""
    random: bool = False
    """Whether two calls may differ."""

    @abstractmethod
    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the changed picture; the given one is left as it is."""


def is_range(amount: object) -> bool:
    """Return whether an amount is drawn anew for each picture."""
    return isinstance(amount, tuple) and amount[0] != amount[1]


def require_amount(step: str, **amounts: float | tuple[float, float]) -> None:
    """Refuse ranges that are upside down and amounts that never do anything.

    Raises:
        DegradationError: With name, value and way out.
    """
    for name, amount in amounts.items():
        low, high = amount if isinstance(amount, tuple) else (amount, amount)
        if low > high:
            raise DegradationError(
                f"{step}: {name}=[{low}, {high}] is upside down. Write [{high}, {low}]."
            )
        if high <= 0:
            raise DegradationError(
                f"{step}: {name}={high} changes nothing. Leave the step out, or raise it above 0."
            )


def draw(amount: float | tuple[float, float], rng: np.random.Generator) -> float:
    """Return the amount, drawn evenly from its range where it has one."""
    return float(rng.uniform(*amount)) if isinstance(amount, tuple) else float(amount)


def as_float(picture: Picture) -> NDArray[np.float32]:
    """Return the picture as float32."""
    return picture.astype(np.float32)


def as_uint8(picture: Picture) -> NDArray[np.uint8]:
    """Return the picture in 8 bits, rounded where it is not yet."""
    return picture if picture.dtype == np.uint8 else round_to_uint8(picture)
