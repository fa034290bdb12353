"""A page of the table of trials, as plain data and as text for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from acutance_platform.dashboard.index import Followed
from acutance_platform.dashboard.sweep_facts import Facts, facts_of
from acutance_platform.dashboard.trial_query import PAGE, STATES, Query
from acutance_platform.dashboard.trial_table import OWN, TrialTable
from acutance_platform.recipe import refuse
from acutance_platform.report import label, number
from acutance_platform.report.words import setting, short_paths
from acutance_platform.search.trial import Trial

_PATHS: Final = 8
"""Searched paths that are shown unless others are chosen."""
_TITLES: Final = {
    "trial": "Trial",
    "state": "State",
    "steps": "Steps",
    "end": "Steps in all",
    "rungs": "Rungs",
    "cpu_hours": "CPU hours",
    "gpu_hours": "GPU hours",
    "failures": "Failures",
    "added": "Added",
}


def facts_now(followed: Followed) -> Facts:
    """Return a followed sweep's facts, made once per version."""
    sweep, told = followed.told.sweep, followed.told
    results = followed.heard(TrialTable).results(sweep)
    return followed.once("facts", lambda: facts_of(told, results))


def document(followed: Followed, query: Query) -> dict[str, Any]:
    """Return a page as `/api/sweeps/NAME/trials` gives it: columns, and rows of plain values.

    Raises:
        RecipeErrors: If the query names what is not there.
    """
    table, rows, page, pages = _page(followed, query)
    columns = _columns(followed, table, query)
    results = table.results(followed.told.sweep)
    trials = list(followed.told.sweep.trials.values())
    shown = rows[(page - 1) * PAGE : page * PAGE]
    return {
        "version": followed.version,
        "total": len(table),
        "matched": len(rows),
        "page": page,
        "pages": pages,
        "columns": columns,
        "best": results.best,
        "rows": [[_plain(table.cell(int(row), column)) for column in columns] for row in shown],
        "marks": [_marks(trials[row], results.best, results.front) for row in shown],
    }


def shown(followed: Followed, query: Query) -> dict[str, Any]:
    """Return a page as the template wants it: headings with their links, cells as text.

    Raises:
        RecipeErrors: If the query names what is not there.
    """
    found = document(followed, query)
    table, sweep = followed.heard(TrialTable), followed.told.sweep
    columns: list[str] = found["columns"]
    objectives = dict(sweep.search.objectives) if sweep.search is not None else {}
    sort, falls = query.sorting(objectives)
    short = short_paths(table.paths)
    numeric = {column: table.numeric(column) for column in columns}
    names = {column: "metric" if column in table.metrics else "path" for column in columns}
    heads = [
        {
            "name": column,
            "title": _title(column, names[column], short),
            "numeric": numeric[column],
            "order": None if column != sort else "descending" if falls else "ascending",
            "address": query.address(sort=_next(column, sort, falls, objectives), page=1),
        }
        for column in columns
    ]
    rows = [
        {
            "trial": values[columns.index("trial")],
            "marks": marks,
            "cells": [
                (column, _told(column, names[column], value), numeric[column])
                for column, value in zip(columns, values, strict=True)
            ],
        }
        for values, marks in zip(found["rows"], found["marks"], strict=True)
    ]
    counts = table.counts(STATES)
    choices = [
        (title, [(c, _title(c, kind, {}), c in columns) for c in names_])
        for title, kind, names_ in (
            ("Searched", "path", list(table.paths)),
            ("Metrics", "metric", list(table.metrics)),
            ("Of the trial", "own", [c for c in OWN if c != "trial"]),
        )
        if names_
    ]
    return {**found, "heads": heads, "rows": rows, "counts": counts, "choices": choices}


def all_rows(followed: Followed, query: Query) -> Iterator[list[Any]]:
    """Yield the headings and then every row that the query finds, with all columns.

    Raises:
        RecipeErrors: If the query names what is not there.
    """
    table, rows, _, _ = _page(followed, query)
    columns = list(query.columns) or table.columns
    columns = ["trial", *(column for column in columns if column != "trial")]
    yield columns
    for row in rows:
        yield [_plain(table.cell(int(row), column)) for column in columns]


def _page(followed: Followed, query: Query) -> tuple[TrialTable, Any, int, int]:
    sweep = followed.told.sweep
    table = followed.heard(TrialTable).refresh(sweep, followed.version)
    known = table.known
    objectives = dict(sweep.search.objectives) if sweep.search is not None else {}
    sort, falls = query.sorting(objectives)
    for place, names in (("sort", (sort,)), ("column", query.columns)):
        for name in names:
            if name not in known and name not in objectives:
                raise refuse(place, name, "no trial has this column", "Choose one of the table's.")
    rows = table.chosen(query.terms(known), query.states, sort, descending=falls)
    pages = max(1, -(-len(rows) // PAGE))
    return table, rows, min(query.page, pages), pages


def _columns(followed: Followed, table: TrialTable, query: Query) -> list[str]:
    """Return the columns that are shown: those asked for, else what a reader wants first."""
    if query.columns:
        return ["trial", *(column for column in query.columns if column != "trial")]
    search = followed.told.sweep.search
    first = [*search.objectives, *search.constraints] if search is not None else []
    wanted = [*first, *followed.told.baseline]
    metrics = [name for name in dict.fromkeys(wanted) if name in table.metrics]
    metrics = metrics or list(table.metrics)[:6]
    return ["trial", "state", *metrics, *list(table.paths)[:_PATHS], "steps"]


def _marks(trial: Trial, best: str | None, front: frozenset[str]) -> list[str]:
    """Return what is special about a trial, in words."""
    marks = ["best"] if trial.name == best else []
    marks += ["front"] if trial.name in front else []
    marks += [f"promoted at {max(trial.promoted):,}"] if trial.promoted else []
    marks += [f"stopped by {trial.stopped_by}"] if trial.stopped_by else []
    marks += ["added by hand"] if trial.by_hand else []
    return marks + ([f"repeats {trial.repeats}"] if trial.repeats else [])


def _title(column: str, kind: str, short: dict[str, str]) -> str:
    if column in _TITLES:
        return _TITLES[column]
    return label(column) if kind == "metric" else short.get(column, column)


def _told(column: str, kind: str, value: Any) -> str:
    if value is None:
        return "–"
    if column in ("cpu_hours", "gpu_hours"):
        return f"{value:.2f}"
    if kind == "metric":
        return number(column, value)
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else setting(value)
    )


def _next(column: str, sort: str, falls: bool, objectives: Mapping[str, str]) -> str:
    """Return how a click on a heading sorts: the other way round, or what is good first."""
    if column == sort:
        return column if falls else f"-{column}"
    return f"-{column}" if objectives.get(column) == "max" else column


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it."""
    return (
        None
        if isinstance(value, float) and (value != value or abs(value) == float("inf"))
        else value
    )
