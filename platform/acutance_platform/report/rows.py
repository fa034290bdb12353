"""The table of trials as plain text cells, the same for the terminal and the page."""

from dataclasses import dataclass
from typing import Final

from acutance_platform.report.data import ReportData, Trial
from acutance_platform.report.words import label, number, setting, short_paths

_COSTS: Final = ("parameters", "macs_per_pixel")


@dataclass(frozen=True)
class Column:
    """A heading of the table."""

    title: str
    hint: str
    """The full name, where the title is short for it."""
    numeric: bool
    searched: bool = False
    """Whether it shows a searched value of the recipe."""


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, and the value it sorts by."""

    text: str
    order: str | float


@dataclass(frozen=True)
class Row:
    """One trial."""

    trial: str
    state: str
    best: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class TrialTable:
    """Headings and rows, best trial first."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def trial_table(data: ReportData) -> TrialTable:
    """The table of a sweep's trials."""
    paths = list(dict.fromkeys(path for trial in data.trials for path in trial["recipe"]))
    metrics = _metrics(data)
    short = short_paths(paths)
    columns = [
        Column("Trial", "", numeric=False),
        Column("State", "", numeric=False),
        *(Column(short[p], p, numeric=_is_numeric(data, p), searched=True) for p in paths),
        *(Column(label(metric), metric, numeric=True) for metric in metrics),
        Column("Steps", "steps trained", numeric=True),
    ]
    rows = [_row(data, trial, paths, metrics) for trial in data.trials]
    return TrialTable(tuple(columns), tuple(rows))


def _row(data: ReportData, trial: Trial, paths: list[str], metrics: list[str]) -> Row:
    cells = [Cell(trial["trial"], trial["trial"]), Cell(trial["state"], trial["state"])]
    for path in paths:
        value = trial["recipe"].get(path)
        text = setting(value) if path in trial["recipe"] else "–"
        cells.append(Cell(text, value if _is_number(value) else text))
    for metric in metrics:
        measured = data.metric(trial, metric)
        cells.append(Cell(number(metric, measured), "" if measured is None else measured))
    cells.append(Cell(f"{trial['steps']:,}", trial["steps"]))
    best = trial["trial"] == data.status.get("best")
    return Row(trial["trial"], trial["state"], best, tuple(cells))


def _metrics(data: ReportData) -> list[str]:
    """Objectives first, then what bicubic is compared by, then costs; only what has values."""
    wanted = [*(data.status.get("objectives") or {}), *(data.status.get("baseline") or {}), *_COSTS]
    return [
        metric
        for metric in dict.fromkeys(wanted)
        if any(data.metric(trial, metric) is not None for trial in data.status["trials"])
    ]


def _is_numeric(data: ReportData, path: str) -> bool:
    values = [trial["recipe"][path] for trial in data.trials if path in trial["recipe"]]
    return all(_is_number(value) for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
