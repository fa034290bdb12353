"""A dataset's index: one Parquet file with a row per picture, readable by any tool.

With `images` this is the only module that knows Arrow.
"""

import io
import json
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from acutance_storage.errors import BlobCorrupt, check_schema
from acutance_storage.records import Entry, Picture, Place, StoredLr

_SCHEMA = 1
_HEAD = b"acutance.dataset"
_COLUMNS = pa.schema(
    [
        ("name", pa.string()),
        ("sha256", pa.string()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("split", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("treatment", pa.string()),
        ("shard", pa.string()),
        ("row", pa.int32()),
        ("difference_hash", pa.binary(32)),
        ("lr_sha256", pa.string()),
        ("lr_shard", pa.string()),
        ("lr_row", pa.int32()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Index:
    """Everything about a dataset but its pixels.

    Args:
        name: The dataset's name.
        version: Hash of its content, in hex.
        lr_scale: HR pixels per LR pixel of its stored pairs; None without pairs.
        entries: Its pictures, by name.
    """

    name: str
    version: str
    lr_scale: int | None
    entries: tuple[Entry, ...]


def dump_index(index: Index) -> bytes:
    """Return `index` as a Parquet file; the same index gives the same bytes."""
    head = {
        "schema": _SCHEMA,
        "name": index.name,
        "version": index.version,
        "lr_scale": index.lr_scale,
    }
    schema = _COLUMNS.with_metadata({_HEAD: json.dumps(head).encode()})
    table = pa.Table.from_pylist([_row(entry) for entry in index.entries], schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def load_index(data: bytes) -> Index:
    """Return the index in a Parquet file.

    Raises:
        BlobCorrupt: If it is not one.
        SchemaUnknown: If a newer acutance wrote it.
    """
    try:
        # Not `pq.read_table`: its scanner's threads may drop our bytes while Python ends, and then
        # the process aborts after all work is done (seen with pyarrow 25, one exit in six).
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        table = file.read(use_threads=False)
        head = json.loads(table.schema.metadata[_HEAD])
        check_schema(head["schema"], _SCHEMA, f"the index of dataset {head.get('name')!r}")
        entries = tuple(_entry(row) for row in table.to_pylist())
        return Index(
            name=head["name"], version=head["version"], lr_scale=head["lr_scale"], entries=entries
        )
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise BlobCorrupt(
            f"this is not the index of a dataset ({error}). Add the pictures again"
        ) from error


def _row(entry: Entry) -> dict[str, Any]:
    picture, lr = entry.picture, entry.lr
    return {
        **vars(picture),
        **vars(entry.place),
        "difference_hash": entry.difference_hash,
        "lr_sha256": lr.sha256 if lr else None,
        "lr_shard": lr.place.shard if lr else None,
        "lr_row": lr.place.row if lr else None,
    }


def _entry(row: dict[str, Any]) -> Entry:
    lr = None
    if row["lr_sha256"] is not None:
        place = Place(shard=row["lr_shard"], row=row["lr_row"])
        lr = StoredLr(sha256=row["lr_sha256"], place=place)
    return Entry(
        picture=Picture(**{field.name: row[field.name] for field in fields(Picture)}),
        place=Place(shard=row["shard"], row=row["row"]),
        difference_hash=row["difference_hash"],
        lr=lr,
    )
