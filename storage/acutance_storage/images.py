"""Files of decoded pictures: Arrow IPC, uncompressed, memory-mapped, read without a copy.

One record batch per picture, so that its pixels are one contiguous run of the file. With
`images_index` this is the only module that knows Arrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import final, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from acutance_storage.errors import BlobCorrupt, KeyMissing, check_schema
from acutance_storage.folder import storage_errors

_SCHEMA = 1
_COLUMNS = pa.schema(
    [("height", pa.int32()), ("width", pa.int32()), ("pixels", pa.large_binary())],
    metadata={"acutance.pictures": str(_SCHEMA)},
)
_MAGIC = 8  # bytes before the first message of an Arrow file

Pixels = NDArray[np.uint8]


@final
class PictureWriter:
    """Writes pictures into a new file, one after the other.

    Use it as a context manager: the file is complete when the block ends.

    Args:
        path: The file, replaced if it exists. It is not put in place atomically; publish it with
            `BlobStore.write_file`.

    Raises:
        StoreFull: If it does not fit; from any method.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0
        with storage_errors(path):
            self._sink = pa.OSFile(str(path), "wb")
            self._writer = pa.ipc.new_file(self._sink, _COLUMNS)

    def __enter__(self) -> "PictureWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, pixels: Pixels, *, depth: int = 3) -> int:
        """Add one picture and return its row.

        Args:
            pixels: Shape (H, W, depth), uint8, H and W at least 1.
            depth: Numbers per pixel: 3 = RGB; a segmentation map has others.

        Raises:
            ValueError: If it is something else.
        """
        fits = pixels.ndim == 3 and pixels.shape[2] == depth and pixels.size
        if not fits or pixels.dtype != np.uint8:
            raise ValueError(
                f"a picture of shape {pixels.shape} and type {pixels.dtype} cannot be stored: "
                f"(H, W, {depth}) in uint8 is needed"
            )
        height, width, _ = pixels.shape
        data = pa.py_buffer(np.ascontiguousarray(pixels).reshape(-1))
        offsets = pa.py_buffer(np.array([0, pixels.size], np.int64))
        cell = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, data])
        columns = [pa.array([height], pa.int32()), pa.array([width], pa.int32()), cell]
        with storage_errors(self.path):
            self._writer.write_batch(pa.record_batch(columns, schema=_COLUMNS))
        self.rows += 1
        self.bytes += pixels.size
        return self.rows - 1

    def close(self) -> None:
        """Complete the file."""
        with storage_errors(self.path):
            self._writer.close()
            self._sink.close()

    def abandon(self) -> None:
        """Let the file go as it is; `rows_of_torn` reads what is in it."""
        with suppress(pa.ArrowException, OSError):
            self._sink.close()


@final
class Pictures(Sequence[Pixels]):
    """The pictures of one file, as read-only views into its memory map.

    Opening maps the file and reads its end; a picture's pages come from disk when they are
    touched, and all processes on a machine share them. It can be pickled: the other process maps
    the file again.

    Args:
        path: A file that `write_pictures` or `PictureWriter` made.

    Raises:
        KeyMissing: If there is no such file.
        BlobCorrupt: If it is no such file, or not a whole one.
        SchemaUnknown: If a newer acutance wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._views: dict[int, Pixels] = {}
        try:
            self._reader = pa.ipc.open_file(pa.memory_map(str(path)))
        except FileNotFoundError:
            raise KeyMissing(path.name, str(path.parent)) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise self._corrupt(error) from error
        said = (self._reader.schema.metadata or {}).get(b"acutance.pictures", b"")
        if not said.isdigit():
            raise self._corrupt("it holds no pictures")
        check_schema(int(said), _SCHEMA, str(path))
        self._rows = int(self._reader.num_record_batches)  # asking Arrow takes microseconds

    def __reduce__(self) -> tuple[type["Pictures"], tuple[Path]]:
        return Pictures, (self.path,)

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pixels]: ...
    def __getitem__(self, index: int | slice) -> Pixels | list[Pixels]:
        """Return one picture, (H, W, depth), uint8, read-only; or a list of them for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        row = index + len(self) if index < 0 else index
        if not 0 <= row < len(self):
            raise IndexError(f"picture {index} of {len(self)} in {self.path}")
        if row not in self._views:
            self._views[row] = self._view(row)
        return self._views[row]

    def _view(self, row: int) -> Pixels:
        try:
            return _pixels(self._reader.get_batch(row))
        except (pa.ArrowException, OSError, ValueError, TypeError, IndexError) as error:
            raise self._corrupt(f"picture {row}: {error}") from error

    def _corrupt(self, what: object) -> BlobCorrupt:
        return BlobCorrupt(
            f"{self.path} is not a whole file of pictures ({what}). Delete it and make it again: "
            "add the same pictures, or run the same command"
        )


def rows_of_torn(path: Path) -> Iterator[Pixels]:
    """Yield the first pictures of a file that was never completed, up to where it breaks off.

    Their bytes may be wrong where the machine lost power: compare hashes. They are views of the
    file's memory map.
    """
    with suppress(StopIteration, pa.ArrowException, OSError, ValueError):
        file = pa.memory_map(str(path))
        file.seek(_MAGIC)  # what follows is a stream of batches
        stream = pa.ipc.open_stream(file)
        while True:
            yield _pixels(stream.read_next_batch())


def _pixels(batch: pa.RecordBatch) -> Pixels:
    """Return the only picture of a batch, as a view."""
    height, width = batch.column(0)[0].as_py(), batch.column(1)[0].as_py()
    # The column's own buffers: a cell's `as_buffer` would be a copy.
    _, offsets, data = batch.column(2).buffers()
    flat = np.frombuffer(data, np.uint8, int(np.frombuffer(offsets, np.int64, 2)[1]))
    return flat.reshape(height, width, -1)


def write_pictures(path: Path, pictures: Iterable[Pixels]) -> None:
    """Write `pictures`, each (H, W, 3) in uint8, into the file `path`.

    Raises:
        ValueError: If one of them is something else.
        StoreFull: If they do not fit.
    """
    with PictureWriter(path) as writer:
        for pixels in pictures:
            writer.append(pixels)


def open_pictures(path: Path) -> Pictures:
    """Return the pictures in the file `path` without reading them; see `Pictures`."""
    return Pictures(path)
