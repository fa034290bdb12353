"""`acutance status`, `front` and `report`."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from acutance_platform.cli.live import wide_console
from acutance_platform.cli.outcome import Failed
from acutance_platform.report import rich_table
from acutance_platform.report.feasible import told as constraints_told
from acutance_platform.report.words import label, number, over_seeds
from acutance_platform.search.points import knee
from acutance_platform.search.spending import budget_words
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
    told = seen_from(home, open_sweep(home.store, sweep))
    console = wide_console()
    console.print(rich_table(looking.report_data(told), width=console.width))
    document = looking.status_of(told)
    baseline = ", ".join(f"{name} {value:.4f}" for name, value in told.baseline.items())
    console.print(f"{sweep} is {document['state']}. {document['reason']}".rstrip())
    if document["state"] in ("WAITING", "INTERRUPTED"):
        console.print(f"go on with: acutance resume {shlex.quote(sweep)}")
    if baseline:
        console.print(f"bicubic: {baseline}")
    for line in constraints_told(document):
        console.print(line)
    executed, requested = document["steps_executed"], document["steps_requested"]
    console.print(f"steps: {executed:,} computed of {requested:,} requested")
    if document["budget"]["limit"]:
        console.print(f"budget: {budget_words(document['budget'])}")
    for line in trial_notes(document):
        click.echo(line)


def trial_notes(document: Mapping[str, Any]) -> list[str]:
    """Return what was wrong with trials, one line each, for `status` and at the end of a run."""
    return [
        f"note: {trial['trial']}, {note}" for trial in document["trials"] for note in trial["notes"]
    ]


@click.command()
@click.argument("sweep")
@click.option(
    "--pick", multiple=True, metavar="RULE", help="Keep points that meet METRIC>=NUMBER; repeat it."
)
@click.option("--by", metavar="OBJECTIVE", help="Show the best of them in this objective alone.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def front(sweep: str, pick: tuple[str, ...], by: str | None, as_json: bool) -> None:
    """Show the points of SWEEP that no other one beats in every objective.

    Interpolated points name their two trials and alpha. The knee, marked by a star, lies farthest
    from the line between the front's ends.

    \b
    Example:
      acutance front quickstart
      acutance front flagship --pick 'psnr_y>=28' --by feature_distance
    """
    document = looking.front(sweep, pick=pick, by=by)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    elif document["points"]:
        wide_console().print(front_table(document))
        for name, value in document["reference"].items():
            click.echo(f"reference  {name} {value:.4f}")
        if document["hypervolume"] is not None:
            click.echo(f"hypervolume beyond it {document['hypervolume']:.6g}")
    if not document["points"]:
        if pick:
            raise Failed(f"no point on the front of {sweep} meets {' and '.join(pick)}.")
        nearest = document["nearest"]
        none = f"no complete trial meets the constraints; the nearest is {nearest}"
        click.echo(none if nearest is not None else "no trial is COMPLETE yet", err=as_json)


def front_table(document: dict[str, Any]) -> Table:
    """Return the points of a front, the knee of several marked by a star."""
    objectives = document["objectives"]
    several = any("mean" in point for point in document["points"])
    seeds = [f"{label(name)} over seeds" for name in objectives] if several else []
    table = Table("point", *map(label, objectives), *seeds, "weights")
    star = (
        knee(document["points"], objectives)
        if min(len(objectives), len(document["points"])) > 1
        else None
    )
    for point in document["points"]:
        values = [number(name, point["metrics"].get(name)) for name in objectives]
        if several:
            values += [over_seeds(name, point) for name in objectives]
        mark = " *" if point is star else ""
        table.add_row(f"{point['trial']}{mark}", *values, (point["weights"] or "")[:12])
    return table


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
