"""What `acutance evaluate --suite` takes and prints beside `evaluate`."""

import json
from collections.abc import Callable

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.outcome import Refused
from acutance_platform.verbs.evaluation import Evaluation
from acutance_platform.verbs.suites import SuiteEvaluation

_SUITES_OWN = (
    "data",
    "split",
    "protocol",
    "lr",
    "maps",
    "degradation",
    "border",
    "grey",
    "metrics",
    "back_project",
)


def refuse_beside_suite() -> None:
    """Refuse what a suite says itself."""
    context = click.get_current_context()
    given = [
        "DATA" if name == "data" else f"--{name.replace('_', '-')}"
        for name in _SUITES_OWN
        if context.params[name] is not None
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise Refused(f"A suite names datasets and protocol itself. Leave {', '.join(given)} out.")


def show_suite(found: SuiteEvaluation, table: Callable[[Evaluation], Table], as_json: bool) -> None:
    """Print a suite's evaluation: a table per dataset, and the mean over all pictures."""
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
        return
    console = Console()
    for each in found.sets:
        console.print(table(each))
    pictures = sum(len(each.images) for each in found.sets)
    told = ", ".join(f"{name} {value:.4f}" for name, value in found.mean.items())
    console.print(f"{found.suite.label}, mean over {pictures} pictures: {told}")
