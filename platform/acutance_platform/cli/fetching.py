"""`acutance fetch`: published files for feature networks and metrics."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from acutance_platform.cli.live import wide_console
from acutance_platform.verbs import fetching
from acutance_platform.verbs.published import PUBLISHED


@click.command()
@click.argument("name", required=False)
@click.option("--from", "file", type=click.Path(path_type=Path), help="A local copy of the file.")
@click.option(
    "--fit",
    "photographs",
    type=click.Path(path_type=Path),
    help="Folder of pristine photographs to fit the metric niqe's parameters to.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def fetch(name: str | None, file: Path | None, photographs: Path | None, as_json: bool) -> None:
    """Bring the published file NAME into the store; without NAME, list what there is.

    The hash is checked before anything is stored. A machine without internet takes a copy by
    --from. With --from a name of your own is allowed: then the file is yours, its hash is shown,
    and recipes use it as `features: {kind: vgg16, file: NAME}`.

    \b
    Example:
      acutance fetch
      acutance fetch vgg19
      acutance fetch vgg16-minc --from VGG16minc_53.pth
      acutance fetch my-niqe --fit sharp-photographs/
    """
    if name is None:
        if file is not None or photographs is not None:
            raise click.UsageError("--from and --fit need NAME.")
        _list(as_json)
        return
    if file is not None and photographs is not None:
        raise click.UsageError("--from and --fit exclude each other.")
    row = PUBLISHED.get(name)
    if row is not None and photographs is None:
        click.echo(f"{name}: {row.licence}, {_size(row.size)}, {row.address}", err=True)
    with _shown(name) as progress:
        if photographs is not None:
            found = fetching.fit(name, photographs)
        else:
            found = fetching.fetch(name, file=file, progress=progress)
    if as_json:
        click.echo(json.dumps(vars(found), indent=2))
        return
    click.echo(f"{found.name} {'is here now' if found.fresh else 'was here already'}")
    click.echo(f"sha256     {found.sha256}")
    click.echo(f"source     {found.source}")
    click.echo(f"licence    {found.licence or 'unknown to acutance'}")
    if photographs is not None:
        click.echo(f"use        metrics: [{{kind: niqe, file: {name}}}]")
    elif row is None:
        kind = found.kinds[0]
        click.echo(f"use        features: {{kind: {kind}, file: {name}}}")


def _list(as_json: bool) -> None:
    rows = fetching.shelf()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("name", "here", "size", "licence", "for", "sha256")
    for row in rows:
        size = _size(row["size"]) if row["size"] is not None else ""
        here = "yes" if row["here"] else "no"
        table.add_row(row["name"], here, size, row["licence"], row["purpose"], row["sha256"][:16])
    wide_console().print(table)


@contextmanager
def _shown(name: str) -> Iterator[fetching.Progress | None]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
