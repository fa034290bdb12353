"""`acutance interpolate`."""

import json
from pathlib import Path

import click
from rich.table import Table

from acutance_platform.cli.live import wide_console
from acutance_platform.report.words import label, number
from acutance_platform.verbs import interpolating
from acutance_platform.verbs.interpolating import Interpolated


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--alpha", default="0:1:0.1", show_default=True, help="START:STOP:STEP, or a list.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--data", help="Folder or dataset to measure on.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="validation",
    show_default=True,
    help="Split of a stored dataset; folders are taken whole.",
)
@click.option("--protocol", default="rcan", show_default=True, help="Named rules of measuring.")
@click.option("--metrics", help="As in evaluate; the figure shows the first two.")
@click.option("--unrelated", is_flag=True, help="Mix models that share no pretrain all the same.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def interpolate(
    a: str,
    b: str,
    alpha: str,
    output: Path,
    data: str | None,
    split: str,
    protocol: str,
    metrics: str | None,
    unrelated: bool,
    as_json: bool,
) -> None:
    """Write the models between A (alpha 0) and B (alpha 1), and with --data measure them.

    A and B are models of one network that share a pretrain, as a PSNR model and the adversarial
    one trained on from it. Beside each interpolated network stands the mix of the two models'
    pictures, which costs two networks at the user's.

    \b
    Example:
      acutance interpolate mixes/t0000 mixes/t0003 --alpha 0:1:0.1 -o between/ --data photos
    """
    found = interpolating.interpolate(
        a,
        b,
        alphas=interpolating.parse_alphas(alpha),
        output=output,
        data=data,
        metrics=metrics,
        unrelated=unrelated,
        split=split,
        protocol=protocol,
        progress=lambda done: click.echo(f"alpha {done:g} done", err=True),
    )
    if not found.related:
        click.echo(f"warning: {a} and {b} share no pretrain", err=True)
    if as_json:
        click.echo(json.dumps(vars(found), indent=2))
        return
    if found.curve:
        wide_console().print(_table(found))
    for model in found.models:
        click.echo(model["file"])
    if found.figure is not None:
        click.echo(found.figure)


def _table(found: Interpolated) -> Table:
    names = list(found.curve[0]["network"])
    table = Table("alpha", *(f"{label(name)}, {way}" for way in ("network", "pictures")
                             for name in names))  # fmt: skip
    for point in found.curve:
        ways = [point["network"], point["pictures"]]
        cells = [number(name, way[name]) for way in ways for name in names]
        table.add_row(f"{point['alpha']:g}", *cells)
    return table
