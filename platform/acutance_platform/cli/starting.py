"""`acutance init` and `acutance doctor`: before the first sweep."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.outcome import Failed
from acutance_platform.verbs import open_home
from acutance_platform.verbs.doctor import doctor as look
from acutance_platform.verbs.starting import init as begin

_COLOURS = {"ok": "green", "warning": "yellow", "failure": "red"}


@click.command()
@click.argument("pictures", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the experiment.")
@click.option("--scale", type=click.Choice(["2", "3", "4"]), help="Default: from the sizes.")
@click.option("--overwrite", is_flag=True, help="Replace an existing sweep.yaml.")
def init(pictures: Path, output: Path | None, scale: str | None, overwrite: bool) -> None:
    """Ingest the folder PICTURES and write a commented sweep.yaml for it.

    \b
    Example:
      acutance init ~/Pictures/holiday
    """
    started = begin(
        pictures,
        open_home(),
        output=output,
        scale=int(scale) if scale else None,
        overwrite=overwrite,
    )
    for file, treatment in started.report.treated:
        click.echo(f"treated  {file}: {treatment}")
    for file, reason in started.report.skipped:
        click.echo(f"skipped  {file}: {reason}")
    dataset = started.report.dataset
    click.echo(
        f"{len(dataset)} pictures are dataset {dataset.name}; proposed scale x{started.scale}"
    )
    click.echo(f"wrote {started.file}")
    click.echo(f"next: acutance plan {started.file}")
    click.echo(f"      acutance sweep {started.file}")


@click.command()
@click.option(
    "--address",
    envvar="RAY_ADDRESS",
    metavar="HOST:PORT",
    help="A Ray cluster whose nodes are asked as well (or RAY_ADDRESS).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor(address: str | None, as_json: bool) -> None:
    """Check that this machine, or a cluster, can run sweeps, and say what to do where it cannot.

    Of a cluster, each node is asked: versions, the store, its clock, disk, memory and GPUs.

    \b
    Example:
      acutance doctor
      acutance doctor --address 10.0.0.5:6379
    """
    findings = look(open_home(), address=address or None)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("what", "verdict")
        for title in ("found", "what to do"):
            table.add_column(title, overflow="fold")  # addresses and folders as a whole
        for finding in findings:
            colour = _COLOURS[finding.verdict]
            verdict = f"[{colour}]{finding.verdict}[/{colour}]"
            table.add_row(finding.subject, verdict, finding.said, finding.advice)
        Console().print(table)
    if any(finding.verdict == "failure" for finding in findings):
        who = f"the cluster {address}" if address else "this machine"
        raise Failed(f"{who} cannot run sweeps yet; see the advice above.")
