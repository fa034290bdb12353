"""Blurs.

Borders are replicated; nothing is rounded. Sigmas are in pixels of the picture that the step gets:
HR pixels before the resize, LR pixels after it.
"""

import math
from typing import Annotated, ClassVar, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter1d

from acutance_models.degradations.step import (
    Amount,
    Picture,
    Step,
    as_float,
    draw,
    is_range,
    require_amount,
)
from acutance_models.errors import DegradationError

_CUT = 4.0  # sigmas after which a Gaussian is cut off
_SUM_TOLERANCE = 1e-3  # of a given kernel's sum around 1: room for rounded decimals


@final
class BlurIsotropic(Step):
    """A round Gaussian blur.

    Args:
        sigma: Standard deviation in pixels.
    """

    revision: ClassVar[int] = 1

    def __init__(self, *, sigma: Amount) -> None:
        require_amount("blur_isotropic", sigma=sigma)
        self.sigma = sigma
        self.random = is_range(sigma)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the blurred picture, float32."""
        sigma = draw(self.sigma, rng)
        blurred = as_float(picture)
        for axis in (0, 1):
            if sigma > 0:
                blurred = gaussian_filter1d(blurred, sigma, axis, mode="nearest", truncate=_CUT)
        return blurred


@final
class BlurAnisotropic(Step):
    """A Gaussian blur that is longer in one direction.

    Args:
        sigma_x: Standard deviation in pixels along the first axis, which lies horizontally at
            angle 0.
        sigma_y: Standard deviation in pixels across it.
        angle: Degrees by which the first axis is turned, counter-clockwise as seen.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        sigma_x: Amount,
        sigma_y: Amount,
        angle: float | tuple[float, float] = (0.0, 180.0),
    ) -> None:
        require_amount("blur_anisotropic", sigma_x=sigma_x, sigma_y=sigma_y)
        if isinstance(angle, tuple) and angle[0] > angle[1]:
            raise DegradationError(
                f"blur_anisotropic: angle={list(angle)} is upside down. Write the lower one first."
            )
        self.sigma_x, self.sigma_y, self.angle = sigma_x, sigma_y, angle
        self.random = any(is_range(each) for each in (sigma_x, sigma_y, angle))

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the blurred picture, float32."""
        sigmas = draw(self.sigma_x, rng), draw(self.sigma_y, rng)
        return _convolve(picture, gaussian_kernel(*sigmas, draw(self.angle, rng)))


@final
class BlurKernel(Step):
    """A blur with a given kernel, e.g. a measured one.

    Args:
        kernel: Rows of weights, odd height and width, with sum 1. It is a convolution: the
            kernel is the picture of a single white pixel.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        kernel: Annotated[list[Annotated[list[float], Field(min_length=1)]], Field(min_length=1)],
    ) -> None:
        if (
            len({len(row) for row in kernel}) != 1
            or len(kernel) % 2 == 0
            or len(kernel[0]) % 2 == 0
        ):
            shape = f"{len(kernel)} rows of {sorted({len(row) for row in kernel})}"
            raise DegradationError(
                f"blur_kernel: a kernel has equally long rows and an odd number of rows and "
                f"columns, got {shape}. Pad it with zeros."
            )
        total = math.fsum(weight for row in kernel for weight in row)
        if abs(total - 1) > _SUM_TOLERANCE:
            raise DegradationError(
                f"blur_kernel: the weights must add up to 1, else the picture changes its "
                f"brightness; they add up to {total:.6g}. Divide them by it."
            )
        self.kernel = np.array(kernel, dtype=np.float64) / total

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the blurred picture, float32."""
        return _convolve(picture, self.kernel)


def gaussian_kernel(sigma_x: float, sigma_y: float, degrees: float) -> NDArray[np.float64]:
    """Return a turned Gaussian, odd and square, with sum 1.

    Args:
        sigma_x: Standard deviation in pixels along the first axis; at least a tenth is used.
        sigma_y: The same across it.
        degrees: Angle of the first axis, counter-clockwise from horizontal.
    """
    sigma_x, sigma_y = max(sigma_x, 0.1), max(sigma_y, 0.1)
    reach = max(1, math.ceil(_CUT * max(sigma_x, sigma_y)))
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    turn = math.radians(degrees)
    along = right * math.cos(turn) - down * math.sin(turn)
    across = right * math.sin(turn) + down * math.cos(turn)
    kernel: NDArray[np.float64] = np.exp(-((along / sigma_x) ** 2 + (across / sigma_y) ** 2) / 2)
    kernel /= kernel.sum()
    return kernel


def _convolve(picture: Picture, kernel: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the picture convolved with a kernel, by overlapping Fourier transforms."""
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(as_float(picture), ((up, up), (left, left), (0, 0)), mode="edge")
    wide = padded.astype(np.float64)
    # Here, as scipy.signal takes longer to import than most commands take.
    from scipy.signal import oaconvolve

    blurred: NDArray[np.float64] = oaconvolve(wide, kernel[..., None], mode="valid", axes=(0, 1))
    return blurred.astype(np.float32)
