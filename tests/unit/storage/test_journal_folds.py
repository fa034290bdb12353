"""A long journal has a copy of all its records in one object; the segments stay the truth."""

from pathlib import Path

import pytest

from acutance_storage import open_store
from acutance_storage.blobs import BlobStore
from acutance_storage.errors import JournalDamaged
from acutance_storage.journal import Journal

LONG = 20


class Counting:
    """A store that counts how often something is read from it."""

    def __init__(self, store: BlobStore) -> None:
        self._store, self.reads = store, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def read(self, key: str) -> bytes:
        self.reads += 1
        return self._store.read(key)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return open_store(tmp_path)


def written(store: BlobStore, count: int = LONG, start: int = 0) -> Journal:
    journal = Journal(store, "sweeps/s")
    for number in range(start, start + count):
        journal.append({"n": number})
    return journal


def told(store: BlobStore, *, folds: bool = True) -> list[int]:
    return [record["n"] for record in Journal(store, "sweeps/s").read(folds=folds)]


def fold_of(store: BlobStore) -> str:
    (key,) = [key for key in store.list("journals/") if key.endswith(".fold.jsonl")]
    return key


def test_a_long_journal_is_read_at_once_and_its_end_after_it(store: BlobStore) -> None:
    written(store).fold()
    written(store, 3, LONG)
    counting = Counting(store)
    assert told(counting) == list(range(LONG + 3))  # type: ignore[arg-type]
    assert counting.reads == 1 + 3
    assert told(store, folds=False) == list(range(LONG + 3))


def test_a_short_journal_has_no_copy_and_an_unchanged_one_no_second(store: BlobStore) -> None:
    written(store, 3).fold()
    assert not [key for key in store.list("journals/") if "fold" in key]
    journal = written(store, LONG, 3)
    journal.fold()
    before = store.stat(fold_of(store)).time
    journal.fold()
    assert store.stat(fold_of(store)).time == before


def test_a_reader_of_the_copy_follows_and_its_writer_goes_on(store: BlobStore) -> None:
    journal = written(store)
    journal.fold()
    reader = Journal(store, "sweeps/s")
    assert len(reader.read()) == LONG
    journal.append({"n": LONG})
    assert reader.read_new() == [{"n": LONG}]
    other = Journal(store, "sweeps/s")
    other.read()
    other.append({"n": LONG + 1})  # claims it, behind all there is
    assert told(store) == list(range(LONG + 2))


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"n":3}', b'"n":9}'),
        lambda data: data[: data.rstrip(b"\n").rfind(b"\n") + 1],
        lambda data: b"",
    ],
    ids=["half", "flipped", "a line less", "empty"],
)
def test_a_damaged_copy_is_not_believed(store: BlobStore, harm) -> None:
    written(store).fold()
    key = fold_of(store)
    store.write(key, harm(store.read(key)))
    assert told(store) == list(range(LONG))


def test_a_copy_does_not_hide_that_a_segment_is_gone(store: BlobStore) -> None:
    """Reading goes on from it; looking for damage does not."""
    written(store).fold()
    (third,) = [key for key in store.list("journals/") if "/00000003-" in key]
    store.delete(third)
    with pytest.raises(JournalDamaged):
        told(store, folds=False)


def test_a_copy_of_a_writer_that_lost_the_journal_does_not_count(store: BlobStore) -> None:
    """Its last segments were never accepted, and neither is what it copied."""
    loser = written(store)
    winner = Journal(store, "sweeps/s")
    winner.read()
    winner.append({"n": LONG})
    sign = next(key for key in store.list("journals/") if "/00000020-" in key)
    late = sign.replace("/00000020-", "/00000021-")
    store.write(late, store.read(sign).replace(b'"n":19', b'"n":66'))
    stale = late.replace(".jsonl", ".fold.jsonl")
    store.write(stale, b"whatever")
    assert told(store) == list(range(LONG + 1))
    assert loser is not winner


@pytest.mark.parametrize("folded", [False, True])
def test_records_that_do_not_hold_a_text_are_passed_over(store: BlobStore, folded: bool) -> None:
    journal = written(store)
    if folded:
        journal.fold()
    journal.append({"n": 20}, {"n": "a17"}, {"n": 17})
    journal.append({"n": 21})
    records = Journal(store, "sweeps/s").stream(holding=b":17}")
    found = [record["n"] for record in records]
    assert [n for n in found if n == 17] == [17, 17]
    assert len(found) <= 2 + 3, "at most the segments that hold it, and the last one"
    follower = Journal(store, "sweeps/s")
    list(follower.stream(holding=b":17}"))
    written(store, 1, 22)
    assert [record["n"] for record in follower.read_new()] == [22]
