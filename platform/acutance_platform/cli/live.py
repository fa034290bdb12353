"""What a person sees while a sweep or training runs: a live table, or plain lines."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from acutance_platform.search.feasibility import shown as feasibility
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.forecast import remaining
from acutance_platform.search.refused import in_a_row
from acutance_platform.search.spending import budget_of, budget_words
from acutance_platform.search.status import notes_of
from acutance_platform.search.trial import Trial
from acutance_platform.verbs.recording import Watch

_ROWS = 16
"""Trials shown at once, fewer on a low terminal."""
_BELOW = 11
"""Lines of a terminal that are not rows."""
_COLOURS = {
    "RUNNING": "cyan",
    "COMPLETE": "green",
    "PAUSED": "yellow",
    "STOPPED": "bright_black",
    "FAILED": "red",
    "WAITING": "blue",
}


_WIDE = 140
"""Columns of a table that nobody's terminal limits."""


def wide_console() -> Console:
    """Return a console for tables: a terminal's width, and a wide one for files and pipes."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDE
    return console


@contextmanager
def watching() -> Iterator[Watch]:
    """Give a function that shows each journal record: live on a terminal, else as lines."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines()
        return
    view = View(console)
    with Live(get_renderable=view.render, console=console, refresh_per_second=2, transient=True):
        yield view


@final
class Lines:
    """One line per thing that matters, for logs; what earlier sessions did is passed over."""

    def __init__(self) -> None:
        self._sweep = Sweep()
        self._began, self._clock = time.time(), time.monotonic()

    def __call__(self, record: Record) -> None:
        """Print the record's line, if it has one."""
        self._sweep.apply(record)
        text = self._text(record).rstrip()
        if text and float(record.get("time") or self._began) >= self._began:
            click.echo(f"[{time.monotonic() - self._clock:6.1f} s] {text}", err=True)

    def _text(self, record: Record) -> str:
        trial, objective = record.get("trial", ""), _objective(self._sweep)
        if record["do"] == "ask":
            count = in_a_row(self._sweep.refused, len(self._sweep.trials) - 1)
            after = f"  (after {count} refused draws)" if count else ""
            return f"{trial} new     {_shown(record.get('recipe', {}))}{after}"
        if record["do"] == "report":
            value = record["metrics"].get(objective)
            notes = "; ".join(record.get("notes", ()))
            text = f"{trial} step {record['step']:>6}  {objective} {_score(value)}"
            return f"{text}  ({notes})" if notes else text
        if record["do"] == "wait":
            owner = record.get("owner", "another one")
            return f"{trial} waits for {owner}, which computes the same stage now"
        if record["do"] == "promote":
            return f"{trial} goes on past step {record['rung']}"
        if record["do"] == "failure":
            return f"{trial} failed at step {record['step']}: {_last_line(record['error'])}"
        if record["do"] == "end":
            error = record.get("error")
            return f"{trial} {record['state']}" + (f": {_last_line(error)}" if error else "")
        if record["do"] == "baseline":
            return f"bicubic {objective} {_score(record['metrics'].get(objective))}"
        return ""


