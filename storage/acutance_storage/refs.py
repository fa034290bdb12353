"""Refs: small JSON documents under movable names, ``refs/<kind>/<name>.json``.

A ref points at blobs. It is moved only after what it points at is stored, so that following one
never ends in nothing.
"""

import json
import zlib
from typing import Any

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import BlobCorrupt, KeyMissing, StorageError, check_schema

KINDS = ("datasets", "evaluations", "features", "ingests", "ledgers", "models", "stages", "sweeps")
_SCHEMA = 1


def set_ref(store: BlobStore, kind: str, name: str, value: dict[str, Any]) -> None:
    """Let `name` mean `value`, in place of what it meant.

    Args:
        store: Where it is kept.
        kind: One of `KINDS`.
        name: Parts joined by slashes, as in a key.
        value: Anything JSON can say.

    Raises:
        StorageError: If the kind or name cannot be, or it cannot be written.
    """
    document = {"schema": _SCHEMA, "crc": _crc(value), "value": value}
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    store.write(_key(kind, name), text.encode())


def get_ref(store: BlobStore, kind: str, name: str) -> dict[str, Any] | None:
    """Return what `name` means, or None.

    Raises:
        BlobCorrupt: If the document is not readable.
        SchemaUnknown: If a newer acutance wrote it.
    """
    key = _key(kind, name)
    try:
        document = json.loads(store.read(key))
        schema, value = document["schema"], document.get("value")
    except KeyMissing:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(store, key) from error
    check_schema(schema, _SCHEMA, f"{key} in {store.address}")
    # Refs from before checksums have none.
    if not isinstance(value, dict) or document.get("crc", _crc(value)) != _crc(value):
        raise _damaged(store, key)
    return value


def delete_ref(store: BlobStore, kind: str, name: str) -> None:
    """Forget `name`; one that is not there is fine. What it pointed at stays."""
    store.delete(_key(kind, name))


def list_refs(store: BlobStore, kind: str, prefix: str = "") -> list[str]:
    """Return the names of `kind` that begin with `prefix`, sorted."""
    start = f"refs/{_checked(kind)}/"
    keys = store.list(start + prefix)
    return sorted(key.removeprefix(start).removesuffix(".json") for key in keys)


def _crc(value: object) -> str:
    """Return the CRC-32, in hex, of a value in one fixed spelling."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):08x}"


def _key(kind: str, name: str) -> str:
    return f"refs/{_checked(kind)}/{name}.json"


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise StorageError(f"unknown kind of ref {kind!r}; known: {', '.join(KINDS)}")
    return kind


def _damaged(store: BlobStore, key: str) -> BlobCorrupt:
    return BlobCorrupt(
        f"{key} in {store.address} is not a ref that can be read. Restore it from a backup, or "
        "delete it and make again what it named; the blobs it pointed at are still there"
    )
