"""An experiment's answer: tables in its README, made of what `results.json` holds.

A results document has `trials`, each with `sweep` (stem of its file), `trial`, `state`, `settings`
(what was searched -> value), `seed`, `values` (metric -> number) and `reports` (step -> metrics);
`fronts` (stem -> points); `sweeps` (what each cost); `baselines` (stem -> what bicubic reaches).
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, final

from pydantic import BaseModel, ConfigDict, Field

from acutance_platform.report.answer_costs import HEADS, cost_rows
from acutance_platform.report.answer_picks import picked
from acutance_platform.report.answer_values import heading, values
from acutance_platform.report.answer_words import EXACT, written_gap, written_value
from acutance_platform.report.words import setting
from acutance_platform.search.front import Direction

Results = Mapping[str, Any]
"""What `results.json` holds."""
Key = tuple[str, ...]
"""The settings that make a row, as they are shown."""

_TRIAL: Final = "trial"
NOT_RUN: Final = "Not run: its pictures were not there."
"""In place of the table of a sweep that was left out."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Selection(_Part):
    """Which trials are shown, and what tells rows apart."""

    sweep: str | None = None
    """Stem of the sweep file, such as `sweep`; null = all."""
    where: dict[str, Any] = {}
    """Setting -> the value, or list of values, of the trials that are shown."""


@final
class Table(Selection):
    """A table of the README, between `<!-- table NAME -->` and `<!-- /table NAME -->`."""

    of: Literal["trials", "front", "picks", "sweeps", "bicubic"] = "trials"
    """`trials`: a row for all trials whose settings named in `rows` are alike; `front`: a row for
    each point of the sweep's front; `picks`: the winner under each rule of `picks`; `sweeps`: what
    each sweep has cost; `bicubic`: a row for each column, with what bicubic reaches."""
    rows: str | list[str] = []
    """Setting or settings that make a row, or `trial`; what differs within a row is its seeds.
    Empty = all settings."""
    columns: list[str] | dict[str, str] = []
    """Metrics and settings to show, or metric -> heading; METRIC@STEP is what was reported then."""
    against: str | list[str] | None = None
    """The row that others are compared with, seed by seed: its settings in the order of `rows`."""
    bicubic: bool = False
    """Whether a last row has what bicubic reaches, at the scale of `sweep` or of the first one."""
    picks: dict[str, dict[str, str | list[str]]] = {}
    """Name -> metric -> rule such as `"<= 11.5"`, which a row's means over its seeds have to meet;
    only rows with the most seeds may win."""
    by: dict[str, Direction] = {}
    """The one metric that tells the winner of a pick -> max or min."""


@final
class Figure(Selection):
    """A picture beside the README, NAME.png: a point or curve for each row."""

    x: str
    """Metric along the width; of curves `steps` or `cpu_seconds`."""
    y: str
    """Metric along the height; of curves one that the sweep reports."""
    by: str | list[str] = Field(default=[])
    """Settings that make a point or a curve; empty = all."""
    log: bool = False
    """Whether x is logarithmic."""
    curves: bool = False
    """Whether the learning curves are drawn, mean and spread over seeds."""


def written(text: str, results: Results, tables: Mapping[str, Table], run: str) -> str:
    """Return a README with what stands between its marks made anew.

    Args:
        text: The README.
        results: What `results.json` holds.
        tables: Name -> table.
        run: The paragraph between `<!-- run -->` and `<!-- /run -->`.

    Raises:
        ValueError: With the mark that the README lacks.
    """
    parts = {f"table {name}": table_text(results, table) for name, table in tables.items()}
    for name, content in {**parts, "run": run}.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        if not begin or not end:
            raise ValueError(f"<!-- {name} --> and <!-- /{name} -->, on lines of their own")
        text = f"{head}{begin}\n{content}\n\n{end}{tail}"
    return text


def table_text(results: Results, table: Table) -> str:
    """Return a table in Markdown."""
    if table.of == "sweeps":
        return _markdown(HEADS, cost_rows(results))
    if not ran_at_all(results, table):
        return NOT_RUN
    if table.of == "bicubic":
        known = _bicubic(results, table)
        lines = [[title, written_value(m, known.get(m))] for m, title in _columns(table).items()]
        return _markdown(["", "bicubic"], lines)
    if table.of == "picks":
        return _picks(results, table)
    return _front(results, table) if table.of == "front" else _trials(results, table)


def ran_at_all(results: Results, chosen: Selection) -> bool:
    """Return whether the sweep that a table or figure is of was run."""
    stems = {trial["sweep"] for trial in results["trials"]}
    return chosen.sweep is None or chosen.sweep in stems


def grouped(results: Results, chosen: Selection, by: str | Sequence[str]) -> dict[Key, list[Any]]:
    """Return rows in the order of their first trials: what they are called -> their trials."""
    names = names_of(results, chosen, by)
    rows: dict[Key, list[Any]] = {}
    for trial in selected(results, chosen):
        rows.setdefault(tuple(_shown(trial, name) for name in names), []).append(trial)
    return rows


def names_of(results: Results, chosen: Selection, by: str | Sequence[str]) -> list[str]:
    """Return the settings that make a row."""
    if by:
        return [by] if isinstance(by, str) else list(by)
    trials = selected(results, chosen)
    return list(dict.fromkeys(name for trial in trials for name in trial["settings"]))


