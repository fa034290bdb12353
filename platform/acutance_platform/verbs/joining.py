"""Enlarged tiles put together to bands of a picture in 8 or 16 bits."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from acutance_models.tiling import Tile, faded


@final
class Strip:
    """The rows of SR pixels that tiles are being added to."""

    def __init__(self, height: int, width: int, scale: int, fade: int, bits: int = 8) -> None:
        self._bits = bits
        self._height, self._width, self._scale, self._fade = height, width, scale, fade
        # Blended tiles are sums, which are rounded at the end; others are rounded one by one.
        whole = np.uint16 if bits == 16 else np.uint8
        self._type = np.float32 if fade else whole
        self._first = 0
        self._rows: NDArray[Any] = np.zeros((0, width * scale, 3), self._type)

    def add(self, tile: Tile, sr: NDArray[Any]) -> None:
        """Add what a tile sees, enlarged, with the shares of its place."""
        down, rows_share = faded(tile.top, tile.bottom, self._height, self._fade, self._scale)
        right, columns_share = faded(tile.left, tile.right, self._width, self._fade, self._scale)
        place = tile.reached(down, right)
        made = sr[place.inside(self._scale)]
        if self._fade:
            made = made * (rows_share[:, None] * columns_share).numpy()[:, :, None]
        else:
            made = rounded(made, self._bits)
        lacking = (down.stop - self._first) * self._scale - self._rows.shape[0]
        if lacking > 0:
            empty = np.zeros((lacking, *self._rows.shape[1:]), self._type)
            self._rows = np.concatenate([self._rows, empty])
        columns = place.enlarged(self._scale).made[1]
        first = (down.start - self._first) * self._scale
        self._rows[first : first + made.shape[0], columns] += made

    def finished(self, tile: Tile) -> NDArray[Any]:
        """Return the rows that no tile below this one has a share of, and forget them."""
        last = self._height if tile.bottom == self._height else tile.bottom - self._fade
        number = (last - self._first) * self._scale
        done, self._rows, self._first = self._rows[:number], self._rows[number:], last
        return rounded(done, self._bits)


def rounded(sr: NDArray[Any], bits: int = 8) -> NDArray[Any]:
    """Return a picture in 8 or 16 bits; of [0, 1], or whole numbers that are left as they are."""
    if sr.dtype.kind == "u":
        return sr
    white, kind = (65535.0, np.uint16) if bits == 16 else (255.0, np.uint8)
    made: NDArray[Any] = np.floor(np.clip(sr, 0.0, 1.0) * white + 0.5).astype(kind)
    return made
