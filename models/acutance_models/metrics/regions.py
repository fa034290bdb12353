"""How near an SR picture is to its HR picture in what its segmentation map says is there."""

from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from acutance_models.errors import ProtocolError
from acutance_models.metrics.fidelity import psnr
from acutance_models.metrics.interface import Metric

Shares = NDArray[np.uint8] | NDArray[np.float32]


@final
class PsnrYClass(Metric):
    """Peak signal-to-noise ratio on luma at the pixels of one class of the map, in dB.

    A pixel belongs to the class with its largest share, the first of equals. A set's value is the
    mean over those of its pictures that show the class inside the border; the others have none.

    Args:
        label: The class, counted from 0, background.
    """

    revision = 1
    colour = "y"
    better = "max"

    def __init__(self, *, label: Annotated[int, Field(ge=0, le=255)]) -> None:
        self.label = label

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return dB; infinite if and only if the pixels are equal.

        Args:
            sr: Luma of the pixels of the class, shape (N,).
            hr: Of the same shape.
        """
        return psnr(sr, hr)


def classes_of_pixels(shares: Shares, shape: tuple[int, int]) -> NDArray[np.intp]:
    """Return the class of each pixel.

    Args:
        shares: Segmentation map, shape (H, W, classes).
        shape: H and W of the HR picture that it is of.

    Raises:
        ProtocolError: If it is of another size.
    """
    if shares.ndim != 3 or shares.shape[:2] != shape:
        raise ProtocolError(
            f"The segmentation map has the shape {shares.shape}, its HR picture is "
            f"{shape[0]}x{shape[1]}. Crop both to a multiple of the scale."
        )
    classes: NDArray[np.intp] = np.argmax(shares, axis=2)
    return classes
