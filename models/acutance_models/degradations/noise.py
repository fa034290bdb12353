"""What sensors and codecs add."""

import io
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from PIL import Image
from pydantic import Field

from acutance_models.degradations.step import (
    Amount,
    Picture,
    Step,
    as_float,
    as_uint8,
    draw,
    is_range,
    require_amount,
)
from acutance_models.errors import DegradationError

Quality = Annotated[int, Field(ge=1, le=100)]


@final
class NoiseGaussian(Step):
    """Independent normal noise on every pixel. Rounds and clips nothing.

    Args:
        sigma: Standard deviation in 8-bit levels (0..255).
        grey: The same noise on all three colours.
    """

    revision: ClassVar[int] = 1
    random = True

    def __init__(self, *, sigma: Amount, grey: bool = False) -> None:
        require_amount("noise_gaussian", sigma=sigma)
        self.sigma, self.grey = sigma, grey

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the noisy picture, float32, possibly outside 0..255."""
        sigma = np.float32(draw(self.sigma, rng))
        shape = (*picture.shape[:2], 1 if self.grey else 3)
        return as_float(picture) + sigma * rng.standard_normal(shape, dtype=np.float32)


@final
class NoisePoisson(Step):
    """Shot noise: each value becomes a count of photons. Rounds nothing but the counts.

    Args:
        photons: Expected count at white (255); fewer is noisier.
    """

    revision: ClassVar[int] = 1
    random = True

    def __init__(self, *, photons: Amount) -> None:
        require_amount("noise_poisson", photons=photons)
        if (photons[0] if isinstance(photons, tuple) else photons) <= 0:
            raise DegradationError(
                f"noise_poisson: {photons=} reaches 0, where no light is left. Start above 0."
            )
        self.photons = photons

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the noisy picture, float32, possibly above 255."""
        per_level = draw(self.photons, rng) / 255
        counts = rng.poisson(np.maximum(as_float(picture), 0) * per_level)
        return (counts / per_level).astype(np.float32)


@final
class Jpeg(Step):
    """Compression and decompression by a real JPEG codec, in memory. Needs 8 bits.

    Args:
        quality: libjpeg's quality, 1..100, or [low, high], ends included.
        subsampling: Whether colour is stored at half size (4:2:0), as cameras and the web do.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        quality: Quality | tuple[Quality, Quality],
        subsampling: Literal["4:2:0", "4:4:4"] = "4:2:0",
    ) -> None:
        require_amount("jpeg", quality=quality)
        self.quality, self.subsampling = quality, subsampling
        self.random = is_range(quality)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return the picture as it is read back, uint8."""
        quality = self.quality
        if isinstance(quality, tuple):
            quality = int(rng.integers(*quality, endpoint=True))
        file = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(as_uint8(picture)))
        image.save(file, "JPEG", quality=quality, subsampling=self.subsampling)
        return np.array(Image.open(file))
