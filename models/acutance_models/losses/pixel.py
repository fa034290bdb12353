"""Pixel losses: distances between pictures, pixel by pixel.

Each is a module that takes (sr, hr), both (B, 3, H, W) and in [0, 1], and returns their mean
distance as a float32 scalar, whatever precision the pictures come in. The weight of a loss lives on
the term of the recipe, not here.
"""

from typing import Annotated, ClassVar, final

import torch
from pydantic import Field

from acutance_models.errors import PictureError
from acutance_models.losses.interface import PictureLoss


@final
class MSE(PictureLoss):
    """Mean squared error; its minimum maximises PSNR and is the mean of all possible pictures."""

    revision: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Return the mean of (sr - hr)^2."""
        return _difference(sr, hr).square().mean()


@final
class L1(PictureLoss):
    """Mean absolute error; less drawn to outliers than the squared one."""

    revision: ClassVar[int] = 1

    def __init__(self) -> None:
        super().__init__()

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Return the mean of |sr - hr|."""
        return _difference(sr, hr).abs().mean()


@final
class Charbonnier(PictureLoss):
    """An absolute error with a round bottom: the mean of sqrt((sr - hr)^2 + eps^2).

    Args:
        eps: Difference below which it behaves like a squared error, in units of the pictures.

    Source:
        Lai et al., CVPR 2017 (LapSRN), where eps = 1e-3.
    """

    revision: ClassVar[int] = 1

    def __init__(self, *, eps: Annotated[float, Field(gt=0)] = 1e-3) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Return the mean distance; `eps` for equal pictures."""
        return (_difference(sr, hr).square() + self.eps**2).sqrt().mean()


def _difference(sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
    """Return sr - hr in float32; a shape that would broadcast is a mistake and is refused."""
    if sr.shape != hr.shape:
        raise PictureError(
            f"A pixel loss compares pictures of one size, got {tuple(sr.shape)=} and "
            f"{tuple(hr.shape)=}. Crop the HR picture to a multiple of the scale."
        )
    return sr.float() - hr.float()
