"""Where pictures come from: a folder, or a prefix of a bucket that is never all on disk."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from acutance_storage.gather import gather

Identity = list[Any]
"""Changes when a file does; plain data."""


@dataclass(frozen=True)
class SourceFile:
    """A file that may be a picture."""

    name: str
    """Path below the source, with slashes."""
    identity: Identity
    """Of its content, as far as can be told without reading it."""


@dataclass(frozen=True)
class Fetched:
    """A file that can be read until the next one is asked for, or why it cannot be."""

    path: Path
    """On this machine's disk."""
    problem: str = ""
    """Why it is passed over; empty for nothing."""


class Source(Protocol):
    """Files that are listed at once and read one after the other."""

    @property
    def address(self) -> str:
        """Where it is, for a person."""

    @property
    def files(self) -> Sequence[SourceFile]:
        """What it holds, by name."""

    @property
    def skipped(self) -> Sequence[tuple[str, str]]:
        """Name and reason of everything that was passed over."""

    def fetch(self, files: Iterable[SourceFile], scratch: Path) -> Iterator[Fetched]:
        """Yield each of `files`, in order; `scratch` is a folder for what must be copied."""


@final
class FolderSource:
    """The files below a folder, see `gather`.

    Args:
        folder: Where they are.

    Raises:
        DatasetError: If it is no folder with files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = gather(folder)
        self._paths = dict(found.files)
        self.address = str(folder.absolute())
        self.files = [SourceFile(name, identity_of(path)) for name, path in found.files]
        self.skipped = found.skipped

    def fetch(self, files: Iterable[SourceFile], scratch: Path) -> Iterator[Fetched]:
        """Yield each of `files` where it lies."""
        del scratch  # nothing is copied
        for file in files:
            yield Fetched(self._paths[file.name])


def identity_of(path: Path | None) -> Identity:
    """Return size and time of a file's last change; nothing for no file, or one that is gone."""
    try:
        found = path.stat() if path else None
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns] if found else []