@final
class View:
    """A table of trials that follows the journal; rows keep their order.

    Args:
        console: The terminal, for its size.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._sweep = Sweep()
        self._baseline: dict[str, float] = {}
        self._lock = threading.Lock()  # rich renders in a thread of its own

    def __call__(self, record: Record) -> None:
        """Take a record in."""
        with self._lock:
            self._sweep.apply(record)
            if record["do"] == "baseline":
                self._baseline = dict(record["metrics"])

    def render(self) -> Group:
        """Return what the terminal shows now."""
        with self._lock:
            if not self._sweep.trials:
                return Group(Text("starting ...", style="dim"))
            shown = self._chosen()
            hidden = len(self._sweep.trials) - len(shown)
            more = [Text(f" and {hidden} more", style="dim")] if hidden else []
            return Group(self._table(shown), *more, Text(""), *map(Text, self._foot()))

    def _table(self, trials: list[Trial]) -> Table:
        objective, best = _objective(self._sweep), self._best()
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for heading in ("trial", "state"):
            table.add_column(heading, no_wrap=True)
        for heading in ("step", objective):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("recipe", no_wrap=True, overflow="ellipsis")
        for trial in trials:
            state = self._sweep.state_of(trial)
            table.add_row(
                trial.name,
                Text(state.lower(), style=_COLOURS[state]),
                f"{trial.step}/{trial.end}{' ×' if _meets(self._sweep, trial) is False else ''}",
                _score(_last(trial, objective)),
                _shown(trial.recipe),
                style="bold" if best is trial else None,
            )
        return table

    def _chosen(self) -> list[Trial]:
        """Return the trials that fit: those that run, the best, and the newest, in their order."""
        room = max(3, min(_ROWS, self._console.height - _BELOW))
        best = self._best()
        trials = sorted(
            self._sweep.trials.values(),
            key=lambda t: (self._sweep.state_of(t) == "RUNNING", t is best, t.ordinal),
        )
        return sorted(trials[-room:], key=lambda trial: trial.ordinal)

    def _best(self) -> Trial | None:
        """Return the trial with the best last value, at whatever step; the feasible ones first."""
        search, objective = self._sweep.search, _objective(self._sweep)
        sign = -1.0 if search is not None and search.direction == "min" else 1.0
        known = [
            (_meets(self._sweep, trial) is not False, sign * value, -trial.ordinal, trial)
            for trial in self._sweep.trials.values()
            if (value := _last(trial, objective)) is not None and value == value  # not NaN
        ]
        return max(known)[-1] if known else None

    def _foot(self) -> Iterator[str]:
        sweep = self._sweep
        states = [sweep.state_of(trial) for trial in sweep.trials.values()]
        if sweep.search is not None:
            counts = ", ".join(f"{states.count(s)} {s.lower()}" for s in _COLOURS if s in states)
            budget = sweep.search.budget.trials
            extra = len(sweep.trials) - sweep.drawn
            of = f" of {budget}{f' and {extra} more' if extra else ''}" if budget else ""
            yield f"trials   {sweep.drawn if budget else len(sweep.trials)}{of}: {counts}"
            yield f"rungs    {self._rungs()}"
        if sweep.search is not None and sweep.search.rules:
            missing = sum(_meets(sweep, trial) is False for trial in sweep.trials.values())
            rules = ", ".join(map(str, sweep.search.rules))
            yield f"rules    {rules}; × {missing} break them, {len(sweep.refused)} draws refused"
        yield f"best     {self._compared()}"
        noted = [trial for trial in sweep.trials.values() if trial.notes]
        if noted:
            last = max(noted, key=lambda trial: max(step for _, step in trial.notes.values()))
            more = f" (and {len(noted) - 1} more trials)" if len(noted) > 1 else ""
            yield f"note     {last.name}, {notes_of(last)[-1]}{more}"
        spent = f"{duration(sweep.wall_hours(time.time()))}, CPU {duration(sweep.cpu_hours)}"
        if sweep.gpu_hours > 0:
            spent += f", GPU {duration(sweep.gpu_hours)}"
        yield f"spent    {spent}, {sweep.executed:,} steps"
        limits = budget_of(sweep)
        limits["limit"].pop("trials", None)
        if limits["limit"]:
            limits["spent"]["wall_hours"] = sweep.wall_hours(time.time())
            yield f"budget   {budget_words(limits)}"
        yield from self._left()

    def _rungs(self) -> str:
        trials = list(self._sweep.trials.values())
        rungs = sorted({rung for trial in trials for rung in trial.rungs})
        return ", ".join(
            f"step {rung}: {sum(rung in trial.values for trial in trials)}" for rung in rungs
        )

    def _compared(self) -> str:
        objective, best = _objective(self._sweep), self._best()
        base = self._baseline.get(objective)
        bicubic = f"bicubic {_score(base)}" if base is not None else ""
        if best is None:
            return f"none yet; {bicubic}" if bicubic else "none yet"
        value = _last(best, objective)
        assert value is not None
        if base is None:
            return f"{best.name} {_score(value)} {objective}"
        return f"{best.name} {_score(value)} {objective}, {bicubic}, difference {value - base:+.2f}"

    def _left(self) -> Iterator[str]:
        """Yield the time left where it can be told."""
        hours = remaining(self._sweep, time.time())
        if hours is not None:
            between = f"{duration(hours['low'])} to {duration(hours['high'])}"
            yield f"left     about {duration(hours['expected'])} ({between})"


def _meets(sweep: Sweep, trial: Trial) -> bool | None:
    """Say whether the last report of a trial meets the constraints; None while that is unknown."""
    reports = trial.reports.get(trial.step, {})
    met: bool | None = feasibility(sweep, reports)["feasible"]
    return met


def _objective(sweep: Sweep) -> str:
    return sweep.search.objective if sweep.search is not None else "psnr_y"


def _last(trial: Trial, metric: str) -> float | None:
    return trial.reports[trial.step].get(metric) if trial.reports else None


def _shown(recipe: Any) -> str:
    """Return searched values in few characters: a component by its name alone, terms by theirs."""
    names = ((path.removesuffix(".weight").rpartition(".")[2], path) for path in recipe)
    return ", ".join(
        _number(recipe[path]) if name in ("kind", "preset") else f"{name} {_number(recipe[path])}"
        for name, path in names
    )


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _score(value: float | None) -> str:
    """Return a metric: decibels with two digits, shares of one with four."""
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) >= 2 else f"{value:.4f}"


def duration(hours: float) -> str:
    """Return hours as people say them: 40 s, 12.5 min, 3.1 h."""
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.1f} min" if hours < 2 else f"{hours:.1f} h"


def _last_line(error: str) -> str:
    lines = [line for line in error.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
