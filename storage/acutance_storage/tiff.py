"""TIFF files of 16 bits per channel, written from top to bottom; Pillow writes none in colour."""

import struct
from typing import BinaryIO, final

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2**32 - 1  # an offset in a file that is no BigTIFF
_ROWS = 64  # of a strip, which readers hold at a time
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_SIZES = {_SHORT: "H", _LONG: "I"}


@final
class TiffWriter:
    """Writes one picture, uncompressed.

    EXIF data are a TIFF file without a picture; the file begins with them, so that all their
    offsets stay right, and the directory that is written at the end takes over their entries.

    Args:
        file: Open for writing, at its start, and able to seek; closing it is the caller's work.
        height: Rows that will come.
        width: Columns.
        channels: 1 grey, 3 RGB, 4 RGBA.
        icc: Colour profile.
        exif: EXIF data, from its TIFF header on.

    Raises:
        ValueError: If the file would be longer than a TIFF can be.

    Source:
        TIFF, revision 6.0 (Adobe 1992).
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        height: int,
        width: int,
        channels: int,
        icc: bytes | None = None,
        exif: bytes | None = None,
    ) -> None:
        start = exif if exif is not None else b"II*\0\x08\0\0\0\0\0"
        size = 2 * channels * width * height
        if size + len(start) + len(icc or b"") + 8 * height + 4096 > _LARGEST:
            raise ValueError(f"a TIFF holds 4 GiB at most, and these are {size:,} bytes")
        self._file, self._icc, self._exif = file, icc, start
        self._height, self._width, self._channels = height, width, channels
        self._order = "<" if start.startswith(b"II") else ">"
        self._written = 0
        file.write(start + b"\0" * (len(start) % 2))
        self._first = file.tell()

    def write(self, rows: NDArray[np.uint16]) -> None:
        """Append rows: shape (any, width, channels)."""
        assert rows.shape[1:] == (self._width, self._channels), rows.shape
        assert rows.dtype == np.uint16, rows.dtype
        self._written += rows.shape[0]
        self._file.write(np.ascontiguousarray(rows, f"{self._order}u2").tobytes())

    def finish(self) -> None:
        """Write the directory; all rows must have come."""
        assert self._written == self._height, self._written
        entries = self._kept() | self._own()
        place = self._file.tell()
        self._file.write(struct.pack(f"{self._order}H", len(entries)))
        self._file.write(b"".join(entries[tag] for tag in sorted(entries)))
        self._file.write(b"\0" * 4)  # no further picture
        self._file.seek(4)
        self._file.write(struct.pack(f"{self._order}I", place))

    def _kept(self) -> dict[int, bytes]:
        """Return the entries of the EXIF data's directory by their tags."""
        (place,) = struct.unpack_from(f"{self._order}I", self._exif, 4)
        (number,) = struct.unpack_from(f"{self._order}H", self._exif, place)
        found = [self._exif[place + 2 + 12 * i :][:12] for i in range(number)]
        return {struct.unpack_from(f"{self._order}H", entry)[0]: entry for entry in found}

    def _own(self) -> dict[int, bytes]:
        """Write what does not fit into entries; return them by their tags."""
        row = 2 * self._channels * self._width
        tops = range(0, self._height, _ROWS)
        lengths = [row * min(_ROWS, self._height - top) for top in tops]
        values = {
            256: (_LONG, [self._width]),
            257: (_LONG, [self._height]),
            258: (_SHORT, [16] * self._channels),
            259: (_SHORT, [1]),  # not compressed
            262: (_SHORT, [1 if self._channels == 1 else 2]),  # zero is black; RGB
            273: (_LONG, [self._first + row * top for top in tops]),
            277: (_SHORT, [self._channels]),
            278: (_LONG, [_ROWS]),
            279: (_LONG, lengths),
            284: (_SHORT, [1]),  # channels side by side
        }
        if self._channels == 4:
            values[338] = (_SHORT, [2])  # alpha, by which colours are not multiplied
        entries = {tag: self._entry(tag, *value) for tag, value in values.items()}
        if self._icc is not None:
            entries[34675] = self._placed(34675, _UNDEFINED, len(self._icc), self._icc)
        return entries

    def _entry(self, tag: int, kind: int, values: list[int]) -> bytes:
        data = struct.pack(f"{self._order}{len(values)}{_SIZES[kind]}", *values)
        return self._placed(tag, kind, len(values), data)

    def _placed(self, tag: int, kind: int, number: int, data: bytes) -> bytes:
        """Return an entry with its data inside, or with the place where they were written."""
        head = struct.pack(f"{self._order}HHI", tag, kind, number)
        if len(data) <= 4:
            return head + data.ljust(4, b"\0")
        place = self._file.tell()
        self._file.write(data + b"\0" * (len(data) % 2))
        return head + struct.pack(f"{self._order}I", place)
