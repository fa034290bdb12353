"""What a key of a store may look like: the same rule for every kind of store."""

import re

from acutance_storage.errors import KeyRefused

_PART = re.compile(r"[A-Za-z0-9_@=+,-][A-Za-z0-9_@=+,.-]*")
_SHA = re.compile(r"[0-9a-f]{64}")
_LONGEST_PART = 200  # file names end at 255 bytes; temporary names need some of it
_LONGEST_KEY = 900  # S3 ends at 1024


def check_key(key: str) -> str:
    """Return `key` if it can name something in a store.

    Args:
        key: Parts of letters, digits and ``_ - . @ = + ,`` joined by single slashes. No part
            begins with a dot, so a key can neither leave the store nor be a hidden file.

    Raises:
        KeyRefused: If it cannot.
    """
    parts = key.split("/")
    sound = all(_PART.fullmatch(part) and len(part) <= _LONGEST_PART for part in parts)
    if sound and len(key) <= _LONGEST_KEY:
        return key
    raise KeyRefused(
        f"{key!r} cannot be a key: parts of letters, digits and _ - . @ = + , joined by single "
        f"slashes, no part beginning with a dot or longer than {_LONGEST_PART}"
    )


def blob_key(sha256: str) -> str:
    """Return the key of the blob with this SHA-256, in hex.

    Raises:
        KeyRefused: If it is none.
    """
    if not _SHA.fullmatch(sha256):
        raise KeyRefused(f"{sha256!r} names no blob: 64 hexadecimal digits of a SHA-256 are needed")
    return f"blobs/{sha256[:2]}/{sha256}"


def blob_of(key: str) -> str | None:
    """Return the SHA-256 that a blob's key promises; None for other keys."""
    sha256 = key.rpartition("/")[2]
    return sha256 if _SHA.fullmatch(sha256) and key == blob_key(sha256) else None


def check_prefix(prefix: str) -> str:
    """Return `prefix` if a key could begin with it; it may be empty or end with a slash.

    Raises:
        KeyRefused: If no key can begin with it.
    """
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix
