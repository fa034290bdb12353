import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_storage.errors import JournalBusy
from acutance_storage.folder import FolderStore
from acutance_storage.journal import Journal
from acutance_storage.segments import Segment, Writer, counted


def segment(store: FolderStore, number: int) -> Path:
    """Return the newest writer's file of a number."""
    return max((store.root / "journals/sweeps/s").glob(f"{number:08d}*.jsonl"))


@pytest.fixture
def journal(store: FolderStore) -> Journal:
    return Journal(store, "sweeps/s")


def test_what_a_writer_appends_after_it_lost_the_journal_does_not_count(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"who": "one"})
    follower, other = Journal(store, "sweeps/s"), Journal(store, "sweeps/s")
    assert len(follower.read()) == 1
    other.append({"who": "two"})
    for text in ("late", "later"):
        journal._writer = Writer(1, segment(store, 1).stem[-8:])  # as one that was not told
        with pytest.raises(JournalBusy):
            journal.append({"who": text})
        journal._end = 2
    assert [path.name[:13] for path in sorted(segment(store, 1).parent.iterdir())] == [
        "00000001-0001",
        "00000002-0001",
        "00000002-0002",
        "00000003-0001",
    ]
    other.append({"who": "two"})
    assert [record["who"] for record in Journal(store, "sweeps/s").read()] == ["one", "two", "two"]
    assert [record["who"] for record in follower.read_new()] == ["two", "two"]


def test_a_follower_learns_that_what_it_read_does_not_count(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"n": 1})
    journal.append({"n": 2})
    follower = Journal(store, "sweeps/s")
    assert len(follower.read()) == 2
    first, second = segment(store, 1), segment(store, 2)
    late = second.read_bytes()
    second.unlink()
    Journal(store, "sweeps/s").append({"n": 3})
    second.write_bytes(late)  # it was on its way while the other one claimed the journal
    assert first.exists()
    with pytest.raises(JournalBusy, match="earlier record"):
        follower.read_new()
    assert follower.read() == [{"n": 1}, {"n": 3}]


def test_who_writes_on_what_it_has_not_read_is_refused(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"n": 1})
    late = Journal(store, "sweeps/s")
    assert late.read() == [{"n": 1}]
    journal.append({"n": 2})
    with pytest.raises(JournalBusy, match="after it was read"):
        late.append({"n": 3})
    assert Journal(store, "sweeps/s").read() == [{"n": 1}, {"n": 2}]


def test_a_journal_from_before_claims_is_read_and_continued(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"n": 1})
    journal.append({"n": 2})
    for number in (1, 2):
        path = segment(store, number)
        path.rename(path.with_name(f"{number:08d}.jsonl"))
    shutil.rmtree(store.root / "claims")
    again = Journal(store, "sweeps/s")
    assert again.read() == [{"n": 1}, {"n": 2}]
    again.append({"n": 3})
    assert Journal(store, "sweeps/s").read() == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_a_list_that_lags_behind_loses_nothing(
    store: FolderStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FolderStore.list
    for n in range(4):
        journal.append({"n": n})
    for hidden in ({2}, {4}, {3, 4}, {1, 2, 3, 4}):

        def lagging(self: FolderStore, prefix: str, hidden: set[int] = hidden) -> list[str]:
            keys = whole(self, prefix)
            return [key for key in keys if int(key.rpartition("/")[2][:8]) not in hidden]

        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "list", lagging)
            Journal(store, "sweeps/s").append({"n": "more"})
        found = [record["n"] for record in Journal(store, "sweeps/s").read()]
        assert found[:4] == [0, 1, 2, 3]
        assert found.count("more") == 1
        segment(store, len(found)).unlink()


numbered = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), max_size=5)


@settings(deadline=None)  # a busy machine takes its time
@given(numbered)
def test_of_each_writer_only_what_lies_before_all_later_ones_counts(
    spans: list[tuple[int, int]],
) -> None:
    written = [
        Segment(number, Writer(order + 1, "0" * 8))
        for order, (first, length) in enumerate(spans)
        for number in range(first, first + length)
    ]
    expected = [
        segment
        for segment in written
        if all(segment.number < other.number for other in written if other.writer > segment.writer)
    ]
    random.Random(0).shuffle(written)
    assert counted(written) == expected
