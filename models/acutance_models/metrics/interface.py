"""What every metric is, and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from acutance_models.errors import PictureError


class Metric(ABC):
    """A number that says how good an SR picture is.

    A subclass takes keyword arguments of plain values, and from the program, where it wants them,
    `files` (name -> bytes, see `needs`) and `device`; it is final.
    """

    revision: ClassVar[int]
    """Raised whenever the same pictures give another number."""
    colour: ClassVar[Literal["y", "rgb"]]
    """What it looks at: luma (H, W) or RGB (H, W, 3)."""
    better: ClassVar[Literal["max", "min"] | float]
    """Whether more or less is better; a number: the nearer to it, the better."""
    beside: ClassVar[Literal["hr", "lr"]] = "hr"
    """What the SR picture is held against. Beside `lr` the SR picture comes whole, without a
    border cut off, and neither luma is rounded."""
    pooling: ClassVar[Literal["mean", "root_mean_square"]] = "mean"
    """How the values of a set's pictures become the set's value."""
    label: int | None = None
    """Class of the segmentation map at whose pixels alone it looks, as lists of pixels; a picture
    that shows nothing of it has no value. None = everywhere, without a map."""

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the files that a metric of this resolved spec reads."""
        return ()

    def caution(self, height: int, width: int) -> str | None:
        """Return why the number of a picture of this size, inside the border, is to be doubted."""
        return None

    @abstractmethod
    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the metric of two prepared pictures, values in 0..255.

        Args:
            sr: Shape (H, W) or (H, W, 3).
            hr: What `beside` names: HR, of the same shape, or LR.
        """


def mean_squared_error(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """Return the mean of the squared differences, in squared grey levels."""
    require_same_shape(sr, hr)
    return float(np.mean(np.square(sr.astype(np.float64) - hr.astype(np.float64))))


def require_same_shape(sr: NDArray[Any], hr: NDArray[Any]) -> None:
    """Refuse pictures of different shapes.

    Raises:
        PictureError: With both shapes.
    """
    if sr.shape != hr.shape:
        raise PictureError(
            f"Pictures of one shape are compared, got SR {sr.shape} and HR {hr.shape}. "
            "Crop the HR picture to a multiple of the scale."
        )
