"""PNG files written from top to bottom, so that no memory holds the whole picture.

Pillow keeps a picture whole, with four bytes for each pixel of colour, before it writes a file.
"""

import struct
import zlib
from typing import BinaryIO, final

import numpy as np
from numpy.typing import NDArray

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> IHDR's colour type
_ROWS = 64  # filtered at a time: five filters hold as many copies
_LARGEST = 2**31 - 1  # a side, and the length of a chunk
_PIECE = 1 << 20  # bytes of one IDAT chunk


@final
class PngWriter:
    """Writes one picture.

    Args:
        file: Open for writing; closing it is the caller's work.
        height: Rows that will come.
        width: Columns.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        bits: Per channel, 8 or 16.
        icc: Colour profile.
        exif: EXIF data, from its TIFF header on.

    Raises:
        ValueError: If a side is none that PNG can hold.

    Source:
        ISO/IEC 15948 (PNG), filters chosen by the smallest sum of absolute differences.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        height: int,
        width: int,
        channels: int,
        bits: int = 8,
        icc: bytes | None = None,
        exif: bytes | None = None,
    ) -> None:
        if not (0 < height <= _LARGEST and 0 < width <= _LARGEST):
            raise ValueError(f"a PNG has sides of 1 to {_LARGEST} pixels, not {height}x{width}")
        self._file, self._shape, self._left = file, (width, channels), height
        self._type = np.dtype(np.uint16 if bits == 16 else np.uint8)
        self._above = np.zeros((1, width, channels * bits // 8), np.uint8)
        # The strategy for differences: 2 to 10 % smaller than the one for text.
        self._packer = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
        self._packed = bytearray()
        file.write(b"\x89PNG\r\n\x1a\n")
        kind = _COLOUR_TYPES[channels]
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        if icc is not None:
            self._chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
        if exif is not None:
            self._chunk(b"eXIf", exif)

    def write(self, rows: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Append rows: shape (any, width, channels), uint8 or uint16 as there are bits."""
        assert rows.shape[1:] == self._shape, rows.shape
        assert rows.dtype == self._type, rows.dtype
        self._left -= rows.shape[0]
        for first in range(0, rows.shape[0], _ROWS):
            block = rows[first : first + _ROWS]
            # Filters work on bytes: with those of the same place in the pixels to left and above.
            data = np.frombuffer(block.astype(self._type.newbyteorder(">")).tobytes(), np.uint8)
            parts = data.reshape(-1, *self._above.shape[1:])
            self._packed += self._packer.compress(_filtered(parts, self._above))
            self._above = parts[-1:].copy()
            if len(self._packed) >= _PIECE:
                self._flush()

    def finish(self) -> None:
        """Write what is left and the end; all rows must have come."""
        assert self._left == 0, self._left
        self._packed += self._packer.flush()
        self._flush()
        self._chunk(b"IEND", b"")

    def _flush(self) -> None:
        self._chunk(b"IDAT", bytes(self._packed))
        self._packed.clear()

    def _chunk(self, kind: bytes, data: bytes) -> None:
        crc = zlib.crc32(data, zlib.crc32(kind))
        self._file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc))


def _filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8]) -> bytes:
    """Return rows as PNG stores them, each behind the number of its filter."""
    up = np.concatenate([above, rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, 1:], corner[:, 1:] = rows[:, :-1], up[:, :-1]
    # Differences wrap at 256 by definition, as unsigned bytes do.
    mean = ((left.astype(np.uint16) + up) >> np.uint16(1)).astype(np.uint8)
    made = np.stack([rows, rows - left, rows - up, rows - mean, rows - _paeth(left, up, corner)])
    size = np.abs(made.view(np.int8).astype(np.int16)).sum(axis=(2, 3), dtype=np.int64)
    best = size.argmin(axis=0)
    chosen = made[best, np.arange(rows.shape[0])].reshape(rows.shape[0], -1)
    return np.concatenate([best[:, None].astype(np.uint8), chosen], axis=1).tobytes()


def _paeth(
    left: NDArray[np.uint8], up: NDArray[np.uint8], corner: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the neighbour that is nearest to left + up - corner, in this order where equal."""
    a, b, c = (each.astype(np.int16) for each in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    nearest = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, nearest)
