"""Sons: fathers made smaller the way the picture itself is taken to have been made smaller."""

from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from acutance_models.errors import DegradationError
from acutance_models.resize import matlab_resize, resized_size

Picture = NDArray[np.float32]
Factors = tuple[float, float]


@final
class Shrink:
    """Makes pictures smaller by fixed factors.

    Args:
        factors: Height and width before over height and width after, 1 or more.
        kernel: Rows of weights of any positive sum; the picture is correlated with it (the first
            row and column weigh the pixels above and to the left) and subsampled, after
            `fitted_kernel`. None resizes as MATLAB's bicubic does.

    Raises:
        DegradationError: If the kernel is none, or the factors of a kernel are no whole number.
    """

    def __init__(self, factors: Factors, kernel: NDArray[np.floating] | None = None) -> None:
        self._factors = factors
        self._kernel = None if kernel is None else fitted_kernel(kernel, _whole(factors))

    def __call__(self, picture: Picture, size: tuple[int, int] | None = None) -> Picture:
        """Return the smaller picture.

        Args:
            picture: Shape (H, W, C), any range.
            size: Height and width of the result; None rounds up.

        Returns:
            Shape (*size, C), not clipped.
        """
        inverse = (1 / self._factors[0], 1 / self._factors[1])
        size = size or resized_size((picture.shape[0], picture.shape[1]), inverse)
        if self._kernel is None:
            return matlab_resize(picture, scale=inverse, size=size)
        return _correlated(picture, self._kernel, _whole(self._factors), size)


def enlarge(picture: Picture, factors: Factors, size: tuple[int, int] | None = None) -> Picture:
    """Return a picture enlarged by MATLAB's bicubic, by these factors and to this size."""
    return matlab_resize(picture, scale=factors, size=size)


def with_noise(son: Picture, deviation: float, rng: np.random.Generator) -> Picture:
    """Return the picture with normal noise of this standard deviation, clipped to [0, 1]."""
    noisy = son
    if deviation > 0:
        noisy = son + np.float32(deviation) * rng.standard_normal(son.shape, dtype=np.float32)
    return np.clip(noisy, 0.0, 1.0)


def fitted_kernel(kernel: NDArray[np.floating], factor: int) -> NDArray[np.float64]:
    """Return a kernel of sum 1 whose result lies where a bicubic enlargement expects it.

    The centre of mass is moved (by cubic splines, after padding) so that the LR pixel stands over
    the middle of its `factor` x `factor` HR pixels. For a kernel of odd side this is what the
    authors' code does; for an even side theirs is half an HR pixel off, and this is not.

    Args:
        kernel: Two axes, finite, with a positive sum.
        factor: HR pixels per LR pixel.

    Raises:
        DegradationError: If it is no such kernel.
    """
    if kernel.ndim != 2 or not np.isfinite(kernel).all() or not kernel.sum() > 0:
        raise DegradationError(
            f"A kernel has rows and columns of finite numbers with a positive sum, got shape "
            f"{kernel.shape} with sum {kernel.sum():g}."
        )
    weights = kernel.astype(np.float64) / kernel.sum()
    places = [np.arange(side, dtype=np.float64) for side in weights.shape]
    mass = np.array([places[0] @ weights.sum(axis=1), places[1] @ weights.sum(axis=0)])
    wanted = np.array(weights.shape) // 2 + (factor - 1) / 2
    shift = wanted - mass
    padded = np.pad(weights, int(np.ceil(np.abs(shift).max())) + 1)
    moved: NDArray[np.float64] = ndimage.shift(padded, shift)
    moved /= moved.sum()
    return moved


def _correlated(
    picture: Picture, kernel: NDArray[np.float64], factor: int, size: tuple[int, int]
) -> Picture:
    """Return every `factor`-th pixel of the correlation; borders are replicated."""
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    down = max((size[0] - 1) * factor + kernel.shape[0] - up - picture.shape[0], 0)
    right = max((size[1] - 1) * factor + kernel.shape[1] - left - picture.shape[1], 0)
    padded = np.pad(picture.astype(np.float64), ((up, down), (left, right), (0, 0)), mode="edge")
    made = np.zeros((*size, picture.shape[2]))
    for row, column in zip(*np.nonzero(kernel), strict=True):
        rows = slice(row, row + (size[0] - 1) * factor + 1, factor)
        columns = slice(column, column + (size[1] - 1) * factor + 1, factor)
        made += kernel[row, column] * padded[rows, columns]
    return made.astype(picture.dtype)


def _whole(factors: Factors) -> int:
    if factors[0] != factors[1] or factors[0] != int(factors[0]):
        raise DegradationError(f"A kernel belongs to one whole scale, not to factors {factors}.")
    return int(factors[0])
