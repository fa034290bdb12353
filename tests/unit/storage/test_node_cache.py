import hashlib
import os
import threading
import time

import pytest

from acutance_storage import NodeCache, StorageError
from acutance_storage.errors import StoreFull
from acutance_storage.node_cache import FLOOR, LIMIT, bytes_said


def content(letter, size=1000):
    data = letter.encode() * size
    return hashlib.sha256(data).hexdigest(), data


def fetch(cache, letter, size=1000):
    sha, data = content(letter, size)
    return cache.fetch(sha, lambda: size, lambda path: path.write_bytes(data))


def has(cache, letter, size=1000):
    return cache.path(content(letter, size)[0]).is_file()


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = NodeCache(tmp_path, limit=3000, floor=0)
    for letter in "abc":
        fetch(cache, letter)
        time.sleep(0.01)
    fetch(cache, "a")  # used again
    fetch(cache, "d")
    assert [has(cache, letter) for letter in "abcd"] == [True, False, True, True]


def test_a_mapped_file_keeps_its_content_when_it_goes(tmp_path):
    cache = NodeCache(tmp_path, limit=1000, floor=0)
    with fetch(cache, "a").open("rb") as file:
        fetch(cache, "b")
        assert not has(cache, "a")
        assert file.read() == content("a")[1]


def test_what_is_larger_than_the_limit_is_refused_with_a_way_out(tmp_path):
    cache = NodeCache(tmp_path, limit=999, floor=0)
    with pytest.raises(StoreFull, match=f"1 bytes too much.*{LIMIT}.*{FLOOR}.*ACUTANCE_LOCAL"):
        fetch(cache, "a")
    assert not list(tmp_path.rglob(".tmp-*"))


def test_the_floor_of_the_disk_is_kept_free(tmp_path):
    free = os.statvfs(tmp_path)
    wide = NodeCache(tmp_path, floor=0)
    fetch(wide, "a")
    narrow = NodeCache(tmp_path, floor=free.f_frsize * free.f_blocks)
    with pytest.raises(StoreFull):
        fetch(narrow, "b")
    fetch(wide, "b")


def test_two_that_fetch_at_one_time_know_of_each_other(tmp_path):
    """What comes counts as soon as it is begun, not when it is there."""
    cache = NodeCache(tmp_path, limit=2000, floor=0)
    began, may_end = threading.Event(), threading.Event()
    sha, data = content("a", 1500)

    def slowly(path):
        began.set()
        may_end.wait()
        path.write_bytes(data)

    thread = threading.Thread(target=cache.fetch, args=(sha, lambda: 1500, slowly))
    thread.start()
    began.wait()
    with pytest.raises(StoreFull):
        fetch(cache, "b", 600)
    fetch(cache, "c", 500)
    may_end.set()
    thread.join()
    assert has(cache, "a", 1500)


def test_a_wrong_content_leaves_nothing(tmp_path):
    def fails(path):
        path.write_bytes(b"wrong")
        raise ValueError("not what was asked for")

    cache = NodeCache(tmp_path)
    with pytest.raises(ValueError, match="not what"):
        cache.fetch(content("a")[0], lambda: 1000, fails)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.parametrize(
    ("said", "bytes_"),
    [("", None), ("0", 0), ("1500", 1500), ("2kb", 2000), ("1.5 GB", 1_500_000_000), ("7B", 7)],
)
def test_sizes_are_said_with_units(said, bytes_, monkeypatch):
    monkeypatch.setenv(LIMIT, said)
    assert bytes_said(LIMIT) == bytes_


@pytest.mark.parametrize("said", ["much", "-1", "5 XB", "1.2.3GB", "GB"])
def test_what_is_no_size_is_refused(said, monkeypatch, tmp_path):
    monkeypatch.setenv(FLOOR, said)
    with pytest.raises(StorageError, match="is no size"):
        fetch(NodeCache(tmp_path), "a")


@pytest.mark.parametrize("kept", [b"a" * 1000, b"a" * 500 + bytes(500), b""])
def test_what_lived_through_a_restart_is_hashed_before_it_is_used(kept, tmp_path):
    """Names reach the disk before bytes do; a crash in between must not show as a picture."""
    cache = NodeCache(tmp_path, floor=0)
    path = fetch(cache, "a", 1000)
    path.chmod(0o644)
    path.write_bytes(kept)
    before = time.time() - time.monotonic() - 1.0
    os.utime(path, (before, before))
    fetched = []
    sha, data = content("a", 1000)

    def fill(path):
        fetched.append(path)
        path.write_bytes(data)

    assert cache.fetch(sha, lambda: 1000, fill).read_bytes() == data
    assert bool(fetched) == (kept != data)
    cache.fetch(sha, lambda: 1000, fill)
    assert len(fetched) <= 1
