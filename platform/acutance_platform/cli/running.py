"""`acutance train`, `sweep` and `resume`: run, then show what came of it."""

import json
import shlex
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from acutance_platform.cli.live import duration, watching, wide_console
from acutance_platform.cli.looking import front_table, trial_notes
from acutance_platform.cli.outcome import DONE, FAILED, INTERRUPTED, Failed
from acutance_platform.report import rich_table
from acutance_platform.report.feasible import told as constraints_told
from acutance_platform.verbs import looking, open_home, planning, running
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.running import Outcome, Resume
from acutance_platform.verbs.upscaling import upscale

_FILE = click.argument("file", type=click.Path(path_type=Path))
_SET = click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value.")
_NAME = click.option("--name", help="Name of the sweep or training.")
_RESUME = click.option(
    "--resume",
    "resuming",
    type=click.Choice(["never", "auto"]),
    default="never",
    show_default=True,
    help="auto: go on with an unfinished one of this name, report a finished one.",
)
_ADDRESS = click.option(
    "--address",
    envvar="RAY_ADDRESS",
    metavar="HOST:PORT",
    help="A Ray cluster that runs already (or RAY_ADDRESS); else this machine alone.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.command()
@_FILE
@_NAME
@_SET
@_RESUME
@_ADDRESS
@_JSON
def sweep(
    file: Path,
    name: str | None,
    sets: tuple[str, ...],
    resuming: Resume,
    address: str | None,
    as_json: bool,
) -> int:
    """Run the search that FILE describes, and show its trials, winner and figures.

    \b
    Example:
      acutance sweep experiments/quickstart/sweep.yaml
      acutance sweep sweep.yaml --name again --set search.budget.trials=24
      acutance sweep sweep.yaml --address 10.0.0.5:6379 --resume auto
    """
    home, here = open_home(), resuming == "never" and not address
    if here and (hours := planning.outlook(file, sets, home)) is not None:
        between = f"{duration(hours.low)} to {duration(hours.high)}"
        click.echo(f"forecast: {duration(hours.expected)} ({between}) by the cost model", err=True)
    with watching() as watch:
        outcome = running.sweep(
            file, home=home, name=name, sets=sets, resume=resuming, address=address, watch=watch
        )
    return _end(outcome, home, as_json)


@click.command()
@_FILE
@_NAME
@_SET
@_RESUME
@_JSON
def train(
    file: Path, name: str | None, sets: tuple[str, ...], resuming: Resume, as_json: bool
) -> int:
    """Run the recipe in FILE in this process; Ctrl-C saves, and says how to go on.

    \b
    Example:
      acutance train experiments/base/small-x2.yaml --set optimizer.lr=1e-3
    """
    home = open_home()
    with watching() as watch:
        outcome = running.train(file, home=home, name=name, sets=sets, resume=resuming, watch=watch)
    return _end(outcome, home, as_json)


@click.command()
@click.argument("name")
@click.option(
    "--budget",
    multiple=True,
    metavar="KEY=[+]NUMBER",
    help="Raise a limit; a sweep that ended goes on.",
)
@_ADDRESS
@_JSON
def resume(name: str, budget: tuple[str, ...], address: str | None, as_json: bool) -> int:
    """Go on with the interrupted sweep or training NAME; nothing finished runs again.

    \b
    Example:
      acutance resume quickstart
      acutance resume quickstart --budget trials=+4 --budget cpu_hours=12
    """
    home = open_home()
    with watching() as watch:
        outcome = running.resume(name, budget=budget, address=address, home=home, watch=watch)
    return _end(outcome, home, as_json)


def _end(outcome: Outcome, home: Home, as_json: bool) -> int:
    """Show how it ended and return the exit code."""
    for line in outcome.notes:
        click.echo(f"note: {line}", err=True)
    for line in outcome.untracked:
        click.echo(f"MLflow lacks {line}", err=True)
    if outcome.state == "INTERRUPTED":
        name = shlex.quote(outcome.name)
        click.echo(f"interrupted, state saved. Go on with: acutance resume {name}", err=True)
        return INTERRUPTED
    for line in trial_notes(looking.status_of(outcome.told)):
        click.echo(line, err=True)
    if as_json:
        click.echo(json.dumps(_document(outcome), indent=2))
    else:
        _show(outcome, home)
    return FAILED if outcome.state == "FAILED" else DONE


def _document(outcome: Outcome) -> dict[str, Any]:
    """Return `status --json` for a sweep, and the short form for a training."""
    status = looking.status_of(outcome.told)
    if outcome.told.sweep.search is not None:
        return status
    (trial,) = status["trials"]
    return {
        "run_id": trial["run_id"],
        "weights": trial["weights"],
        "steps": trial["steps"],
        "metrics": trial["metrics"],
        "notes": trial["notes"],
    }


def _show(outcome: Outcome, home: Home) -> None:
    """Print table, winner beside bicubic, steps saved, files, and the commands to go on with."""
    told, console = outcome.told, wide_console()
    console.print(rich_table(looking.report_data(told), width=console.width))
    status = looking.status_of(told)
    console.print(f"{outcome.name} is {outcome.state}. {status['reason']}".rstrip())
    requested, executed = status["steps_requested"], status["steps_executed"]
    if told.sweep.search is not None:
        console.print(
            f"steps: {executed:,} computed of {requested:,} requested,"
            f" {max(0, requested - executed):,} saved by sharing and early stopping"
        )
    for line in constraints_told(status):
        console.print(line)
    if told.sweep.best is None and status["nearest"] is None:
        for trial in status["trials"]:
            if trial["error"]:
                click.echo(f"{trial['trial']}: {trial['error'].strip().splitlines()[-1]}", err=True)
        return
    _show_winner(status, console)
    if len(status["objectives"]) > 1:
        console.print(front_table(looking.front_of(told)))
    try:
        written = looking.report(outcome.name, home=home)
    except OSError as error:
        name = shlex.quote(outcome.name)
        raise Failed(
            f"the result is kept, but its report could not be written to {home.local}"
            f" ({error.strerror}). Mend that, then: acutance report {name}"
        ) from None
    for title, path in (("figure", written.figure), ("curves", written.curves)):
        click.echo(f"{title:12} {path}")
    for strip in written.strips:
        click.echo(f"{'pictures':12} {strip}")
    click.echo(f"{'report':12} {written.page}")
    click.echo("MLflow       acutance mlflow")
    if told.sweep.best is not None:
        _try_winner(outcome.name, written, home)


def _show_winner(status: dict[str, Any], console: Console) -> None:
    winner = next((t for t in status["trials"] if t["trial"] == status["best"]), None)
    if winner is None:
        return  # of the complete ones none meets the constraints, which was said above
    for metric, base in status["baseline"].items():
        value = winner["metrics"].get(metric)
        if value is not None:
            console.print(
                f"winner {winner['trial']}: {metric} {value:.4f}, bicubic {base:.4f},"
                f" difference {value - base:+.4f}"
            )


def _try_winner(name: str, written: looking.Written, home: Home) -> None:
    """Run the command that enlarges a picture with the winner, once."""
    if written.lr is None:
        return
    target = written.lr.with_name("upscaled.png")
    model = f"{name}/best"
    upscale([written.lr], output=target, model=model, overwrite=True, home=home)
    command = ["acutance", "upscale", str(written.lr), "-o", str(target), "--model", model]
    click.echo(f"upscaled     {target}")
    click.echo(f"             by: {shlex.join([*command, '--overwrite'])}")
