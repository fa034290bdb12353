"""The steps that make a picture smaller by the recipe's scale."""

from typing import ClassVar, final

import numpy as np

from acutance_models.degradations.step import Picture, Step, as_float, as_uint8
from acutance_models.resize import matlab_resize, pil_resize, torch_resize


@final
class Box(Step):
    """The mean of each square of HR pixels, as a sensor's larger pixels take it; rounds nowhere."""

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, float32."""
        height, width = _smaller(picture, self.scale)
        squares = as_float(picture).reshape(height, self.scale, width, self.scale, 3)
        mean: Picture = squares.mean(axis=(1, 3))
        return mean


@final
class MatlabBicubic(Step):
    """MATLAB's bicubic on 8 bits, the one of the distributed benchmark pictures.

    Needs 8 bits; rounds after the vertical and after the horizontal pass.
    """

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, uint8."""
        return matlab_resize(as_uint8(picture), scale=1 / self.scale)


@final
class MatlabBicubicFloat(Step):
    """MATLAB's bicubic on floating-point pictures; rounds nowhere."""

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, float32."""
        return matlab_resize(as_float(picture), scale=1 / self.scale)


@final
class PilBicubic(Step):
    """Pillow's bicubic (antialiased, a = -0.5). Needs 8 bits."""

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, uint8."""
        return pil_resize(as_uint8(picture), _smaller(picture, self.scale), "bicubic")


@final
class PilLanczos(Step):
    """Pillow's Lanczos with three lobes, EnhanceNet's degradation. Needs 8 bits."""

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, uint8."""
        return pil_resize(as_uint8(picture), _smaller(picture, self.scale), "lanczos")


@final
class TorchBicubic(Step):
    """torch's antialiased bicubic (a = -0.5); rounds nowhere."""

    revision: ClassVar[int] = 1
    resizes: ClassVar[bool] = True

    def __init__(self, *, scale: int) -> None:
        self.scale = scale

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the smaller picture, float32."""
        return torch_resize(as_float(picture), _smaller(picture, self.scale))


def _smaller(picture: Picture, scale: int) -> tuple[int, int]:
    return picture.shape[0] // scale, picture.shape[1] // scale
