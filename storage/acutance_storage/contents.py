"""Content addressing: a blob is immutable and named by the SHA-256 of its bytes.

Keys are ``blobs/aa/aabb...``. Writing the same content twice is harmless, so nothing here needs a
lock. What is read is checked against its name.
"""

import hashlib
import time
from pathlib import Path

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import BlobCorrupt, KeyMissing
from acutance_storage.folder import file_sha256
from acutance_storage.keys import blob_key

RENEWED = 3600.0
"""Seconds after which content that is put again is written again, so that it is new to `garbage`:
whoever puts a blob names it within a day, and garbage younger than a day is kept."""


def put_blob(store: BlobStore, data: bytes | bytearray | memoryview) -> str:
    """Store `data` and return its SHA-256 in hex.

    Content that is there already is checked and, where it was damaged or is not new, written again.

    Raises:
        BlobCorrupt: If what can be read back is not what was written.
        StoreFull: If it does not fit.
    """
    sha = hashlib.sha256(data).hexdigest()
    if not _is_fresh(store, sha):
        store.write(blob_key(sha), data)
        if not _is_sound(store, sha):
            raise _corrupt(store, sha)
    return sha


def put_blob_file(store: BlobStore, path: Path) -> str:
    """Store the content of the file `path`, however large, and return its SHA-256 in hex.

    Raises:
        BlobCorrupt: If what can be read back is not what was written.
        StoreFull: If it does not fit.
    """
    sha = file_sha256(path)
    if not _is_fresh(store, sha):
        store.write_file(blob_key(sha), path)
        if not _is_sound(store, sha):
            raise _corrupt(store, sha)
    return sha


def get_blob(store: BlobStore, sha: str) -> bytes:
    """Return the bytes whose SHA-256 is `sha`.

    Raises:
        KeyMissing: If the store does not have them.
        BlobCorrupt: If the stored bytes have another SHA-256.
    """
    data = store.read(blob_key(sha))
    if hashlib.sha256(data).hexdigest() != sha:
        raise _corrupt(store, sha)
    return data


def blob_path(store: BlobStore, sha: str) -> Path:
    """Return a file with the blob's content for memory mapping.

    In a folder it is the stored file, which is not checked; else it is fetched once, checked.

    Raises:
        KeyMissing: If the store does not have it.
    """
    return store.local_path(blob_key(sha))


def has_blob(store: BlobStore, sha: str) -> bool:
    """Say whether the store has this blob."""
    return store.exists(blob_key(sha))


def delete_blob(store: BlobStore, sha: str) -> None:
    """Remove a blob; one that is not there is fine."""
    store.delete(blob_key(sha))


def check_blob(store: BlobStore, sha: str) -> None:
    """Hash a blob of any size where it lies.

    Raises:
        KeyMissing: If the store does not have it.
        BlobCorrupt: If the stored bytes have another SHA-256.
    """
    if store.sha256(blob_key(sha)) != sha:
        raise _corrupt(store, sha)


def _is_fresh(store: BlobStore, sha: str) -> bool:
    return _is_sound(store, sha) and store.stat(blob_key(sha)).time > time.time() - RENEWED


def _is_sound(store: BlobStore, sha: str) -> bool:
    """Say whether a blob is there and whole, as far as its store can tell without sending it."""
    try:
        noted = store.stat(blob_key(sha)).sha256
        return (noted or store.sha256(blob_key(sha))) == sha
    except KeyMissing:
        return False


def _corrupt(store: BlobStore, sha: str) -> BlobCorrupt:
    return BlobCorrupt(
        f"blob {sha} in {store.address} is damaged: its bytes have another SHA-256. Put the same "
        "content again (add the same pictures, or run the same stage) and it is replaced, or "
        f"restore blobs/{sha[:2]}/{sha} from a backup"
    )