def selected(results: Results, chosen: Selection) -> list[Any]:
    """Return the trials that a table or figure shows."""
    return [
        trial
        for trial in results["trials"]
        if chosen.sweep in (None, trial["sweep"])
        and all(_fits(trial["settings"].get(name), wanted) for name, wanted in chosen.where.items())
    ]


def _fits(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def _shown(trial: Any, name: str) -> str:
    if name == _TRIAL:
        return str(trial.get("repeats") or trial["trial"])
    if name == "sweep":
        return str(trial["sweep"])
    return setting(trial["settings"][name]) if name in trial["settings"] else "–"


def _trials(results: Results, table: Table) -> str:
    rows = grouped(results, table, table.rows)
    columns = _columns(table)
    base = _base(rows, table)
    heads = [*names_of(results, table, table.rows), *columns.values()]
    compared = [c for c in columns if base is not None and c not in EXACT and values(base, c)]
    shown = "" if table.against is None else ", ".join(_key(table.against))
    heads += [f"{columns[metric]}, beside {shown}" for metric in compared]
    lines = [
        [
            *key,
            *(_cell(trials, metric) for metric in columns),
            *_differences(trials, base, compared),
        ]
        for key, trials in rows.items()
    ]
    if table.bicubic:
        known = _bicubic(results, table)
        told = [written_value(m, known.get(m)) for m in columns]
        blank = [""] * (len(heads) - len(told) - 1)
        lead = [""] * (len(names_of(results, table, table.rows)) - 1)
        lines.append(["bicubic", *lead, *told, *blank[len(lead) :]])
    return _markdown(heads, lines)


def _bicubic(results: Results, table: Table) -> Mapping[str, float | None]:
    """Return what bicubic reaches on the pictures of a table's sweep."""
    known: Mapping[str, Mapping[str, float | None]] = results["baselines"]
    return known[table.sweep or next(iter(known))]


def _columns(table: Table) -> dict[str, str]:
    """Return metric -> heading."""
    if isinstance(table.columns, dict):
        return table.columns
    return {metric: heading(metric) for metric in table.columns}


def _key(against: str | Sequence[str]) -> Key:
    return (against,) if isinstance(against, str) else tuple(against)


def _base(rows: Mapping[Key, list[Any]], table: Table) -> list[Any] | None:
    """Return the trials of the row that others are compared with.

    Raises:
        ValueError: If there is no such row.
    """
    if table.against is None:
        return None
    key = _key(table.against)
    if key not in rows:
        known = "; ".join(", ".join(row) for row in rows)
        raise ValueError(f"against: {', '.join(key)} is none of the rows {known}")
    return rows[key]


def _cell(trials: Sequence[Any], metric: str) -> str:
    """Return mean and standard deviation over a row's trials."""
    found = values(trials, metric)
    if not found:
        told = {_shown(trial, metric) for trial in trials}
        return ", ".join(sorted(told))
    mean = statistics.fmean(found)
    asked = sum(metric in trial["values"] or "@" in metric for trial in trials)
    lost = f" ({len(found)} of {asked})" if len(found) < asked else ""
    if len(found) == 1 or len(set(found)) == 1:
        return f"{written_value(metric, mean)}{lost}"
    return f"{written_value(metric, mean)} ± {written_value(metric, statistics.stdev(found))}{lost}"


def _differences(
    trials: Sequence[Any], base: Sequence[Any] | None, metrics: Sequence[str]
) -> list[str]:
    """Return for each metric by how much a row's trials differ from those of the same seed."""
    if base is None or trials is base:
        return ["" for _ in metrics]
    by_seed = {trial["seed"]: trial for trial in base}
    cells = []
    for metric in metrics:
        pairs = [(trial, by_seed[trial["seed"]]) for trial in trials if trial["seed"] in by_seed]
        told = [(values([one], metric), values([other], metric)) for one, other in pairs]
        gaps = [one[0] - other[0] for one, other in told if one and other]
        cells.append(written_gap(metric, gaps))
    return cells


def _front(results: Results, table: Table) -> str:
    columns, lines = _columns(table), list[list[str]]()
    known = {(trial["sweep"], trial["trial"]): trial for trial in results["trials"]}
    for stem, points in results["fronts"].items():
        for point in points if table.sweep in (None, stem) else ():
            trial = known.get((stem, point["trial"]), {"settings": {}, "values": {}})
            told = {"settings": trial["settings"], "sweep": stem, "trial": point["trial"]}
            told["values"] = {**trial["values"], **point["metrics"]}
            lines.append([point["trial"], *(_cell([told], metric) for metric in columns)])
    return _markdown(["point of the front", *columns.values()], lines)


def _picks(results: Results, table: Table) -> str:
    if len(table.by) != 1:
        raise ValueError("by: one metric, max or min, that tells the winner")
    rows, columns = grouped(results, table, table.rows or _TRIAL), _columns(table)
    lines = []
    for name, key in picked(rows, table.picks, table.by).items():
        cells = ["–" for _ in columns] if key is None else [_cell(rows[key], c) for c in columns]
        lines.append([name, "none" if key is None else ", ".join(key), *cells])
    return _markdown(["pick", "winner", *columns.values()], lines)


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
