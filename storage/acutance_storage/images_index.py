"""A dataset's index: one Parquet file with a row per picture, readable by any tool.

With `images` this is the only module that knows Arrow.
"""

import io
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from acutance_storage.errors import BlobCorrupt, check_schema
from acutance_storage.records import Addition, Entry, Picture, Place, Stored

_SCHEMA = 3  # 1 has no maps; 1 and 2 have no lineage, origins and statistics
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
        ("map_sha256", pa.string()),
        ("map_shard", pa.string()),
        ("map_row", pa.int32()),
        ("cut_from", pa.string()),
        ("mean", pa.list_(pa.float32())),
        ("deviation", pa.list_(pa.float32())),
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
        classes: Classes of its segmentation maps; None without maps.
        lineage: Where its pictures came from, in the order in which they were added.
    """

    name: str
    version: str
    lr_scale: int | None
    entries: tuple[Entry, ...]
    classes: int | None = None
    lineage: tuple[Addition, ...] = ()


def dump_index(index: Index) -> bytes:
    """Return `index` as a Parquet file; the same index gives the same bytes."""
    head: dict[str, Any] = {
        "schema": _SCHEMA,
        "name": index.name,
        "version": index.version,
        "lr_scale": index.lr_scale,
        "classes": index.classes,
        "lineage": [asdict(addition) for addition in index.lineage],
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
            name=head["name"],
            version=head["version"],
            lr_scale=head["lr_scale"],
            entries=entries,
            classes=head.get("classes"),
            lineage=tuple(Addition(**addition) for addition in head.get("lineage", ())),
        )
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise BlobCorrupt(
            f"this is not the index of a dataset ({error}). Add the pictures again"
        ) from error


def _row(entry: Entry) -> dict[str, Any]:
    return {
        **vars(entry.picture),
        **vars(entry.place),
        "difference_hash": entry.difference_hash,
        **_beside("lr", entry.lr),
        **_beside("map", entry.map),
        "cut_from": entry.cut_from,
        "mean": entry.mean,
        "deviation": entry.deviation,
    }


def _beside(what: str, stored: Stored | None) -> dict[str, Any]:
    return {
        f"{what}_sha256": stored.sha256 if stored else None,
        f"{what}_shard": stored.place.shard if stored else None,
        f"{what}_row": stored.place.row if stored else None,
    }


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        picture=Picture(**{field.name: row[field.name] for field in fields(Picture)}),
        place=Place(shard=row["shard"], row=row["row"]),
        difference_hash=row["difference_hash"],
        lr=_stored("lr", row),
        map=_stored("map", row),
        cut_from=row.get("cut_from"),
        mean=tuple(row.get("mean") or ()),
        deviation=tuple(row.get("deviation") or ()),
    )


def _stored(what: str, row: dict[str, Any]) -> Stored | None:
    sha = row.get(f"{what}_sha256")
    if sha is None:
        return None
    return Stored(sha256=sha, place=Place(shard=row[f"{what}_shard"], row=row[f"{what}_row"]))
