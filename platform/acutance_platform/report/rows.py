"""The table of trials as plain text cells, the same for the terminal and the page."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from acutance_platform.report.data import ReportData, Trial
from acutance_platform.report.feasible import met
from acutance_platform.report.words import label, number, over_seeds, setting, short_paths

_COSTS: Final = ("parameters", "macs_per_pixel", "peak_memory", "latency_ms")


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
    recipes = told_apart(folded({str(t["trial"]): t["recipe"] for t in data.trials}))
    paths = list(dict.fromkeys(path for recipe in recipes.values() for path in recipe))
    metrics = _metrics(data)
    short, seeds = short_paths(paths), _seeds(data)
    columns = [
        Column("Trial", "", numeric=False),
        Column("State", "", numeric=False),
        *(Column(short[p], p, numeric=_is_numeric(recipes, p), searched=True) for p in paths),
        *(Column(label(metric), metric, numeric=True) for metric in metrics),
        *(Column(f"{label(m)} over seeds", f"{m}: mean ± spread", numeric=True) for m in seeds),
        Column("Steps", "steps trained", numeric=True),
        *([Column("Feasible", "meets the constraints", numeric=False)] if _asked(data) else []),
    ]
    rows = [
        _row(data, trial, recipes[str(trial["trial"])], paths, metrics, seeds)
        for trial in data.trials
    ]
    return TrialTable(tuple(columns), tuple(rows))


def folded(recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Gather the arguments of a searched component under its path: one column, not one for each.

    `generator.kind: carn, generator.units: 2` becomes `generator: {kind: carn, units: 2}`; a kind
    that is searched by itself stays as it is.

    Args:
        recipes: By trial: searched dotted path -> value.
    """
    paths = {path for recipe in recipes.values() for path in recipe}
    parents = {
        parent
        for parent, _, leaf in (path.rpartition(".") for path in paths)
        if leaf in ("kind", "preset")
        and any(path.startswith(f"{parent}.") and path != f"{parent}.{leaf}" for path in paths)
    }
    return {name: _gathered(recipe, parents) for name, recipe in recipes.items()}


def _gathered(recipe: Mapping[str, Any], parents: Collection[str]) -> dict[str, Any]:
    gathered: dict[str, Any] = {}
    for path, value in recipe.items():
        parent, _, leaf = path.rpartition(".")
        if parent in parents:
            gathered.setdefault(parent, {})[leaf] = value
        else:
            gathered[path] = value
    return gathered


def told_apart(recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out of components what all trials of the same kind have alike: their names say it.

    Args:
        recipes: As `folded` returns them.
    """
    seen: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for recipe in recipes.values():
        for path, value in recipe.items():
            if isinstance(value, Mapping):
                seen.setdefault((path, _kind(value)), []).append(value)

    def shortened(path: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        others = seen[path, _kind(value)]
        differ = {k for k in value if any(repr(other.get(k)) != repr(value[k]) for other in others)}
        return {k: item for k, item in value.items() if k in ("kind", "preset") or k in differ}

    return {
        name: {path: shortened(path, value) for path, value in recipe.items()}
        for name, recipe in recipes.items()
    }


def _kind(value: Mapping[str, Any]) -> str:
    return str(value.get("preset") or value.get("kind"))


def _row(
    data: ReportData,
    trial: Trial,
    recipe: Mapping[str, Any],
    paths: list[str],
    metrics: list[str],
    seeds: list[str],
) -> Row:
    cells = [Cell(trial["trial"], trial["trial"]), Cell(trial["state"], trial["state"])]
    for path in paths:
        value = recipe.get(path)
        text = setting(value) if path in recipe else "–"
        order = float(value) if isinstance(value, int | float) and _is_number(value) else text
        cells.append(Cell(text, order))
    for metric in metrics:
        measured = data.metric(trial, metric)
        cells.append(Cell(number(metric, measured), "" if measured is None else measured))
    for metric in seeds:
        mean = (trial.get("mean") or {}).get(metric, "")
        shown = f"as {trial['repeats']}" if trial.get("repeats") else over_seeds(metric, trial)
        cells.append(Cell(shown, mean))
    cells.append(Cell(f"{trial['steps']:,}", trial["steps"]))
    if _asked(data):
        cells.append(Cell(met(trial), met(trial)))
    best = trial["trial"] == data.status.get("best")
    return Row(trial["trial"], trial["state"], best, tuple(cells))


def _seeds(data: ReportData) -> list[str]:
    """The objectives of which several seeds tell a mean; none where nothing was repeated."""
    objectives = data.status.get("objectives") or {}
    trials = data.status["trials"]
    return [name for name in objectives if any(name in t.get("mean", {}) for t in trials)]


def _metrics(data: ReportData) -> list[str]:
    """Objectives first, then constraints, what bicubic is compared by, costs; if it has values."""
    objectives, baseline = data.status.get("objectives") or {}, data.status.get("baseline") or {}
    wanted = [*objectives, *_asked(data), *baseline, *_COSTS]
    return [
        metric
        for metric in dict.fromkeys(wanted)
        if any(data.metric(trial, metric) is not None for trial in data.status["trials"])
    ]


def _asked(data: ReportData) -> Mapping[str, Any]:
    """Return the constraints."""
    return data.status.get("constraints") or {}


def _is_numeric(recipes: Mapping[str, Mapping[str, Any]], path: str) -> bool:
    values = [recipe[path] for recipe in recipes.values() if path in recipe]
    return all(_is_number(value) for value in values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
