"""`acutance stop`, `enqueue`, `budget` and `logs`: steer a sweep from where its store is seen."""

import json
import shlex
from typing import Any

import click

from acutance_platform.verbs import logs as reading
from acutance_platform.verbs import open_home, steering
from acutance_platform.verbs.saying import lines_of, values_told

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.command()
@click.argument("target", metavar="SWEEP[/TRIAL]")
@_JSON
def stop(target: str, as_json: bool) -> None:
    """Ask a running sweep, training or trial to save its state and end.

    A sweep is then INTERRUPTED and can be resumed; a trial is STOPPED, and its slot goes to another
    one. Works on every machine that sees the store.

    \b
    Example:
      acutance stop quickstart/t0003
      acutance stop quickstart
    """
    _tell(steering.stop(target, home=open_home()), as_json)


@click.command()
@click.argument("sweep")
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE", help="Fix a value of the point."
)
@_JSON
def enqueue(sweep: str, sets: tuple[str, ...], as_json: bool) -> None:
    """Ask SWEEP to run a point as its next new trial; what is not set is drawn.

    The point comes on top of the budget of trials; steps and hours count as for all others.

    \b
    Example:
      acutance enqueue quickstart --set optimizer.lr=1.0e-3
    """
    _tell(steering.enqueue(sweep, sets=sets, home=open_home()), as_json)


@click.command()
@click.argument("sweep")
@click.argument("settings", nargs=-1, required=True, metavar="KEY=[+]NUMBER...")
@_JSON
def budget(sweep: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Ask the running SWEEP to go on with other limits, at once.

    Keys: trials, steps, wall_hours, gpu_hours, cpu_hours. One that has ended goes on with
    `acutance resume SWEEP --budget KEY=[+]NUMBER`.

    \b
    Example:
      acutance budget quickstart trials=+4 cpu_hours=12
    """
    _tell(steering.budget(sweep, settings=settings, home=open_home()), as_json)


@click.command()
@click.argument("target", metavar="SWEEP[/TRIAL]")
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document per line.")
def logs(target: str, follow: bool, as_json: bool) -> None:
    """Print what a sweep or trial said: reports, notes, failures, requests.

    \b
    Example:
      acutance logs quickstart/t0003 -f
    """
    for record in reading.logs(target, follow=follow, home=open_home()):
        for line in [json.dumps(record)] if as_json else lines_of(record):
            click.echo(line)


def _tell(request: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(request, indent=2))
        return
    name = shlex.quote(request["sweep"])
    target = f"{name}/{request['trial']}" if "trial" in request else name
    what = "to stop"
    if request["do"] == "enqueue":
        what = f"for {values_told(request['point'])}"
    if request["do"] == "budget":
        what = f"to go on with {values_told(request['limits'])}"
    if request["driven"]:
        click.echo(f"asked {target} {what}; see: acutance logs {target}")
    else:
        click.echo(
            f"asked {target} {what}; no driver runs, so this waits for: acutance resume {name}"
        )
