"""Everything stored says its schema version, and an unknown newer one is refused with advice."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acutance_storage.contents import get_blob, put_blob
from acutance_storage.dataset import open_dataset
from acutance_storage.errors import SchemaUnknown
from acutance_storage.folder import FolderStore
from acutance_storage.images_index import load_index
from acutance_storage.ingest import add_dataset
from acutance_storage.journal import Journal
from acutance_storage.leases import Leases
from acutance_storage.refs import get_ref, set_ref

Photos = Callable[..., Path]


def newer_index(data: bytes, schema: int) -> bytes:
    table = pq.read_table(pa.BufferReader(data))
    head = json.loads(table.schema.metadata[b"acutance.dataset"])
    head["schema"] = schema
    sink = pa.BufferOutputStream()
    metadata = {b"acutance.dataset": json.dumps(head).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return bytes(sink.getvalue())


def test_a_datasets_index_of_a_newer_version_is_refused(store: FolderStore, photos: Photos) -> None:
    dataset = add_dataset(store, "demo", photos("in", a=1)).dataset
    name = f"demo@{dataset.version}"
    index = get_blob(store, str((get_ref(store, "datasets", name) or {})["index"]))
    assert load_index(newer_index(index, 3)).lineage == dataset.lineage
    set_ref(store, "datasets", name, {"index": put_blob(store, newer_index(index, 4))})
    with pytest.raises(SchemaUnknown, match=r"'demo' has schema version 4.*Upgrade acutance"):
        open_dataset(store, "demo")


def test_an_index_from_before_lineage_is_read(store: FolderStore, photos: Photos) -> None:
    dataset = add_dataset(store, "demo", photos("in", a=1)).dataset
    ref = get_ref(store, "datasets", f"demo@{dataset.version}") or {}
    table = pq.read_table(pa.BufferReader(get_blob(store, str(ref["index"]))))
    old = table.drop_columns(["cut_from", "mean", "deviation"])
    head = json.loads(table.schema.metadata[b"acutance.dataset"])
    del head["lineage"]
    metadata = {b"acutance.dataset": json.dumps({**head, "schema": 2}).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(old.replace_schema_metadata(metadata), sink)
    index = load_index(bytes(sink.getvalue()))
    assert (index.version, index.lineage) == (dataset.version, ())
    assert (index.entries[0].mean, index.entries[0].origin) == ((), dataset.pictures[0].sha256)
    set_ref(
        store, "datasets", f"demo@{dataset.version}",
        {"index": put_blob(store, bytes(sink.getvalue()))},
    )  # fmt: skip
    assert open_dataset(store, "demo").statistics.mean == ()
    again = add_dataset(store, "demo", photos("more", b=2)).dataset
    assert [line.added for line in again.lineage] == [1]


def test_a_claim_of_a_newer_version_is_refused(store: FolderStore) -> None:
    Journal(store, "sweeps/s").append({"n": 1})
    claim = {"schema": 2, "sign": "0" * 8, "time": time.time()}
    store.write("claims/sweeps/s/0002.json", json.dumps(claim).encode())
    with pytest.raises(SchemaUnknown, match=r"claims/sweeps/s/0002\.json has schema version 2"):
        Journal(store, "sweeps/s").append({"n": 2})


def test_a_lease_of_a_newer_version_is_refused(store: FolderStore) -> None:
    Leases(store, "one").take("key")
    assert json.loads(store.read("leases/key.json"))["schema"] == 1
    store.write("leases/key.json", b'{"schema": 2}')
    with pytest.raises(SchemaUnknown, match=r"leases/key\.json has schema version 2"):
        Leases(store, "two").holder("key")


def test_notes_of_an_interrupted_addition_by_another_version_are_not_used(
    store: FolderStore, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photos("in", a=1, b=2)

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_dataset(store, "demo", folder, progress=stop)
    (log,) = (store.root.parent / "local/spool").glob("ingest-*/log.jsonl")
    log.write_text(log.read_text().replace('{"v": 1', '{"v": 2'))
    report = add_dataset(store, "demo", folder)
    assert (report.resumed, report.added) == (0, 2)
