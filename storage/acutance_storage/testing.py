"""The contract of a blob store, as a test class that every store inherits.

class TestFolderStore(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FolderStore(root=tmp_path / "store")

A fixture of several stores makes it run on each of them.
"""

import hashlib
import pickle
import random
import re
import threading
import time
from pathlib import Path

import pytest

from acutance_storage.blobs import BlobStore
from acutance_storage.errors import KeyMissing, KeyRefused, KeyTaken

PART = 16 * 1024 * 1024
"""Bytes that far stores send and fetch at once."""

BAD_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a//b",
    "a/",
    "./a",
    ".hidden",
    "a/.hidden",
    "a\\b",
    "a b",
    "a\0b",
    "a\n",
    "ä",
    "x" * 201,
    "/".join(["x" * 100] * 10),
)


class BlobStoreContract:
    """What every `BlobStore` must do. Inherit it and give it a fixture named `store`."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        """Return an empty store."""
        raise NotImplementedError("a store's test class defines this fixture")

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 5000])
    def test_what_is_written_is_read(self, store: BlobStore, data: bytes) -> None:
        """Any bytes come back as they were."""
        store.write("a/b", data)
        assert store.read("a/b") == data
        assert store.exists("a/b")

    def test_views_of_memory_are_written_too(self, store: BlobStore) -> None:
        """A caller need not copy its buffer into bytes."""
        store.write("a", bytearray(b"one"))
        store.write("b", memoryview(b"xtwox")[1:4])
        assert (store.read("a"), store.read("b")) == (b"one", b"two")

    def test_a_second_write_replaces_the_first(self, store: BlobStore) -> None:
        """Refs move by being written again."""
        store.write("ref", b"long before")
        store.write("ref", b"after")
        assert store.read("ref") == b"after"

    def test_write_new_refuses_a_key_that_exists(self, store: BlobStore) -> None:
        """What stood there stays."""
        store.write_new("a/1", b"first")
        with pytest.raises(KeyTaken, match="a/1"):
            store.write_new("a/1", b"second")
        assert store.read("a/1") == b"first"

    def test_of_racing_new_writes_one_wins_and_is_whole(self, store: BlobStore) -> None:
        """Nobody ever reads a mixture, and the winner knows it."""
        barrier, won = threading.Barrier(8), []

        def race(number: int) -> None:
            barrier.wait()
            try:
                store.write_new("one", bytes([number]) * 10_000)
            except KeyTaken:
                return
            won.append(number)

        threads = [threading.Thread(target=race, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert store.read("one") == bytes(won) * 10_000

    def test_a_reader_sees_the_old_or_the_new_never_half(self, store: BlobStore) -> None:
        """While one thread replaces a key, another reads whole contents only."""
        contents = [bytes([i]) * 200_000 for i in range(20)]
        store.write("k", contents[0])

        def replace_all() -> None:
            for data in contents:
                store.write("k", data)

        writer = threading.Thread(target=replace_all)
        writer.start()
        while writer.is_alive():
            assert store.read("k") in contents
        writer.join()
        assert store.read("k") == contents[-1]

    def test_a_file_is_published_and_can_be_mapped(self, store: BlobStore, tmp_path: Path) -> None:
        """The source is copied: changing it later changes nothing."""
        source = tmp_path / "source"
        source.write_bytes(b"pixels" * 1000)
        store.write_file("shard", source)
        source.write_bytes(b"changed")
        assert store.read("shard") == b"pixels" * 1000
        assert store.local_path("shard").read_bytes() == b"pixels" * 1000

    @pytest.mark.parametrize("size", [0, 5, PART - 1, PART, PART + 1, 3 * PART + 12345])
    def test_sizes_around_a_part_come_back_as_they_were(
        self, store: BlobStore, tmp_path: Path, size: int
    ) -> None:
        """Far stores send and fetch in parts; nobody sees where they meet."""
        data = random.Random(size).randbytes(size)
        source = tmp_path / "source"
        source.write_bytes(data)
        store.write("bytes", data)
        store.write_file("file", source)
        sha = hashlib.sha256(data).hexdigest()
        assert store.read("bytes") == store.read("file") == data
        assert store.sha256("bytes") == store.sha256("file") == sha
        assert store.stat("file").size == size
        assert store.stat("file").sha256 in (None, sha)
        assert store.local_path("file").read_bytes() == data

    def test_a_mapped_file_keeps_its_content_when_the_key_moves_on(self, store: BlobStore) -> None:
        """Whoever maps a key after it was written again gets the new content."""
        store.write("k", b"before")
        with store.local_path("k").open("rb") as mapped:
            store.write("k", b"after")
            assert mapped.read() == b"before"
        assert store.local_path("k").read_bytes() == b"after"

    def test_a_key_that_is_not_there_is_missing(self, store: BlobStore) -> None:
        """The error names the key and the store."""
        store.write("a/b", b"")
        for key in ("a", "a/c", "a/b/c", "nothing"):
            assert not store.exists(key)
            with pytest.raises(KeyMissing, match=key):
                store.read(key)
            with pytest.raises(KeyMissing, match=re.escape(store.address)):
                store.local_path(key)

    def test_delete_forgets_and_may_be_repeated(self, store: BlobStore) -> None:
        """Deleting what is not there is fine."""
        store.write("a/b", b"x")
        store.delete("a/b")
        store.delete("a/b")
        store.delete("never/was")
        assert not store.exists("a/b")
        assert store.list("") == []

    def test_a_finished_write_leaves_nothing(self, store: BlobStore) -> None:
        """What is counted here is garbage of killed writers alone."""
        store.write("a/b", bytes(PART + 1))
        assert store.leftovers(time.time() + 60, delete=True) == 0
        assert store.read("a/b") == bytes(PART + 1)

    def test_stat_tells_size_and_time_of_the_last_write(self, store: BlobStore) -> None:
        """A key that is written again is new again."""
        began = time.time()
        store.write("a/b", b"four")
        first = store.stat("a/b")
        store.write("a/b", b"longer")
        again = store.stat("a/b")
        assert (first.size, again.size) == (4, 6)
        assert began - 2 <= first.time <= again.time <= time.time() + 2
        with pytest.raises(KeyMissing):
            store.stat("a/c")

    def test_list_gives_sorted_keys_with_the_prefix(self, store: BlobStore) -> None:
        """A prefix is text, not a folder."""
        for key in ("b", "a/2", "a/10", "ab/1", "a/b/c"):
            store.write(key, b"")
        assert store.list("") == ["a/10", "a/2", "a/b/c", "ab/1", "b"]
        assert store.list("a") == ["a/10", "a/2", "a/b/c", "ab/1"]
        assert store.list("a/") == ["a/10", "a/2", "a/b/c"]
        assert store.list("a/1") == ["a/10"]
        assert store.list("nothing/") == []

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_what_cannot_be_a_key_is_refused_everywhere(self, store: BlobStore, key: str) -> None:
        """No key leaves the store, whatever it is used for."""
        for use in (store.read, store.exists, store.delete, store.local_path, store.sha256):
            with pytest.raises(KeyRefused):
                use(key)
        with pytest.raises(KeyRefused):
            store.write(key, b"")
        with pytest.raises(KeyRefused):
            store.write_new(key, b"")

    def test_a_prefix_cannot_leave_the_store(self, store: BlobStore) -> None:
        """Listing is no way out."""
        for prefix in ("../", "/", "a/../.."):
            with pytest.raises(KeyRefused):
                store.list(prefix)

    def test_a_pickled_store_is_the_same_store(self, store: BlobStore) -> None:
        """Workers get their store this way."""
        store.write("a", b"x")
        other: BlobStore = pickle.loads(pickle.dumps(store))
        assert other.read("a") == b"x"
        assert other.address == store.address
