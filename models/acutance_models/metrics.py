"""Picture metrics, computed in float64 on values from 0 to 255.

A metric compares two prepared pictures; which colour, rounding and border they were prepared with
is a protocol's business (see `protocols`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from acutance_models.errors import PictureError
from acutance_models.registry import Registry

_PEAK = 255.0
_SSIM_SIDE = 11
_SSIM_SIGMA = 1.5
_SSIM_C1 = (0.01 * _PEAK) ** 2
_SSIM_C2 = (0.03 * _PEAK) ** 2


class Metric(ABC):
    """A number that says how close an SR picture is to its HR picture."""

    revision: ClassVar[int]
    """Raised whenever the same pictures give another number."""
    colour: ClassVar[Literal["y", "rgb"]]
    """What it compares: luma (H, W) or RGB (H, W, 3)."""
    better: ClassVar[Literal["max", "min"]]
    """Whether more or less is better."""
    pooling: ClassVar[Literal["mean", "root_mean_square"]] = "mean"
    """How the values of a set's pictures become the set's value."""

    @abstractmethod
    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the metric of two prepared pictures of one shape, values in 0..255."""


@final
class PsnrY(Metric):
    """Peak signal-to-noise ratio on luma, in dB."""

    revision = 1
    colour = "y"
    better = "max"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return dB; infinite if and only if the pictures are equal."""
        return psnr(sr, hr)


@final
class PsnrRgb(Metric):
    """Peak signal-to-noise ratio over all three colours at once, in dB."""

    revision = 1
    colour = "rgb"
    better = "max"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return dB; infinite if and only if the pictures are equal."""
        return psnr(sr, hr)


@final
class SsimY(Metric):
    """Structural similarity on luma."""

    revision = 1
    colour = "y"
    better = "max"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the mean of the map, at most 1."""
        return ssim(sr, hr)


@final
class SsimRgb(Metric):
    """Structural similarity, mean over the three colours."""

    revision = 1
    colour = "rgb"
    better = "max"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the mean of the three maps, at most 1."""
        return sum(ssim(sr[..., each], hr[..., each]) for each in range(3)) / 3


@final
class Rmse(Metric):
    """Root of the mean squared error on luma, in grey levels of 255; of a set, of all its errors.

    A set's value is sqrt(mean over pictures of MSE), not the mean of the pictures' values.

    Source:
        PIRM 2018, evaluate_results.m of the organisers.
    """

    revision = 1
    colour = "y"
    better = "min"
    pooling = "root_mean_square"

    def __init__(self) -> None:
        pass

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return grey levels; zero if and only if the pictures are equal."""
        return math.sqrt(_mean_squared_error(sr, hr))


METRICS: Registry[Metric] = Registry(
    "metric", psnr_rgb=PsnrRgb, psnr_y=PsnrY, rmse=Rmse, ssim_rgb=SsimRgb, ssim_y=SsimY
)


def pooled(name: str, values: Sequence[float]) -> float:
    """Return a metric's value for a set from the values of its pictures.

    Args:
        name: Row of `METRICS`.
        values: One per picture, at least one.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if METRICS.build({"kind": name}).pooling == "root_mean_square":
        return float(np.sqrt(np.mean(np.square(numbers))))
    return float(np.mean(numbers))


def psnr(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """Return 10 log10(255^2 / mean((sr - hr)^2)) in dB, `math.inf` for equal pictures.

    Args:
        sr: Any shape, values in 0..255.
        hr: The same shape.

    Raises:
        PictureError: If the shapes differ.
    """
    error = _mean_squared_error(sr, hr)
    return math.inf if error == 0 else 10 * math.log10(_PEAK**2 / error)


def ssim(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """Return the mean structural similarity of two planes.

    An 11x11 Gaussian window (sigma 1.5) slides over the places where it fits; K = (0.01, 0.03),
    L = 255.

    Args:
        sr: Shape (H, W), both at least 11, values in 0..255.
        hr: The same shape.

    Raises:
        PictureError: If the shapes differ or the window does not fit.

    Source:
        Wang et al., IEEE TIP 2004. Differs from the authors' code: no shrinking beforehand.
    """
    _require_same_shape(sr, hr)
    if sr.ndim != 2 or min(sr.shape) < _SSIM_SIDE:
        raise PictureError(
            f"SSIM needs a plane of at least {_SSIM_SIDE}x{_SSIM_SIDE} pixels inside the border, "
            f"got {sr.shape}. Leave this picture out or compare PSNR alone."
        )
    # Grey 128 as zero changes no variance and keeps the squares small.
    x = sr.astype(np.float64) - 128
    y = hr.astype(np.float64) - 128
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    covariance = _window_mean(x * y) - mean_x * mean_y
    variances = _window_mean(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    mean_x += 128
    mean_y += 128
    numerator = (2 * mean_x * mean_y + _SSIM_C1) * (2 * covariance + _SSIM_C2)
    denominator = (mean_x**2 + mean_y**2 + _SSIM_C1) * (variances + _SSIM_C2)
    return float(np.mean(numerator / denominator))


def _window_mean(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian-weighted mean around each place where the window fits."""
    reach = _SSIM_SIDE // 2
    weights = np.exp(-np.square(np.arange(-reach, reach + 1) / _SSIM_SIGMA) / 2)
    weights /= weights.sum()
    rows = correlate1d(plane, weights, axis=0)[reach:-reach]
    means: NDArray[np.float64] = correlate1d(rows, weights, axis=1)[:, reach:-reach]
    return means


def _mean_squared_error(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    _require_same_shape(sr, hr)
    return float(np.mean(np.square(sr.astype(np.float64) - hr.astype(np.float64))))


def _require_same_shape(sr: NDArray[Any], hr: NDArray[Any]) -> None:
    if sr.shape != hr.shape:
        raise PictureError(
            f"Pictures of one shape are compared, got SR {sr.shape} and HR {hr.shape}. "
            "Crop the HR picture to a multiple of the scale."
        )
