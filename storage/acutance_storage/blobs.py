"""What a store of bytes must do, and how the one in use is found."""

import os
from pathlib import Path
from typing import Protocol, runtime_checkable

from acutance_storage.errors import StorageError
from acutance_storage.folder import FolderStore, Stat

DEFAULT_STORE = ".acutance"
DEFAULT_LOCAL = ".acutance/local"
BLOB_CACHE = Path("cache", "blobs")
"""Below this machine's own folder: what it has of a far store."""


@runtime_checkable
class BlobStore(Protocol):
    """A place that keeps bytes under keys.

    Every write is atomic and durable: a reader sees the bytes before or the bytes after, never
    half, and what was written survives a crash as soon as the call has returned. A store can be
    pickled and means the same place in another process. `testing.BlobStoreContract` states all of
    this as tests.
    """

    @property
    def address(self) -> str:
        """Where the store is, in the form that `open_store` takes."""

    def read(self, key: str) -> bytes:
        """Return what is stored under `key`, or raise `KeyMissing`."""

    def write(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store `data` under `key`, in place of what was there."""

    def write_new(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Store `data` under `key`, or raise `KeyTaken` if there is something already."""

    def write_file(self, key: str, source: Path) -> None:
        """Store the content of the file `source` without holding it in memory."""

    def local_path(self, key: str) -> Path:
        """Return a file that holds the content of `key` and can be memory-mapped."""

    def exists(self, key: str) -> bool:
        """Say whether something is stored under `key`."""

    def stat(self, key: str) -> Stat:
        """Return the size of what is stored under `key` and when it was written."""

    def sha256(self, key: str) -> str:
        """Return the SHA-256, in hex, of what is stored under `key`, read anew."""

    def list(self, prefix: str) -> list[str]:
        """Return every key that begins with `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Forget `key`; one that is not there is fine."""

    def leftovers(self, before: float, *, delete: bool) -> int:
        """Count, and delete if asked, what writes left that began before then and never ended."""


def open_store(
    address: str | os.PathLike[str] | None = None, *, local: Path | None = None
) -> BlobStore:
    """Return the store at `address`; nothing is read or written yet.

    Args:
        address: A folder, absolute or relative to the working folder, which is made at the first
            write; or ``s3://BUCKET/PREFIX``, see `s3_address`. None takes the environment variable
            ACUTANCE_STORE, and ``./.acutance`` where that is not set.
        local: This machine's own folder, for what is kept of a far store; None takes
            `local_folder`.

    Raises:
        StorageError: If the address names neither.
    """
    said = os.fspath(address) if address is not None else os.environ.get("ACUTANCE_STORE", "")
    said = said or DEFAULT_STORE
    if said.startswith("s3://"):
        # boto3 takes a while to import, which a folder need not pay.
        from acutance_storage.s3_address import parse_s3_address
        from acutance_storage.s3_store import S3Store

        return S3Store(place=parse_s3_address(said), cache=(local or local_folder()) / BLOB_CACHE)
    if "://" in said:
        scheme = said.split("://", 1)[0]
        raise StorageError(
            f"ACUTANCE_STORE={said!r}: there are no {scheme}:// stores. Give a folder, or "
            "s3://BUCKET/PREFIX with ?endpoint=URL where the service is not Amazon's"
        )
    return FolderStore(root=Path(said).expanduser().absolute())


def local_folder() -> Path:
    """Return this machine's own folder: caches, reports, and what is on its way into the store.

    Returns:
        The environment variable ACUTANCE_LOCAL, or ``./.acutance/local``, as an absolute path.
    """
    said = os.environ.get("ACUTANCE_LOCAL", "") or DEFAULT_LOCAL
    return Path(said).expanduser().absolute()
