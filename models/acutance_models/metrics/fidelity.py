"""How near an SR picture is to its HR picture, in float64."""

import math
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import correlate1d, uniform_filter

from acutance_models.errors import PictureError
from acutance_models.metrics.interface import Metric, mean_squared_error, require_same_shape

_PEAK = 255.0
_SSIM_SIDE = 11
_SSIM_SIGMA = 1.5
_SSIM_C1 = (0.01 * _PEAK) ** 2
_SSIM_C2 = (0.03 * _PEAK) ** 2


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
        return math.sqrt(mean_squared_error(sr, hr))


@final
class PsnrYDetail(Metric):
    """Peak signal-to-noise ratio on luma where HR has most detail, in dB.

    Only the pixels count around which HR's luma varies most; all that vary as much as the last of
    them count with it.

    Args:
        share: Of the pixels inside the border that count; 1 makes it `psnr_y`.
        window: Side of the square over which the variance is taken, in HR pixels; it mirrors the
            picture at the border.
    """

    revision = 1
    colour = "y"
    better = "max"

    def __init__(
        self,
        *,
        share: Annotated[float, Field(gt=0, le=1)] = 0.1,
        window: Annotated[int, Field(ge=3)] = 7,
    ) -> None:
        self._share, self._window = share, window

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return dB; infinite if and only if the pictures are equal at these pixels."""
        require_same_shape(sr, hr)
        y = hr.astype(np.float64) - 128
        mean = uniform_filter(y, self._window)
        varied = largest(uniform_filter(y * y, self._window) - mean * mean, self._share)
        return psnr(sr[varied], hr[varied])


def largest(values: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Return where the largest values are, those equal to the smallest of them included.

    Args:
        values: Any shape, at least one value.
        share: Of the values, above 0, at most 1; rounded up to whole values.
    """
    least = values.size - math.ceil(share * values.size)
    chosen: NDArray[np.bool_] = values >= np.partition(values, least, axis=None)[least]
    return chosen


def psnr(sr: NDArray[Any], hr: NDArray[Any]) -> float:
    """Return 10 log10(255^2 / mean((sr - hr)^2)) in dB, `math.inf` for equal pictures.

    Args:
        sr: Any shape, values in 0..255.
        hr: The same shape.

    Raises:
        PictureError: If the shapes differ.
    """
    error = mean_squared_error(sr, hr)
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
    require_same_shape(sr, hr)
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
