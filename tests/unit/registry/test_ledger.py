"""The ledger tells whether it is the one that was written, and lets one of two writers win."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from acutance_platform.registry.catalogue import catalogue
from acutance_platform.registry.ledger import (
    START,
    LedgerDamaged,
    LedgerMoved,
    append_entry,
    compare,
    head_of,
    inspect_ledger,
    note_head,
    read_ledger,
)
from acutance_storage import delete_ref, get_ref, open_store, set_ref


def promotion(to, *, alias="champion", model="sr"):
    hashes = dict.fromkeys(("weights", "document", "card"), f"{to:064x}")
    return {"action": "promotion", "model": model, "alias": alias, "to": to, **hashes}


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path / "store")
    entries = []
    for number in range(1, 6):
        entries = append_entry(store, entries, promotion(number))
    return store


def path(store, number):
    return store.root / "ledger" / f"{number:08d}.json"


def test_entries_come_back_bound_to_each_other_and_say_who_and_when(store):
    entries = read_ledger(store)
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["previous"] for entry in entries] == [
        START, *(entry["hash"] for entry in entries[:-1]),
    ]  # fmt: skip
    assert all("@" in entry["who"] and entry["time"] > 1.7e9 for entry in entries)
    assert inspect_ledger(store) == (entries, [])
    assert get_ref(store, "ledgers", "registry") == {"length": 5, "hash": entries[-1]["hash"]}


def edit(store):
    entry = json.loads(path(store, 2).read_text())
    entry["who"] = "somebody@else"
    path(store, 2).write_text(json.dumps(entry))


def edit_and_hash_again(store):
    first, second, *_ = read_ledger(store)
    content = {name: second[name] for name in second if name not in ("hash", "who")}
    other = open_store(store.root.parent / "other")
    *_, made = append_entry(other, [first], {**content, "who": "somebody@else"})
    path(store, 2).write_text(json.dumps(made))


def remove(store):
    path(store, 3).unlink()


def swap(store):
    second, third = path(store, 2).read_bytes(), path(store, 3).read_bytes()
    path(store, 2).write_bytes(third)
    path(store, 3).write_bytes(second)


def cut(store):
    path(store, 5).unlink()


def begin_anew(store):
    for number in range(1, 6):
        path(store, number).unlink()
    kept = get_ref(store, "ledgers", "registry")
    entries = []
    for number in range(1, 6):
        entries = append_entry(store, entries, promotion(number))
    set_ref(store, "ledgers", "registry", kept)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (edit, "was edited"),
        (edit_and_hash_again, "00000003.json does not follow"),
        (remove, "00000003.json is missing"),
        (swap, "entries were moved"),
        (cut, "its end was cut"),
        (begin_anew, "written anew"),
    ],
)
def test_whatever_is_done_to_it_shows(store, harm, said):
    harm(store)
    with pytest.raises(LedgerDamaged, match=said):
        read_ledger(store)


def test_what_was_noted_elsewhere_shows_a_cut_that_the_ref_hides(store):
    entries = read_ledger(store)
    noted = head_of(entries)
    cut(store)
    delete_ref(store, "ledgers", "registry")
    left = read_ledger(store)
    assert len(left) == 4
    assert "its end was cut" in compare(left, noted, "MLflow")[0]
    assert compare(entries, head_of(left), "MLflow") == []


def test_a_writer_that_died_before_it_noted_the_head_did_no_harm(store):
    entries = read_ledger(store)
    set_ref(store, "ledgers", "registry", {"length": 4, "hash": entries[3]["hash"]})
    assert read_ledger(store) == entries
    note_head(store, entries)
    assert get_ref(store, "ledgers", "registry")["length"] == 5
    note_head(store, entries[:3])  # a slow writer does not take it back
    assert get_ref(store, "ledgers", "registry")["length"] == 5


def test_of_many_at_once_one_wins_and_the_others_are_told(store):
    entries = read_ledger(store)

    def write(number):
        try:
            return append_entry(store, entries, promotion(number))
        except LedgerMoved:
            return None

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(write, range(6, 12)))
    (winner,) = [each for each in found if each is not None]
    assert read_ledger(store) == winner


def test_the_fold_knows_versions_aliases_rollbacks_and_deletions():
    entries = [promotion(1), promotion(2), promotion(3), promotion(2, alias="staging")]
    sr = catalogue(entries)["sr"]
    assert sr.aliases == {"champion": 3, "staging": 2}
    back = {"action": "rollback", "model": "sr", "alias": "champion"}
    sr = catalogue([*entries, back])["sr"]
    assert sr.aliases == {"champion": 2, "staging": 2}
    assert sr.aliases_of(2) == ["champion", "staging"]
    assert sr.with_weights(f"{3:064x}").number == 3
    gone = {"action": "deletion", "model": "sr", "from": 1}
    sr = catalogue([*entries, back, gone, {"action": "of the future", "model": "sr"}])["sr"]
    assert list(sr.versions) == [2, 3]
    assert sr.moves["champion"] == [2]
    assert sr.highest == 3
