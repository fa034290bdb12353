import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_disk import small_disk

from acutance_storage.blobs import local_folder, open_store
from acutance_storage.contents import blob_path, get_blob, has_blob, put_blob, put_blob_file
from acutance_storage.errors import (
    BlobCorrupt,
    KeyMissing,
    KeyRefused,
    SchemaUnknown,
    StorageError,
    StoreFull,
    StoreUnreachable,
)
from acutance_storage.folder import FolderStore
from acutance_storage.ingest import add_dataset
from acutance_storage.refs import delete_ref, get_ref, list_refs, set_ref


def everything(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk.folder


def test_a_full_disk_is_named_and_keeps_what_was_there(tiny_disk: Path, tmp_path: Path) -> None:
    store = FolderStore(root=tiny_disk / "store")
    store.write("ref", b"before")
    with pytest.raises(StoreFull, match="no space left"):
        store.write("ref", b"x" * 4_000_000)
    source = tmp_path / "large"
    source.write_bytes(b"x" * 4_000_000)
    with pytest.raises(StoreFull, match="ACUTANCE_STORE"):
        put_blob_file(store, source)
    assert everything(tiny_disk) == ["store/ref"]
    assert store.read("ref") == b"before"


def test_a_full_local_disk_stops_an_ingest_cleanly(
    tiny_disk: Path,
    store: FolderStore,
    monkeypatch: pytest.MonkeyPatch,
    photos: Callable[..., Path],
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tiny_disk))
    with pytest.raises(StoreFull, match="ACUTANCE_LOCAL"):
        add_dataset(store, "demo", photos("in", a=1, b=noise, c=2))
    # Nothing but what the same command goes on from.
    assert all(name.startswith("spool/ingest-") for name in everything(tiny_disk))
    assert store.list("") == []


