import time

import pytest
from long_journal import write_long_journal

from acutance_platform.dashboard.index import FRESH, Index
from acutance_platform.dashboard.overview import Overview
from acutance_platform.dashboard.trial_query import Query
from acutance_platform.dashboard.trial_table import TrialTable
from acutance_platform.dashboard.trial_view import all_rows, document
from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.home import Home
from acutance_storage import Journal, open_store


@pytest.fixture
def home(tmp_path):
    return Home(open_store(tmp_path / "store"), tmp_path / "local")


@pytest.fixture
def followed(home):
    write_long_journal(home.store, "demo", trials=60, reports=4)
    index = Index(home)
    index.hearers.append(TrialTable)
    with index.sweep("demo") as found:
        yield found


def column(followed, query, name):
    found = document(followed, query)
    return [row[found["columns"].index(name)] for row in found["rows"]]


def truth(followed, of):
    trials = followed.told.sweep.trials.values()
    return [of(trial) for trial in trials]


def test_filters_find_what_the_fold_holds(followed):
    wanted = {
        trial.name
        for trial in followed.told.sweep.trials.values()
        if trial.reports[trial.step]["psnr_y"] >= 27 and trial.recipe["generator.kind"] == "carn"
    }
    for q in ("psnr_y>=27 generator.kind=carn", "generator.kind = CARN psnr_y >= 27"):
        assert set(column(followed, Query(q), "trial")) == wanted
    assert 0 < len(wanted) < 60
    failed = column(followed, Query("finite", states=("FAILED",)), "trial")
    assert failed == ["t0049"]
    assert len(column(followed, Query("scale=2"), "trial")) == 60, "the same for all trials"
    assert column(followed, Query("generator.kind~SRRES generator.kind!=srresnet"), "trial") == []


def test_a_table_sorts_and_puts_trials_without_a_value_last(followed):
    rates = truth(followed, lambda trial: trial.recipe["optimizer.lr"])
    assert column(followed, Query(sort="optimizer.lr"), "optimizer.lr") == sorted(rates)
    assert column(followed, Query(sort="-optimizer.lr"), "optimizer.lr") == sorted(rates)[::-1]
    for sort in ("generator.units", "-generator.units"):
        units = column(followed, Query(sort=sort, columns=("generator.units",)), "generator.units")
        known = [unit for unit in units if unit is not None]
        assert units == known + [None] * (60 - len(known))
        assert known


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Query("psnr>=28"), "no trial has psnr"),
        (Query("psnr_y>=high"), "psnr_y is a number"),
        (Query('"open'), "a quotation mark is missing"),
        (Query(sort="nothing"), "no trial has this column"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(followed, query, why):
    with pytest.raises(RecipeErrors, match=why):
        document(followed, query)


def test_a_csv_has_every_trial_and_column(followed):
    heads, *rows = all_rows(followed, Query())
    assert {"trial", "state", "psnr_y", "optimizer.lr"} <= set(heads)
    assert len(rows) == 60


def test_ended_sweeps_are_read_once_and_again_when_their_journal_grows(home, monkeypatch):
    for name in ("first", "second"):
        write_long_journal(home.store, name, trials=4, reports=4)
    read, stream = [], Journal.stream

    def counted(journal, **how):
        read.append(journal.name)
        return stream(journal, **how)

    monkeypatch.setattr(Journal, "stream", counted)
    rows = Overview(home, Index(home)).rows()
    assert sorted(row["sweep"] for row in rows) == ["first", "second"]
    assert {row["state"] for row in rows} == {"COMPLETE"}
    assert len(read) == 2
    again = Overview(home, Index(home))  # another server, later
    assert again.rows() == rows
    assert len(read) == 2
    now = {"time": time.time()}
    record = {"do": "finish", "state": "STOPPED", "reason": "budget", **now}
    journal = sweep_journal(home.store, "second")
    journal.read()
    journal.append(record)
    time.sleep(FRESH)
    assert {row["sweep"]: row["state"] for row in again.rows()} == {
        "first": "COMPLETE",
        "second": "STOPPED",
    }
    assert read.count("sweeps/first") == 1


def test_a_journal_that_cannot_be_read_hides_no_other(home):
    write_long_journal(home.store, "whole", trials=2, reports=4)
    write_long_journal(home.store, "broken", trials=30, reports=25)
    first = home.store.list("journals/sweeps/broken/")[1]
    home.store.write(first, b"nothing of ours\n")
    rows = {row["sweep"]: row for row in Overview(home, Index(home)).rows()}
    assert "damaged" in rows["broken"]["fault"]
    assert rows["whole"]["state"] == "COMPLETE"
