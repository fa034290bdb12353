"""In which way an SR picture departs: blunt edges, shifted colours, an LR picture of its own."""

from typing import Annotated, Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import sobel

from acutance_models.metrics.fidelity import largest, psnr
from acutance_models.metrics.interface import Metric, require_same_shape
from acutance_models.resize import matlab_resize

# Rows of BT.601 in full swing (JPEG): a grey shift of k is a brightness shift of k.
_BRIGHTNESS = np.array([0.299, 0.587, 0.114])
_CHROMA = {
    "cb": (np.array([0.0, 0.0, 1.0]) - _BRIGHTNESS) / 1.772,
    "cr": (np.array([1.0, 0.0, 0.0]) - _BRIGHTNESS) / 1.402,
}


@final
class EdgeAcutance(Metric):
    """How steep SR is along HR's edges: 1 = as sharp as HR, below 1 softer, above 1 overdrawn.

    The mean length of SR's luma gradient (Sobel) over HR's, both at the pixels where HR is
    steepest. It says nothing of anything beside edges: noise there counts for steepness.

    Args:
        share: Of the pixels inside the border that count as edges.
    """

    revision = 1
    colour = "y"
    better = 1.0

    def __init__(self, *, share: Annotated[float, Field(gt=0, le=1)] = 0.1) -> None:
        self._share = share

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the quotient, at least 0; 1 if HR is flat and so has no edge to lose."""
        require_same_shape(sr, hr)
        steepness = _steepness(hr)
        edges = largest(steepness, self._share)
        there = float(steepness[edges].mean())
        return float(_steepness(sr)[edges].mean()) / there if there else 1.0


@final
class BrightnessShift(Metric):
    """How much brighter SR is than HR on the whole: the mean of SR - HR, in grey levels of 255.

    Brightness is 0.299 R + 0.587 G + 0.114 B. The value keeps its sign, and a set's value is the
    mean, so that pictures which err both ways cancel: the values of the pictures tell.
    """

    revision = 1
    colour = "rgb"
    better = 0.0

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return grey levels; positive = SR is brighter."""
        return float(_mean_shift(sr, hr) @ _BRIGHTNESS)


@final
class ChromaShift(Metric):
    """How far SR's colour is off on the whole: the mean of SR - HR in Cb and Cr, of 255.

    Args:
        channel: `both`: the length of (Cb, Cr), never negative, one number to minimise; `cb`
            (positive = SR is bluer) and `cr` (positive = redder) keep their sign.
    """

    revision = 1
    colour = "rgb"
    better = 0.0

    def __init__(self, *, channel: Literal["both", "cb", "cr"] = "both") -> None:
        self._channel = channel

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return levels of full-swing Cb and Cr."""
        shift = _mean_shift(sr, hr)
        if self._channel == "both":
            return float(np.hypot(*(shift @ row for row in _CHROMA.values())))
        return float(shift @ _CHROMA[self._channel])


@final
class LrConsistency(Metric):
    """Whether SR shrinks to the LR picture that it was made from: PSNR between them, in dB.

    SR's luma, whole and not rounded again, is shrunk by MATLAB's bicubic and compared with LR's at
    every pixel. Where LR is of 8 bits, HR itself reaches about 60 dB, not infinity. Under another
    degradation than MATLAB's bicubic the number says little.
    """

    revision = 1
    colour = "y"
    better = "max"
    beside = "lr"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return dB.

        Args:
            sr: Shape (H, W).
            hr: LR, shape (h, w).
        """
        height, width = hr.shape[:2]
        return psnr(matlab_resize(sr.astype(np.float64), size=(height, width)), hr)


def _steepness(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return the length of the gradient at each pixel, in grey levels per pixel."""
    values = plane.astype(np.float64)
    steepness: NDArray[np.float64] = np.hypot(sobel(values, axis=0), sobel(values, axis=1)) / 8
    return steepness


def _mean_shift(sr: NDArray[Any], hr: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of SR - HR of each of the three colours."""
    require_same_shape(sr, hr)
    shift: NDArray[np.float64] = np.mean(sr.astype(np.float64) - hr.astype(np.float64), axis=(0, 1))
    return shift
