"""Content addressing: a blob is immutable and named by the SHA-256 of its bytes.

Keys are ``blobs/aa/aabb...``. Writing the same content twice is harmless, so nothing here needs a
lock. What is read is checked against its name.
"""

import hashlib
import re
import time
from pathlib import Path

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import BlobCorrupt, KeyMissing, KeyRefused

RENEWED = 3600.0
"""Seconds after which content that is put again is written again, so that it is new to `garbage`:
whoever puts a blob names it within a day, and garbage younger than a day is kept."""

_SHA = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


def put_blob(store: BlobStore, data: bytes | bytearray | memoryview) -> str:
    """Store `data` and return its SHA-256 in hex.

    Content that is there already is checked and, where it was damaged or is not new, written again.

    Raises:
        BlobCorrupt: If what can be read back is not what was written.
        StoreFull: If it does not fit.
    """
    sha = hashlib.sha256(data).hexdigest()
    if not _is_fresh(store, sha):
        store.write(_key(sha), data)
        get_blob(store, sha)
    return sha


def put_blob_file(store: BlobStore, path: Path) -> str:
    """Store the content of the file `path`, however large, and return its SHA-256 in hex.

    Raises:
        BlobCorrupt: If what can be read back is not what was written.
        StoreFull: If it does not fit.
    """
    sha = file_sha256(path)
    if not _is_fresh(store, sha):
        store.write_file(_key(sha), path)
        if not _is_sound(store, sha):
            raise _corrupt(store, sha)
    return sha


def get_blob(store: BlobStore, sha: str) -> bytes:
    """Return the bytes whose SHA-256 is `sha`.

    Raises:
        KeyMissing: If the store does not have them.
        BlobCorrupt: If the stored bytes have another SHA-256.
    """
    data = store.read(_key(sha))
    if hashlib.sha256(data).hexdigest() != sha:
        raise _corrupt(store, sha)
    return data


def blob_path(store: BlobStore, sha: str) -> Path:
    """Return a file with the blob's content for memory mapping; its content is not checked.

    Raises:
        KeyMissing: If the store does not have it.
    """
    return store.local_path(_key(sha))


def has_blob(store: BlobStore, sha: str) -> bool:
    """Say whether the store has this blob."""
    return store.exists(_key(sha))


def delete_blob(store: BlobStore, sha: str) -> None:
    """Remove a blob; one that is not there is fine."""
    store.delete(_key(sha))


def check_blob(store: BlobStore, sha: str) -> None:
    """Hash a blob of any size where it lies.

    Raises:
        KeyMissing: If the store does not have it.
        BlobCorrupt: If the stored bytes have another SHA-256.
    """
    if file_sha256(blob_path(store, sha)) != sha:
        raise _corrupt(store, sha)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _is_fresh(store: BlobStore, sha: str) -> bool:
    return _is_sound(store, sha) and store.stat(_key(sha)).time > time.time() - RENEWED


def _is_sound(store: BlobStore, sha: str) -> bool:
    try:
        check_blob(store, sha)
    except (KeyMissing, BlobCorrupt):
        return False
    return True


def _key(sha: str) -> str:
    if not _SHA.fullmatch(sha):
        raise KeyRefused(f"{sha!r} names no blob: 64 hexadecimal digits of a SHA-256 are needed")
    return f"blobs/{sha[:2]}/{sha}"


def _corrupt(store: BlobStore, sha: str) -> BlobCorrupt:
    return BlobCorrupt(
        f"blob {sha} in {store.address} is damaged: its bytes have another SHA-256. Put the same "
        "content again (add the same pictures, or run the same stage) and it is replaced, or "
        f"restore blobs/{sha[:2]}/{sha} from a backup"
    )
