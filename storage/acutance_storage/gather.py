"""Which files a folder holds, in an order that does not depend on the file system."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from acutance_storage.errors import DatasetError


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was found below a folder.

    Args:
        files: Name (path below the folder, with slashes) and path of each file, by name.
        skipped: Name and reason of everything that was passed over.
    """

    files: tuple[tuple[str, Path], ...]
    skipped: tuple[tuple[str, str], ...]


def gather(folder: Path) -> Gathered:
    """Return every file below `folder`, recursively.

    Links are followed; a link back to a folder that was walked already is passed over, as are
    hidden files and folders (a leading dot), each with its reason.

    Raises:
        DatasetError: If `folder` is missing, not a folder, may not be read, or holds no file.
    """
    if not folder.exists():
        raise DatasetError(f"{folder} does not exist. Give the folder that holds the pictures")
    if not folder.is_dir():
        raise DatasetError(f"{folder} is a file. Give the folder that holds the pictures")
    walk = _Walk()
    walk.enter(folder, "")
    if not walk.files:
        raise DatasetError(
            f"{folder} holds no file. Give the folder that holds the pictures",
            [f"{name}: {reason}" for name, reason in walk.skipped],
        )
    return Gathered(files=tuple(sorted(walk.files)), skipped=tuple(sorted(walk.skipped)))


@dataclass
class _Walk:
    files: list[tuple[str, Path]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    walked: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, folder: Path, prefix: str) -> None:
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in self.walked:
                self.skipped.append(
                    (prefix or ".", "a folder that was read already under another name")
                )
                return
            self.walked.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            self.skipped.append((prefix or ".", f"may not be read ({error.strerror})"))
            return
        for entry in entries:
            self._take(entry, prefix + _printable(entry.name))

    def _take(self, entry: "os.DirEntry[str]", name: str) -> None:
        path = Path(entry.path)
        if entry.name.startswith("."):
            self.skipped.append((name, "hidden"))
        elif path.is_dir():
            self.enter(path, name + "/")
        elif not path.exists():
            self.skipped.append((name, "links to nothing"))
        else:
            self.files.append((name, path))


def _printable(name: str) -> str:
    """Return a file name that UTF-8 can say; bytes that it cannot become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
