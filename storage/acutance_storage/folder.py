"""A store in a folder: one file per key, every write atomic and durable."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from acutance_storage.errors import (
    KeyMissing,
    KeyTaken,
    StorageError,
    StoreFull,
    StoreUnreachable,
)
from acutance_storage.keys import check_key, check_prefix

_TEMPORARY = ".tmp-"  # no key has a part that begins with a dot, so these are never listed
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@dataclass(frozen=True)
class Stat:
    """What a store knows of a key without reading it."""

    size: int
    """Bytes."""
    time: float
    """Seconds since the epoch at which it was written."""
    sha256: str | None = None
    """Of the content, where the store noted it with the write; None where only reading tells."""


@final
@dataclass(frozen=True, kw_only=True)
class FolderStore:
    """A `BlobStore` whose keys are files below one folder.

    A write goes to a hidden temporary file in the folder of its key, is forced to disk, and is
    then renamed: after a crash there is the old content or the new one, and at most a hidden
    file, which no method shows.

    Args:
        root: The folder, absolute; made at the first write.
    """

    root: Path

    @property
    def address(self) -> str:
        """The folder's absolute path."""
        return str(self.root)

    def read(self, key: str) -> bytes:
        """Return what is stored under `key`.

        Raises:
            KeyMissing: If there is nothing.
            StoreUnreachable: If the file cannot be read.
        """
        path = self._path(key)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyMissing(key, self.address) from None
        except OSError as error:
            raise explained(error, path) from error

    def write(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store `data` under `key`, in place of what was there.

        Raises:
            StoreFull: If it does not fit; what was there stays.
            StoreUnreachable: If the folder cannot be written.
        """
        self._publish(self._path(key), lambda file: _write_all(file, data), os.replace)

    def write_new(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store `data` under `key`, which must be new: of several writers exactly one succeeds.

        Raises:
            KeyTaken: If there is something already; it stays.
        """
        try:
            self._publish(self._path(key), lambda file: _write_all(file, data), _link)
        except FileExistsError:
            raise KeyTaken(f"{key!r} exists already in {self.address}") from None

    def write_file(self, key: str, source: Path) -> None:
        """Store the content of the file `source` without holding it in memory."""

        def copy(file: BinaryIO) -> None:
            with source.open("rb") as content:
                shutil.copyfileobj(content, file, length=1 << 20)

        self._publish(self._path(key), copy, os.replace)

    def local_path(self, key: str) -> Path:
        """Return the file that holds `key`; never write to it.

        Raises:
            KeyMissing: If there is nothing.
        """
        path = self._path(key)
        if not path.is_file():
            raise KeyMissing(key, self.address)
        return path

    def exists(self, key: str) -> bool:
        """Say whether something is stored under `key`."""
        path = self._path(key)
        # A network file system remembers for a while what is not there, until the folder is opened.
        with suppress(OSError):
            os.close(os.open(path.parent, os.O_RDONLY))
        return path.is_file()

    def stat(self, key: str) -> Stat:
        """Return the size of what is stored under `key` and when it was written.

        Raises:
            KeyMissing: If there is nothing.
        """
        found = self.local_path(key).stat()
        return Stat(found.st_size, found.st_mtime)

    def sha256(self, key: str) -> str:
        """Return the SHA-256, in hex, of what is stored under `key`, read anew.

        Raises:
            KeyMissing: If there is nothing.
        """
        path = self.local_path(key)
        with storage_errors(path):
            return file_sha256(path)

    def list(self, prefix: str) -> list[str]:
        """Return every key that begins with `prefix`, sorted; ``""`` gives all."""
        check_prefix(prefix)
        top = self.root / prefix.rpartition("/")[0]
        keys = (path.relative_to(self.root).as_posix() for path in _files(top))
        return sorted(key for key in keys if key.startswith(prefix))

    def delete(self, key: str) -> None:
        """Forget `key`; one that is not there is fine."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError):
            return
        except OSError as error:
            raise explained(error, path) from error

    def leftovers(self, before: float, *, delete: bool) -> int:
        """Count, and delete if asked, what writes left that began before then and never ended."""
        found = 0
        for path in self.root.rglob(f"{_TEMPORARY}*"):
            with suppress(FileNotFoundError):  # a write that has just ended
                if path.stat().st_mtime < before:
                    found += 1
                    if delete:
                        path.unlink()
        return found

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    def _publish(
        self,
        target: Path,
        fill: Callable[[BinaryIO], None],
        place: Callable[[Path, Path], None],
    ) -> None:
        """Fill a temporary file beside `target`, force it to disk, and put it in place."""
        temporary = target.parent / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
        with storage_errors(target):
            _make_folder(target.parent)
            try:
                with temporary.open("xb") as file:
                    fill(file)
                    file.flush()
                    os.fsync(file.fileno())
                place(temporary, target)
                _sync_folder(target.parent)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into errors of this package.

    `FileExistsError` passes, because it is an answer and not a failure.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise explained(error, path) from error


def explained(error: OSError, path: Path) -> StorageError:
    """Return the error of this package that says what `error` means for `path`."""
    text = error.strerror or str(error)
    if error.errno in _FULL:
        return StoreFull(
            f"no space left to write {path} ({text}); nothing half-written was kept. Free some "
            "space there, or set ACUTANCE_STORE and ACUTANCE_LOCAL to folders with more"
        )
    return StoreUnreachable(
        f"cannot use {path} ({text}). Check that the folder exists, is a folder, and may be "
        "written by you, or set ACUTANCE_STORE to another one"
    )


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_all(file: BinaryIO, data: bytes | bytearray | memoryview) -> None:
    file.write(data)


def _link(temporary: Path, target: Path) -> None:
    """Put `temporary` in place unless `target` exists: hard links decide that in one step."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        # A network file system may lose its answer and ask again: two names tell that it was us.
        if temporary.stat().st_nlink != 2:
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without hard links the name is claimed by an empty file and then replaced.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        temporary.replace(target)


def _make_folder(folder: Path) -> None:
    """Make `folder` and its parents so that they survive a crash."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file is in the way", str(folder)) from None
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[Path]:
    """Yield every visible file below `folder`; one that does not exist has none."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise explained(error, folder) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)
