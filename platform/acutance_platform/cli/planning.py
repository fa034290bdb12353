"""`acutance validate` and `acutance plan`."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.verbs import open_home, planning

_FILE = click.argument("file", type=click.Path(path_type=Path))
_SET = click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Change a value.")
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")

_NAMED, _ROWS = 3, 12  # tensors named, stages shown


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
    for index, stage in enumerate(found["stages"]):
        click.echo(f"stage      {stage['name']}: {stage['steps']:,} steps, {_taken(stage, index)}")


def _taken(stage: dict[str, Any], index: int) -> str:
    """Return in words which tensors a stage takes over."""
    fresh = len(stage["fresh"])
    if index == 0 and not stage["inherited"]:
        return f"{fresh} tensors drawn from the seed"
    parent = "from init" if index == 0 else "from the stage before"
    text = f"{stage['inherited']} tensors {parent}"
    for names, word in ((stage["fresh"], "new"), (stage["dropped"], "dropped")):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            text += f", {len(names)} {word} ({', '.join(names[:_NAMED])}{more})"
    return text


def _shown(point: dict[str, Any]) -> str:
    return ", ".join(
        f"{path}={value:.3g}" if isinstance(value, float) else f"{path}={value}"
        for path, value in point.items()
    )


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
    table = Table("recipe", "parameters", "memory", "s / step", "s / measurement")
    for sample in forecast.samples:
        table.add_row(
            _shown(sample["recipe"]) or "as written",
            f"{sample['parameters']:,}",
            f"{sample['peak_memory'] / 2**20:,.0f} MiB" if "peak_memory" in sample else "",
            f"{sample['seconds_per_step']:.3f}",
            f"{sample['seconds_per_measurement']:.2f}",
        )
    Console().print(table)
    for point in forecast.points:
        click.echo(f"draw       {_shown(point)}")
    for note in forecast.notes:
        click.echo(f"note       {note}")
    trials = forecast.trials if forecast.trials is not None else "as many as the budget allows"
    click.echo(f"trials     {trials}, {forecast.slots} at once")
    click.echo(f"steps      {forecast.steps:,} in full, about {forecast.steps_expected:,} expected")
    Console().print(_stages(forecast))
    click.echo(
        f"sharing    {forecast.steps_saved:,} steps need not be computed"
        f" in {forecast.listed} draw{'s' if forecast.listed > 1 else ''}"
    )
    hours = forecast.hours
    click.echo(
        f"time       {_time(hours.expected)} expected"
        f" ({_time(hours.low)} to {_time(hours.high)}) on this machine"
    )


def _stages(forecast: planning.Forecast) -> Table:
    """Return the table of stages, those with most steps to share first."""
    table = Table("stage", "key", "steps", "draws that share it", "paid for")
    ranked = sorted(forecast.stages, key=lambda each: -each["steps"] * each["shared_by"])
    for stage in ranked[:_ROWS]:
        shared, paid = f"{stage['shared_by']} of {forecast.listed}", stage["cached"]
        cells = (stage["name"], stage["key"][:12], f"{stage['steps']:,}", shared)
        table.add_row(*cells, "yes" if paid else "no")
    if len(ranked) > _ROWS:
        paid = sum(stage["cached"] for stage in ranked[_ROWS:])
        table.add_row(f"{len(ranked) - _ROWS} more", "", "", "", f"{paid} yes")
    return table


def _time(hours: float) -> str:
    return f"{hours * 60:.1f} min" if hours < 2 else f"{hours:.1f} h"
