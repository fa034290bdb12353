"""The trials of a sweep as columns, brought up to date record by record."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from acutance_platform.dashboard.sweep_facts import Results, results_of
from acutance_platform.dashboard.trial_query import Term
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.paths import MISSING, get_path, leaves
from acutance_platform.search.trial import Trial

OWN = ("trial", "state", "steps", "end", "rungs", "cpu_hours", "gpu_hours", "failures", "added")
"""Columns that every sweep has beside metrics and paths."""
_ENDING = frozenset({"value", "end", "budget", "point", "sweep", "finish"})

Mask = NDArray[np.bool_]


@final
class TrialTable:
    """A hearer: one row per trial in the order in which they were asked for.

    Attributes:
        paths: Searched recipe paths down to single values, as they were met.
        metrics: Metrics, as they were met.
    """

    def __init__(self) -> None:
        self.paths: dict[str, None] = {}
        self.metrics: dict[str, None] = {}
        self._cells: dict[str, list[Any]] = {name: [] for name in OWN}
        self._words: list[str] = []
        self._touched: set[str] = set()
        self._arrays: dict[str, NDArray[Any]] = {}
        self._results = 0
        self._chosen = (-1, Results())
        self._version = -1
        self._spec: Mapping[str, Any] = {}

    def hear(self, record: Record, sweep: Sweep) -> None:
        """Note which trial a record is about."""
        if (name := record.get("trial")) is not None:
            self._touched.add(name)
        self._results += record["do"] in _ENDING

    def refresh(self, sweep: Sweep, version: int) -> "TrialTable":
        """Take in what changed since the last call, and return the table."""
        if version == self._version:
            return self
        for name in self._touched:
            if name in sweep.trials:
                self._fill(sweep.trials[name])
        self._touched.clear()
        self._cells["state"] = [sweep.state_of(trial) for trial in sweep.trials.values()]
        self._arrays.clear()
        self._spec, self._version = sweep.spec, version
        return self

    def __len__(self) -> int:
        return len(self._words)

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return [*OWN, *self.paths, *self.metrics]

    @property
    def known(self) -> list[str]:
        """Names of all columns, and of what is the same for all trials."""
        fixed = {key: value for key, value in self._spec.items() if key != "search"}
        return [*self.columns, *(p for key in fixed for p, _ in leaves(fixed[key], key))]

    def cell(self, row: int, column: str) -> Any:
        """Return a value, None where the trial has none."""
        found = self._cells.get(column)
        return self._constant(column) if found is None else found[row]

    def numeric(self, column: str) -> bool:
        """Say whether all values of a column are numbers, and there is one."""
        return self._numbers(column).dtype == np.float64

    def results(self, sweep: Sweep) -> Results:
        """Return who is best, computed anew after results alone."""
        if self._chosen[0] != self._results:
            self._chosen = (self._results, results_of(sweep))
        return self._chosen[1]

    def chosen(
        self, terms: Sequence[Term], states: Sequence[str], sort: str, *, descending: bool
    ) -> NDArray[np.intp]:
        """Return the rows that meet all terms, in order; rows without the sorted value last."""
        mask = np.ones(len(self), dtype=bool)
        for term in terms:
            mask &= self._meets(term)
        if states:
            mask &= np.isin(self._numbers("state"), list(states))
        rows = np.flatnonzero(mask)
        if sort == "trial" or not len(rows):
            return rows[::-1] if descending else rows
        keys = self._keys(sort)[rows]
        return rows[np.argsort(-keys if descending else keys, kind="stable")]

    def counts(self, states: Sequence[str]) -> dict[str, int]:
        """Return how many trials are in each state."""
        cells = self._cells["state"]
        return {state: count for state in states if (count := cells.count(state))}

    def _fill(self, trial: Trial) -> None:
        row = trial.ordinal
        while len(self._words) <= row:
            self._words.append("")
            for cells in self._cells.values():
                cells.append(None)
        drawn = {**trial.recipe, **trial.overrides}
        found = {k: v for path, value in drawn.items() for k, v in leaves(value, path)}
        metrics = trial.reports[trial.step] if trial.reports else {}
        self.paths.update(dict.fromkeys(found))
        self.metrics.update(dict.fromkeys(metrics))
        own = {
            "trial": trial.name,
            "steps": trial.step,
            "end": trial.end,
            "rungs": len(trial.values),
            "cpu_hours": trial.cpu_seconds / 3600,
            "gpu_hours": trial.gpu_seconds / 3600,
            "failures": trial.failures,
            "added": "by hand" if trial.by_hand else "repeat" if trial.repeats else "drawn",
        }
        for name, value in {**found, **metrics, **own}.items():
            if name not in self._cells:
                self._cells[name] = [None] * len(self._words)
            self._cells[name][row] = value
        values = " ".join(str(value) for value in found.values())
        self._words[row] = f"{trial.name} {values} {' '.join(trial.errors)}".lower()

    def _constant(self, column: str) -> Any:
        """Return what every trial has at a recipe path that is not searched."""
        found = get_path(self._spec, column) if self._spec else MISSING
        return None if found is MISSING else found

    def _numbers(self, column: str) -> NDArray[Any]:
        """Return a column as float64 with NaN for none, or as text with '' for none."""
        found = self._arrays.get(column)
        if found is None:
            cells = self._cells.get(column)
            values = [self._constant(column)] * len(self) if cells is None else cells
            known = [value for value in values if value is not None]
            if known and all(_is_number(value) for value in known):
                found = np.array([math.nan if v is None else v for v in values], np.float64)
            else:
                found = np.array(["" if v is None else _text(v) for v in values], np.str_)
            self._arrays[column] = found
        return found

    def _keys(self, column: str) -> NDArray[np.float64]:
        """Return numbers in whose order a column sorts; NaN where it has no value."""
        values = self._numbers(column)
        if values.dtype == np.float64:
            return np.asarray(values, np.float64)
        key = f"{column}\0order"
        if key not in self._arrays:
            _, codes = np.unique(np.char.lower(values), return_inverse=True)
            self._arrays[key] = np.where(values == "", np.nan, codes.astype(np.float64))
        return np.asarray(self._arrays[key], np.float64)

    def _meets(self, term: Term) -> Mask:
        if not term.op:
            sought = term.value.lower()
            return np.fromiter((sought in words for words in self._words), bool, len(self))
        values = self._numbers(term.column)
        if values.dtype == np.float64 and term.op != "~":
            return term.compare(values)
        texts = values if values.dtype != np.float64 else values.astype(np.str_)
        texts, sought = np.char.lower(texts), term.value.lower()
        if term.op == "~":
            return np.asarray(np.char.find(texts, sought) >= 0)
        return np.asarray(texts == sought if term.op == "=" else texts != sought)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