def test_no_space_while_forcing_to_disk_leaves_nothing(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    store.write("a/b", b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match="quota"):
        store.write("a/b", b"after")
    assert everything(store.root) == ["a/b"]
    assert store.read("a/b") == b"before"


def test_file_and_folder_are_forced_to_disk_before_a_write_returns(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        happened.append(f"sync {os.readlink(f'/proc/self/fd/{descriptor}').split('/')[-1][:5]}")
        fsync(descriptor)

    def note_replace(old: Path, new: Path) -> None:
        happened.append(f"rename {new.name}")
        replace(old, new)

    store.write("a/first", b"")
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    store.write("a/b", b"x")
    assert happened == ["sync .tmp-", "rename b", "sync a"]


def test_what_a_killed_writer_left_is_never_listed(store: FolderStore) -> None:
    store.write("blobs/aa/x", b"")
    (store.root / "blobs/aa/.tmp-1-dead").write_bytes(b"half")
    (store.root / ".tmp-2-dead").mkdir()
    (store.root / ".tmp-2-dead/y").write_bytes(b"half")
    assert store.list("") == ["blobs/aa/x"]


def test_what_a_killed_writer_left_is_counted_and_deleted_when_it_is_old(
    store: FolderStore,
) -> None:
    store.write("blobs/aa/x", b"")
    (store.root / "blobs/aa/.tmp-1-dead").write_bytes(b"half")
    (store.root / "blobs/aa/.tmp-1-alive").write_bytes(b"half")
    os.utime(store.root / "blobs/aa/.tmp-1-dead", (0, 1000))
    assert store.leftovers(2000, delete=False) == 1
    assert store.leftovers(2000, delete=True) == 1
    assert everything(store.root) == ["blobs/aa/.tmp-1-alive", "blobs/aa/x"]


def test_new_keys_stay_exclusive_where_hard_links_do_not_exist(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    store.write_new("a", b"first")
    with pytest.raises(StorageError, match="exists already"):
        store.write_new("a", b"second")
    assert store.read("a") == b"first"


def test_a_link_whose_answer_was_lost_counts(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def asks_again(old: Path, new: Path) -> None:
        link(old, new)
        raise FileExistsError  # a network file system repeats what it got no answer to

    monkeypatch.setattr(os, "link", asks_again)
    store.write_new("a", b"first")
    monkeypatch.undo()
    with pytest.raises(StorageError, match="exists already"):
        store.write_new("a", b"second")
    assert store.read("a") == b"first"


def test_a_file_in_the_way_of_the_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = FolderStore(root=tmp_path / "file" / "store")
    with pytest.raises(StoreUnreachable, match="a file is in the way"):
        store.write("a", b"")


def test_the_address_comes_from_argument_environment_or_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACUTANCE_STORE", raising=False)
    monkeypatch.delenv("ACUTANCE_LOCAL", raising=False)
    assert open_store().address == str(tmp_path / ".acutance")
    assert local_folder() == tmp_path / ".acutance/local"
    monkeypatch.setenv("ACUTANCE_STORE", "there")
    monkeypatch.setenv("ACUTANCE_LOCAL", "here")
    assert open_store().address == str(tmp_path / "there")
    assert local_folder() == tmp_path / "here"
    assert open_store(tmp_path / "x").address == str(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(StorageError, match=r"gs://bucket.*no gs:// stores.*s3://"):
        open_store("gs://bucket/prefix")


def test_a_damaged_blob_is_named_and_healed_by_putting_it_again(store: FolderStore) -> None:
    sha = put_blob(store, b"weights")
    path = blob_path(store, sha)
    assert path.relative_to(store.root).as_posix() == f"blobs/{sha[:2]}/{sha}"
    path.write_bytes(b"wEights")
    with pytest.raises(BlobCorrupt, match=f"{sha}.*Put the same content again"):
        get_blob(store, sha)
    assert put_blob(store, b"weights") == sha
    assert get_blob(store, sha) == b"weights"


def test_a_blob_that_cannot_be_read_back_is_not_published(store: FolderStore) -> None:
    class Lying:
        """A disk that says it wrote and did not."""

        address = store.address
        stat, sha256 = store.stat, store.sha256

        def write(self, key: str, data: bytes) -> None:
            store.write(key, data[:-1])

    with pytest.raises(BlobCorrupt):
        put_blob(Lying(), b"weights")  # type: ignore[arg-type]


def test_blobs_from_files_and_bytes_are_the_same(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    sha = put_blob_file(store, tmp_path / "file")
    assert sha == put_blob(store, b"content")
    assert has_blob(store, sha)
    assert get_blob(store, sha) == b"content"
    with pytest.raises(KeyMissing):
        get_blob(store, "0" * 64)
    with pytest.raises(KeyRefused, match="64 hexadecimal"):
        get_blob(store, "../../etc/passwd")


def test_refs_move_list_and_vanish(store: FolderStore) -> None:
    assert get_ref(store, "sweeps", "quick") is None
    set_ref(store, "sweeps", "quick", {"a": 1})
    set_ref(store, "sweeps", "quick", {"a": [2, None, "ü"]})
    set_ref(store, "sweeps", "quick/t0000", {})
    set_ref(store, "models", "quick", {})
    assert get_ref(store, "sweeps", "quick") == {"a": [2, None, "ü"]}
    assert list_refs(store, "sweeps") == ["quick", "quick/t0000"]
    assert list_refs(store, "sweeps", "quick/") == ["quick/t0000"]
    delete_ref(store, "sweeps", "quick")
    assert list_refs(store, "sweeps") == ["quick/t0000"]
    with pytest.raises(StorageError, match="unknown kind of ref 'sweep'"):
        set_ref(store, "sweep", "quick", {})


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"schema":1}', b"\xff"])
def test_a_damaged_ref_is_named(store: FolderStore, text: bytes) -> None:
    store.write("refs/models/m.json", text)
    with pytest.raises(BlobCorrupt, match=r"refs/models/m\.json"):
        get_ref(store, "models", "m")


def test_a_ref_of_a_newer_version_is_refused(store: FolderStore) -> None:
    store.write("refs/models/m.json", b'{"schema":2,"value":{}}')
    with pytest.raises(SchemaUnknown, match=r"version 2.*Upgrade acutance"):
        get_ref(store, "models", "m")
