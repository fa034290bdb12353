"""What stands on a store works alike on every kind of it."""

import time
from pathlib import Path

import numpy as np
import pytest
from calling import photographs

from acutance_storage import (
    BlobCorrupt,
    BlobStore,
    KeyMissing,
    add_dataset,
    blob_path,
    delete_ref,
    get_blob,
    get_ref,
    has_blob,
    list_datasets,
    list_refs,
    open_dataset,
    put_blob,
    put_blob_file,
    set_ref,
    unreachable,
    verify_dataset,
)
from acutance_storage.errors import JournalBusy
from acutance_storage.journal import Journal
from acutance_storage.leases import Leases
from acutance_storage.s3 import Wire
from acutance_storage.s3_store import S3Store


@pytest.fixture
def store(every_store: BlobStore) -> BlobStore:
    return every_store


def test_blobs_are_named_by_content_and_healed_by_putting_them_again(
    store: BlobStore, tmp_path: Path
) -> None:
    large = np.random.default_rng(0).bytes(9_000_000)
    (tmp_path / "file").write_bytes(large)
    sha = put_blob_file(store, tmp_path / "file")
    assert sha == put_blob(store, large)
    assert get_blob(store, sha) == large
    assert blob_path(store, sha).read_bytes() == large
    small = put_blob(store, b"weights")
    store.write(f"blobs/{small[:2]}/{small}", b"wEights")
    with pytest.raises(BlobCorrupt, match=small):
        get_blob(store, small)
    assert put_blob(store, b"weights") == small
    assert get_blob(store, small) == b"weights"
    assert not has_blob(store, "0" * 64)
    with pytest.raises(KeyMissing):
        blob_path(store, "0" * 64)


@pytest.mark.parametrize("every_store", ["moto", "swift"], indirect=True)
def test_a_damaged_blob_never_enters_a_cache(store: BlobStore) -> None:
    sha = put_blob(store, b"weights")
    store.write(f"blobs/{sha[:2]}/{sha}", b"wEights")
    with pytest.raises(BlobCorrupt, match=sha):
        blob_path(store, sha)
    put_blob(store, b"weights")
    assert blob_path(store, sha).read_bytes() == b"weights"


def test_refs_move_list_and_vanish(store: BlobStore) -> None:
    set_ref(store, "sweeps", "quick", {"a": 1})
    set_ref(store, "sweeps", "quick", {"a": [2, None, "ü"]})
    set_ref(store, "sweeps", "quick/t0000", {})
    assert get_ref(store, "sweeps", "quick") == {"a": [2, None, "ü"]}
    assert list_refs(store, "sweeps") == ["quick", "quick/t0000"]
    delete_ref(store, "sweeps", "quick")
    assert get_ref(store, "sweeps", "quick") is None


def test_a_journal_is_followed_taken_over_and_torn_at_its_end(store: BlobStore) -> None:
    first, follower = Journal(store, "sweeps/s"), Journal(store, "sweeps/s")
    first.append({"n": 1}, {"n": 2})
    first.append({"n": 3})
    assert follower.read_new() == [{"n": 1}, {"n": 2}, {"n": 3}]
    second = Journal(store, "sweeps/s")
    second.append({"n": 4})
    with pytest.raises(JournalBusy):
        first.append({"n": "lost"})
    assert follower.read_new() == [{"n": 4}]
    assert follower.read_new() == []
    (end,) = [key for key in store.list("journals/sweeps/s/") if "/00000003-0002" in key]
    store.write(end, store.read(end)[:-9])
    torn = Journal(store, "sweeps/s")
    assert [record["n"] for record in torn.read()] == [1, 2, 3]
    assert torn.cut == 1
    Journal(store, "sweeps/s").append({"n": 5})
    assert [record["n"] for record in Journal(store, "sweeps/s").read()] == [1, 2, 3, 5]


def test_a_lease_is_seen_by_others(store: BlobStore) -> None:
    one, other = Leases(store, "one"), Leases(store, "two")
    one.take("ab")
    assert other.held_by_another("ab")
    one.let_go("ab")
    assert not Leases(store, "two").held_by_another("ab")


def test_a_dataset_is_added_mapped_verified_and_collected(store: BlobStore, tmp_path: Path) -> None:
    dataset = add_dataset(store, "photos", photographs(tmp_path / "photos")).dataset
    assert [row.name for row in list_datasets(store)] == ["photos"]
    again = open_dataset(store, "photos")
    for index in range(len(dataset)):
        np.testing.assert_array_equal(dataset.hr(index), again.hr(index))
    assert verify_dataset(store, "photos") == []
    lone = put_blob(store, b"lone")
    assert [blob.sha256 for blob in unreachable(store, before=2e9)] == [lone]
    shard = dataset.parts(0)[0][1].shard
    store.write(f"blobs/{shard[:2]}/{shard}", b"damage")
    assert any(shard in line for line in verify_dataset(store, "photos"))


@pytest.mark.parametrize("every_store", ["moto", "swift"], indirect=True)
def test_an_upload_that_was_killed_is_cleared_away(store: S3Store) -> None:
    wire = Wire(store.place, 10.0)
    name = f"{store.place.prefix}/half"
    upload = wire.call("create_multipart_upload", Key=name)["UploadId"]
    wire.call("upload_part", Key=name, UploadId=upload, PartNumber=1, Body=b"x" * 100)
    assert store.leftovers(0, delete=True) == 0  # it is younger
    assert store.leftovers(time.time() + 60, delete=False) == 1
    assert store.leftovers(time.time() + 60, delete=True) == 1
    assert store.leftovers(time.time() + 60, delete=True) == 0
