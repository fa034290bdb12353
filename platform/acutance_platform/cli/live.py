"""What a person sees while a sweep or training runs: a live table, or plain lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from acutance_platform.search.fold import Record, Sweep, Trial
from acutance_platform.verbs.recording import Watch

_ROWS = 16
"""Trials shown at once; running ones first, then the newest."""
_COLOURS = {
    "RUNNING": "cyan",
    "COMPLETE": "green",
    "PAUSED": "yellow",
    "STOPPED": "bright_black",
    "FAILED": "red",
    "WAITING": "blue",
}


@contextmanager
def watching(objective: str = "psnr_y") -> Iterator[Watch]:
    """Give a function that shows each journal record: live on a terminal, else as lines."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(objective)
        return
    view = _View(objective)
    with Live(get_renderable=view.render, console=console, refresh_per_second=2, transient=True):
        yield view


@final
class _Lines:
    """One line per thing that matters, for logs."""

    def __init__(self, objective: str) -> None:
        self._objective = objective
        self._began = time.monotonic()

    def __call__(self, record: Record) -> None:
        text = self._text(record)
        if text:
            click.echo(f"[{time.monotonic() - self._began:6.1f} s] {text}", err=True)

    def _text(self, record: Record) -> str:
        trial = record.get("trial", "")
        if record["do"] == "ask":
            return f"{trial} new     {_shown(record.get('recipe', {}))}"
        if record["do"] == "report":
            value = record["metrics"].get(self._objective)
            return f"{trial} step {record['step']:>6}  {self._objective} {_number(value)}"
        if record["do"] == "promote":
            return f"{trial} goes on past step {record['rung']}"
        if record["do"] == "failure":
            return f"{trial} failed at step {record['step']}: {_last_line(record['error'])}"
        if record["do"] == "end":
            error = record.get("error")
            return f"{trial} {record['state']}" + (f": {_last_line(error)}" if error else "")
        if record["do"] == "baseline":
            return f"bicubic {self._objective} {_number(record['metrics'].get(self._objective))}"
        return ""


@final
class _View:
    """A table of trials that follows the journal."""

    def __init__(self, objective: str) -> None:
        self._objective = objective
        self._sweep = Sweep()
        self._baseline: float | None = None
        self._began = time.monotonic()

    def __call__(self, record: Record) -> None:
        self._sweep.apply(record)
        if record["do"] == "baseline":
            self._baseline = record["metrics"].get(self._objective)

    def render(self) -> Group:
        table = Table("trial", "state", "step", self._objective, "recipe", box=None)
        for trial in self._chosen():
            state = self._sweep.state_of(trial)
            value = trial.reports[trial.step].get(self._objective) if trial.reports else None
            table.add_row(
                trial.name,
                Text(state, style=_COLOURS[state]),
                f"{trial.step}/{trial.end}",
                _number(value),
                Text(_shown(trial.recipe), overflow="ellipsis", no_wrap=True),
            )
        return Group(table, Text(self._foot()))

    def _chosen(self) -> list[Trial]:
        trials = list(self._sweep.trials.values())
        trials.sort(key=lambda t: (self._sweep.state_of(t) == "RUNNING", t.ordinal))
        return trials[-_ROWS:]

    def _foot(self) -> str:
        sweep = self._sweep
        states = [sweep.state_of(trial) for trial in sweep.trials.values()]
        counts = ", ".join(
            f"{states.count(state)} {state.lower()}" for state in _COLOURS if state in states
        )
        values = [
            trial.reports[trial.step].get(self._objective)
            for trial in sweep.trials.values()
            if trial.reports
        ]
        best = max((value for value in values if value is not None), default=None)
        budget = sweep.search.budget.trials if sweep.search else None
        of = f" of {budget}" if budget else ""
        minutes = (time.monotonic() - self._began) / 60
        return (
            f"{len(sweep.trials)}{of} trials: {counts}\n"
            f"best so far {_number(best)}, bicubic {_number(self._baseline)}; "
            f"steps {sweep.executed:,}; CPU-hours {sweep.cpu_hours:.2f}, "
            f"GPU-hours {sweep.gpu_hours:.2f}; {minutes:.1f} min"
        )


def _shown(recipe: Any) -> str:
    return ", ".join(
        f"{path.rsplit('.', 1)[-1]}={_number(value) if isinstance(value, float) else value}"
        for path, value in recipe.items()
    )


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


def _last_line(error: str) -> str:
    lines = [line for line in error.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
