import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acutance_storage.errors import JournalBusy, JournalDamaged, SchemaUnknown
from acutance_storage.folder import FolderStore
from acutance_storage.journal import Journal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
segments = st.lists(
    st.lists(st.dictionaries(st.text(), values, max_size=3), min_size=1, max_size=3), max_size=4
)


def segment(store: FolderStore, number: int) -> Path:
    """Return the newest writer's file of a number."""
    return max((store.root / "journals/sweeps/s").glob(f"{number:08d}*.jsonl"))


@pytest.fixture
def journal(store: FolderStore) -> Journal:
    return Journal(store, "sweeps/s")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(appended=segments)
def test_what_is_appended_is_read_in_order(
    appended: list[list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = FolderStore(root=tmp_path_factory.mktemp("store"))
    journal, follower = Journal(store, "j"), Journal(store, "j")
    followed = []
    for records in appended:
        journal.append(*records)
        followed += follower.read_new()
    everything = [record for records in appended for record in records]
    assert Journal(store, "j").read() == followed == everything


def test_lines_are_json_that_other_tools_read(store: FolderStore, journal: Journal) -> None:
    journal.append({"do": "start", "loss": math.nan}, {"do": "ende", "wer": "Jürgen"})
    lines = segment(store, 1).read_text().splitlines()
    assert [json.loads(line)["record"]["do"] for line in lines] == ["start", "ende"]
    assert math.isnan(journal.read()[0]["loss"])


def test_no_records_write_no_segment(store: FolderStore, journal: Journal) -> None:
    journal.append()
    assert journal.read() == []
    assert store.list("") == []


def test_a_record_that_json_cannot_say_writes_nothing(journal: Journal) -> None:
    with pytest.raises(TypeError):
        journal.append({"fine": 1}, {"what": object()})
    assert journal.read() == []


def test_following_gives_each_record_once(store: FolderStore, journal: Journal) -> None:
    follower = Journal(store, "sweeps/s")
    assert follower.read_new() == []
    journal.append({"n": 1}, {"n": 2})
    journal.append({"n": 3})
    assert follower.read_new() == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert follower.read_new() == []
    journal.append({"n": 4})
    assert follower.read() == [{"n": n} for n in (1, 2, 3, 4)]
    assert follower.read_new() == []
    assert journal.read_new() == []


def test_a_writer_that_starts_again_goes_on_behind_the_end(
    store: FolderStore, journal: Journal
) -> None:
    for n in range(3):
        journal.append({"n": n})
    Journal(store, "sweeps/s").append({"n": 3})
    assert [record["n"] for record in journal.read()] == [0, 1, 2, 3]


def test_a_second_writer_is_refused_and_overwrites_nothing(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"who": "one"})
    other = Journal(store, "sweeps/s")
    other.append({"who": "two"})
    with pytest.raises(JournalBusy, match=r"claimed it meanwhile.*One writer at a time"):
        journal.append({"who": "one again"})
    assert [record["who"] for record in journal.read()] == ["one", "two"]


@pytest.mark.parametrize("keep", [0, 1, 40, 60])
def test_a_torn_end_is_cut_counted_and_mended(
    store: FolderStore, journal: Journal, keep: int
) -> None:
    journal.append({"n": 1})
    journal.append({"n": 2}, {"n": 3, "text": "long enough to be torn"})
    data = segment(store, 2).read_bytes()
    segment(store, 2).write_bytes(data[:keep])
    whole = data[:keep].count(b"\n")
    again = Journal(store, "sweeps/s")
    assert again.read() == [{"n": 1}, {"n": 2}][: 1 + whole]
    assert again.cut == (1 if data[:keep].rpartition(b"\n")[2] else 0)
    again.append({"n": 4})
    reader = Journal(store, "sweeps/s")
    assert reader.read() == [*[{"n": 1}, {"n": 2}][: 1 + whole], {"n": 4}]
    assert reader.cut == 0


def test_a_flipped_bit_in_the_last_line_is_cut(store: FolderStore, journal: Journal) -> None:
    journal.append({"n": 1}, {"n": 2})
    path = segment(store, 1)
    path.write_bytes(path.read_bytes().replace(b'"n":2', b'"n":3'))
    assert journal.read() == [{"n": 1}]
    assert journal.cut == 1


def test_damage_before_the_end_names_the_segment(store: FolderStore, journal: Journal) -> None:
    for n in range(3):
        journal.append({"n": n}, {"n": -n})
    path, good = segment(store, 2), segment(store, 2).read_bytes()
    for bad in (
        good[:-5],
        b"\0" * len(good),
        good.replace(b'"n":1', b'"n":7'),
        b"garbage\n" + good,
    ):
        path.write_bytes(bad)
        with pytest.raises(JournalDamaged, match=r"00000002-0001-\w{8}\.jsonl.*backup"):
            Journal(store, "sweeps/s").read()
        with pytest.raises(JournalDamaged, match=r"00000002-0001-\w{8}\.jsonl"):
            Journal(store, "sweeps/s").read_new()
    path.unlink()
    with pytest.raises(JournalDamaged, match=r"00000002-0001-\w{8}\.jsonl.*missing"):
        Journal(store, "sweeps/s").read()
    with pytest.raises(JournalDamaged, match="missing"):
        Journal(store, "sweeps/s").append({"n": 9})


def test_a_bad_line_followed_by_a_good_one_is_damage_even_in_the_last_segment(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"n": 1}, {"n": 2})
    path = segment(store, 1)
    path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":7'))
    with pytest.raises(JournalDamaged, match="line 1"):
        journal.read()


def test_a_journal_of_a_newer_version_is_refused(store: FolderStore, journal: Journal) -> None:
    journal.append({"n": 1})
    path = segment(store, 1)
    path.write_bytes(path.read_bytes().replace(b'"v":1', b'"v":2'))
    with pytest.raises(SchemaUnknown, match="Upgrade acutance"):
        journal.read()


def test_other_journals_and_files_beside_it_do_not_matter(
    store: FolderStore, journal: Journal
) -> None:
    journal.append({"n": 1})
    Journal(store, "sweeps/s2").append({"n": 2})
    Journal(store, "sweeps/s/part").append({"n": 3})
    store.write("journals/sweeps/s/notes.txt", b"")
    assert journal.read() == [{"n": 1}]


def test_following_a_long_journal_reads_only_what_is_new(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    journal = Journal(store, "sweeps/s")
    for n in range(1000):
        journal.append({"n": n})
    follower = Journal(store, "sweeps/s")
    start = time.process_time()
    assert len(follower.read()) == 1000
    assert time.process_time() - start < 5
    read: list[str] = []
    whole = FolderStore.read

    def counted(self: FolderStore, key: str) -> bytes:
        read.append(key)
        return whole(self, key)

    monkeypatch.setattr(FolderStore, "read", counted)
    monkeypatch.setattr(FolderStore, "list", lambda *_: pytest.fail("following must not list"))
    journal.append({"n": 1000})
    assert follower.read_new() == [{"n": 1000}]
    assert len(read) == 1
