"""Pictures that need no file: every pixel is a formula of whole numbers."""

import numpy as np
from numpy.typing import NDArray


def formula_picture(height: int = 48, width: int = 36) -> NDArray[np.uint8]:
    """Return an RGB picture: a smooth ramp on the left, hard texture on the right."""
    y, x, colour = np.mgrid[:height, :width, :3]
    ramp = 40 + 3 * x + 2 * y + 25 * colour
    texture = 7 * x * x + 13 * y * y + 5 * x * y + 31 * colour * (x + y)
    return (np.where(x < width // 2, ramp, texture) % 256).astype(np.uint8)
