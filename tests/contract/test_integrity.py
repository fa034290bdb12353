"""`verify_store` finds what is damaged, says what depends on it, and mends what has a copy."""

import json

import pytest
from calling import photographs

from acutance_storage import (
    BlobCorrupt,
    BlobStore,
    Journal,
    NodeCache,
    add_dataset,
    blob_path,
    delete_blob,
    get_blob,
    local_folder,
    open_dataset,
    put_blob,
    set_ref,
    verify_store,
)
from acutance_storage.blobs import BLOB_CACHE
from acutance_storage.folder import FolderStore


@pytest.fixture
def store(every_store, tmp_path):
    """A store with a dataset, a model, and a journal that names weights."""
    add_dataset(every_store, "photos", photographs(tmp_path / "photos", 3))
    weights = put_blob(every_store, b"weights")
    set_ref(every_store, "models", "m", {"blob": weights})
    Journal(every_store, "sweeps/s").append({"do": "end", "weights": weights})
    return every_store


def key(sha: str) -> str:
    return f"blobs/{sha[:2]}/{sha}"


def test_a_sound_store_is_sound(store: BlobStore) -> None:
    found = verify_store(store)
    assert (found.damage, found.torn) == ([], [])
    assert (found.blobs, found.documents) == (3, 4)
    assert found.bytes == sum(store.stat(each).size for each in store.list("blobs/"))


def test_damage_is_listed_with_what_depends_on_it(store: BlobStore) -> None:
    dataset = open_dataset(store, "photos")
    shard, lone, weights = (
        dataset.parts(0)[0][1].shard,
        put_blob(store, b"l"),
        put_blob(store, b"w"),
    )
    set_ref(store, "models", "w", {"blob": weights})
    store.write(key(shard), b"damage")
    store.write(key(lone), b"damage")
    delete_blob(store, weights)
    store.write("blobs/zz/what", b"?")
    damage = {each.key: each for each in verify_store(store).left}
    assert set(damage) == {key(shard), key(lone), key(weights), "blobs/zz/what"}
    assert damage[key(shard)].problem == "its bytes have changed"
    assert damage[key(shard)].needed_by == (f"refs/datasets/photos@{dataset.version}.json",)
    assert damage[key(lone)].needed_by == ()
    assert damage[key(weights)].problem == "it is missing"
    assert damage[key(weights)].needed_by == ("refs/models/w.json",)


def test_damaged_documents_are_listed_and_a_torn_end_is_only_said(store: BlobStore) -> None:
    ref = json.loads(store.read("refs/models/m.json"))
    changed = {**ref, "value": {"blob": "0" * 64}}
    store.write("refs/models/m.json", json.dumps(changed).encode())
    store.write("refs/models/newer.json", b'{"schema":2,"value":{}}')
    store.write("refs/models/old.json", b'{"schema":1,"value":{"a":1}}')
    Journal(store, "sweeps/torn").append({"n": 1}, {"n": 2})
    Journal(store, "sweeps/bad").append({"n": 1}, {"n": 2})
    for name, wrong in (("torn", b'"n":2'), ("bad", b'"n":1')):
        (segment,) = store.list(f"journals/sweeps/{name}/")
        store.write(segment, store.read(segment).replace(wrong, b'"n":7'))
    found = verify_store(store)
    damage = {each.key: each.problem for each in found.damage}
    assert set(damage) == {"refs/models/m.json", "refs/models/newer.json", "journals/sweeps/bad"}
    assert "Upgrade acutance" in damage["refs/models/newer.json"]
    assert found.torn == ["journals/sweeps/torn"]


def test_what_has_a_copy_is_repaired(store: BlobStore, tmp_path) -> None:
    backup = FolderStore(root=tmp_path / "backup")
    cache = NodeCache(local_folder() / BLOB_CACHE)
    shard = open_dataset(store, "photos").parts(0)[0][1].shard
    for each in store.list("blobs/"):
        backup.write(each, store.read(each))
    weights, lone = put_blob(store, b"weights"), put_blob(store, b"lone")
    store.write(key(shard), b"damage")
    store.write(key(lone), b"damage")
    delete_blob(store, weights)
    backup.write(key(weights), b"damaged too")
    cache.fetch(weights, lambda: 7, lambda path: path.write_bytes(b"weights"))
    assert {each.repaired_from for each in verify_store(store, copies=[backup]).damage} == {""}
    found = verify_store(store, copies=[backup, cache], repair=True)
    assert {each.key: each.repaired_from for each in found.damage} == {
        key(shard): backup.address,
        key(weights): str(cache.root),
        key(lone): "",
    }
    assert [each.key for each in verify_store(store).left] == [key(lone)]


@pytest.mark.parametrize("every_store", ["swift"], indirect=True)
def test_a_blob_found_damaged_in_use_is_repaired_from_the_nodes_copy(store: BlobStore) -> None:
    sha = put_blob(store, b"weights")
    blob_path(store, sha)
    store.write(key(sha), b"damage")
    assert get_blob(store, sha) == b"weights"
    assert store.sha256(key(sha)) == sha
    store.write(key(sha), b"damage")
    blob_path(store, sha).chmod(0o644)
    blob_path(store, sha).write_bytes(b"also")
    with pytest.raises(BlobCorrupt, match=sha):
        get_blob(store, sha)
