"""Every error of this package, as one tree.

StorageError                what a caller may catch to catch all of it
├── KeyMissing              nothing is stored under this key
├── KeyTaken                a key that had to be new exists already
├── KeyRefused              text that cannot be a key (``..``, an absolute path, ...)
├── BlobCorrupt             stored bytes differ from the SHA-256 they are named by
├── SchemaUnknown           written by a newer acutance than this one
├── StoreFull               no space (or quota) left; nothing half-written stays visible
├── StoreUnreachable        the place of the store cannot be read or written
├── JournalDamaged          a record before the end of a journal is unreadable
├── JournalBusy             another process writes the same journal
├── DatasetError            what was asked of a dataset cannot be done; ``problems`` lists all
└── PictureUnreadable       one file is not a picture that can be used; ``reason`` says why
"""

from collections.abc import Sequence

# A message stays readable on a terminal; the attribute `problems` always holds all of them.
SHOWN_PROBLEMS = 20


class StorageError(Exception):
    """Anything that goes wrong with stored bytes."""


class KeyMissing(StorageError):
    """Nothing is stored under this key."""

    def __init__(self, key: str, address: str) -> None:
        super().__init__(key, address)
        self.key = key
        self.address = address

    def __str__(self) -> str:
        return f"nothing is stored under {self.key!r} in {self.address}"


class KeyTaken(StorageError):
    """A key that had to be new exists already."""


class KeyRefused(StorageError):
    """A text that cannot be a key of a store."""


class BlobCorrupt(StorageError):
    """Stored bytes are not what they were when they were written."""


class SchemaUnknown(StorageError):
    """Something stored has a schema version that this version does not know."""


class StoreFull(StorageError):
    """No space is left where the store lives."""


class StoreUnreachable(StorageError):
    """The place of the store cannot be read or written."""


class JournalDamaged(StorageError):
    """A journal is unreadable before its end, so that later records cannot be trusted."""


class JournalBusy(StorageError):
    """Another process appends to the same journal."""


class DatasetError(StorageError):
    """What was asked of a dataset cannot be done.

    Args:
        message: What is wrong, the rule, and the way out.
        problems: Everything found, one line each; the message shows the first twenty.
    """

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message, tuple(problems))
        self.message = message
        self.problems: tuple[str, ...] = tuple(problems)

    def __str__(self) -> str:
        lines = [self.message, *(f"  {text}" for text in self.problems[:SHOWN_PROBLEMS])]
        hidden = len(self.problems) - SHOWN_PROBLEMS
        return "\n".join([*lines, f"  and {hidden} more"] if hidden > 0 else lines)


class PictureUnreadable(StorageError):
    """One file is not a picture that can be used.

    Args:
        reason: Why, without the file's name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_schema(found: object, known: int, what: str) -> None:
    """Refuse something stored whose schema version is not one this version can read.

    Args:
        found: The version that was stored.
        known: The newest version that this code reads.
        what: What was read, for the message.

    Raises:
        SchemaUnknown: If `found` is no version from 1 to `known`.
    """
    if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= known:
        return
    raise SchemaUnknown(
        f"{what} has schema version {found!r}, and this acutance reads versions up to {known}: "
        "it was written by a newer version. Upgrade acutance, or use another ACUTANCE_STORE"
    )
