"""`acutance status`, `front` and `report`."""

import json
import shlex
from pathlib import Path

import click

from acutance_platform.cli.live import wide_console
from acutance_platform.report import rich_table
from acutance_platform.verbs import looking, open_home
from acutance_platform.verbs.journals import open_sweep, seen_from


@click.command()
@click.argument("sweep")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def status(sweep: str, as_json: bool) -> None:
    """Show the trials of SWEEP: states, searched values, metrics, steps.

    \b
    Example:
      acutance status quickstart
    """
    home = open_home()
    if as_json:
        click.echo(json.dumps(looking.status(sweep, home=home), indent=2))
        return
    told = seen_from(home.local, open_sweep(home.store, sweep))
    console = wide_console()
    console.print(rich_table(looking.report_data(told), width=console.width))
    document = looking.status_of(told)
    baseline = ", ".join(f"{name} {value:.4f}" for name, value in told.baseline.items())
    console.print(f"{sweep} is {document['state']}. {document['reason']}".rstrip())
    if document["state"] in ("WAITING", "INTERRUPTED"):
        console.print(f"go on with: acutance resume {shlex.quote(sweep)}")
    if baseline:
        console.print(f"bicubic: {baseline}")
    executed, requested = document["steps_executed"], document["steps_requested"]
    console.print(f"steps: {executed:,} computed of {requested:,} requested")


@click.command()
@click.argument("sweep")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def front(sweep: str, as_json: bool) -> None:
    """Show the trials of SWEEP that no other trial beats in every objective.

    \b
    Example:
      acutance front quickstart
    """
    document = looking.front(sweep)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    if not document["points"]:
        click.echo("no trial is COMPLETE yet")
    for point in document["points"]:
        values = ", ".join(
            f"{name} {point['metrics'][name]:.4f}" for name in document["objectives"]
        )
        click.echo(f"{point['trial']}  {values}  weights {point['weights'][:12]}")


@click.command()
@click.argument("sweep")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page's file.")
def report(sweep: str, output: Path | None) -> None:
    """Write one self-contained page about SWEEP: table, curves, figure, pictures, recipe.

    \b
    Example:
      acutance report quickstart -o report.html
    """
    written = looking.report(sweep, output=output)
    for path in (written.page, written.figure, written.curves, *written.strips):
        click.echo(path)
