"""`acutance validate` and `acutance plan`."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.verbs import open_home, planning

_FILE = click.argument("file", type=click.Path(path_type=Path))
_SET = click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.command()
@_FILE
@_SET
@_JSON
def validate(file: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Check the recipe or sweep FILE: all problems at once, each with place and way out.

    \b
    Example:
      acutance validate experiments/quickstart/sweep.yaml
    """
    found = planning.validate(file, sets, open_home())
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    pictures = ", ".join(f"{number} {split}" for split, number in found["pictures"].items())
    click.echo(f"{file} is a valid {found['kind']}")
    click.echo(f"dataset    {found['dataset']} ({pictures})")
    click.echo(f"generator  x{found['scale']}, {found['parameters']:,} parameters")
    click.echo(f"training   {found['steps']:,} steps in {found['precision']}")


@click.command()
@_FILE
@_SET
@_JSON
def plan(file: Path, sets: tuple[str, ...], as_json: bool) -> None:
    """Forecast what the recipe or sweep FILE costs here, by timing a few steps.

    \b
    Example:
      acutance plan experiments/quickstart/sweep.yaml
    """
    with Console(stderr=True).status("timing a few steps"):
        forecast = planning.plan(file, sets, open_home())
    if as_json:
        click.echo(json.dumps(forecast.as_dict(), indent=2))
        return
    table = Table("recipe", "parameters", "s / step", "s / measurement")
    for sample in forecast.samples:
        shown = ", ".join(
            f"{path}={value:.3g}" if isinstance(value, float) else f"{path}={value}"
            for path, value in sample["recipe"].items()
        )
        table.add_row(
            shown or "as written",
            f"{sample['parameters']:,}",
            f"{sample['seconds_per_step']:.3f}",
            f"{sample['seconds_per_measurement']:.2f}",
        )
    Console().print(table)
    trials = forecast.trials if forecast.trials is not None else "as many as the budget allows"
    click.echo(f"trials     {trials}, {forecast.slots} at once")
    click.echo(f"steps      {forecast.steps:,} in full, about {forecast.steps_expected:,} expected")
    cached = sum(stage["cached"] for stage in forecast.stages)
    click.echo(f"stages     {len(forecast.stages)} known, {cached} of them finished already")
    hours = forecast.hours
    click.echo(
        f"time       {_time(hours.expected)} expected"
        f" ({_time(hours.low)} to {_time(hours.high)}) on this machine"
    )


def _time(hours: float) -> str:
    return f"{hours * 60:.1f} min" if hours < 2 else f"{hours:.1f} h"
