"""`acutance systems`, `import` and `reproduce`."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.live import wide_console
from acutance_platform.cli.models import SELF_ENSEMBLE, TILE
from acutance_platform.cli.outcome import Failed
from acutance_platform.verbs import systems as verbs

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.command()
@_JSON
def systems(as_json: bool) -> None:
    """List every preset and scale: parameters counted and published, MACs, receptive field.

    \b
    Example:
      acutance systems
    """
    rows = verbs.systems()
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in rows], indent=2))
        return
    console: Console = wide_console()
    console.print(_table_of(rows))
    for text, presets in _sources_of(rows).items():
        console.print(f"{', '.join(presets)}: {text}", style="dim", markup=False, highlight=False)


def _table_of(rows: list[verbs.SystemRow]) -> Table:
    """Return the table, narrow enough for 80 columns."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for head in ("system", "preset", "scale"):
        table.add_column(head, no_wrap=True)
    for head in ("parameters", "published", "MACs/pixel", "sees"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        published = f"{row.published_parameters:,}" if row.published_parameters else "-"
        sees = f"{row.receptive_field} px" if row.receptive_field is not None else "all"
        table.add_row(
            row.system,
            row.preset,
            f"x{row.scale}",
            f"{row.parameters:,}",
            published,
            f"{row.macs_per_pixel:,.0f}",
            sees,
        )
    return table


def _sources_of(rows: list[verbs.SystemRow]) -> dict[str, list[str]]:
    """Return where the published numbers stand -> the presets they are of."""
    found: dict[str, list[str]] = {}
    for row in rows:
        presets = found.setdefault(row.source, [])
        if row.preset not in presets:
            presets.append(row.preset)
    return found


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "preset", help="Preset; recognised by the tensors where left out.")
@click.option("--scale", type=click.IntRange(1, 8), help="Where the tensors cannot tell it.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The target.")
def import_(file: Path, preset: str | None, scale: int | None, output: Path) -> None:
    """Turn the authors' checkpoint FILE into a weights file; every tensor is accounted for.

    \b
    Example:
      acutance import carn.pth --scale 4 -o carn-x4.safetensors
    """
    name, factor, notes = verbs.import_model(file, preset=preset, scale=scale, output=output)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{file} is {name} x{factor}; wrote {output}")


@click.command()
@click.argument("preset")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--weights", required=True, help="MODEL, for example an imported file.")
@click.option(
    "--sets", multiple=True, required=True, type=click.Path(path_type=Path), help="HR folder(s)."
)
@click.option("--variant", help="Whose figures, where a preset's source states several networks'.")
@SELF_ENSEMBLE
@TILE
@click.option("--scale", type=click.IntRange(2, 8), help="For bicubic only.")
@click.option(
    "--tolerance", type=click.FloatRange(0), default=0.02, show_default=True, help="dB of PSNR."
)
@_JSON
def reproduce(
    preset: str,
    folders: tuple[Path, ...],
    weights: str,
    sets: tuple[Path, ...],
    variant: str | None,
    self_ensemble: bool,
    tile: int | None,
    scale: int | None,
    tolerance: float,
    as_json: bool,
) -> None:
    """Measure weights beside what was published for PRESET, each under its protocol.

    Folders are named as their sets, Set5, Set14, B100, Urban100, or lie in one as its HR. With
    --self-ensemble the published figures are those with a '+'. Exit code 1 where a PSNR differs
    from the published one by more than --tolerance.

    \b
    Example:
      acutance reproduce carn --weights carn-x4.safetensors --sets data/Set5 data/Set14
      acutance reproduce rcan --weights rcan-x4.safetensors --sets data/Set5/HR --self-ensemble
    """
    if not math.isfinite(tolerance):
        raise click.BadParameter("a tolerance is a finite number of dB", param_hint="--tolerance")
    rows = verbs.reproduce(
        preset,
        weights=weights,
        sets=[*sets, *folders],
        scale=scale,
        variant=variant,
        self_ensemble=self_ensemble,
        tile=tile,
    )
    if as_json:
        content = [{**asdict(row), "difference": row.difference} for row in rows]
        click.echo(json.dumps(content, indent=2))
    else:
        heads = ("variant", "set", "metric", "protocol", "published", "ours", "difference")
        table = Table(*heads)
        for row in rows:
            table.add_row(
                row.variant,
                row.set,
                row.metric,
                row.protocol,
                f"{row.published:.4f}",
                f"{row.ours:.4f}",
                f"{row.difference:+.4f}",
            )
        wide_console().print(table)
    decibels = [abs(row.difference) for row in rows if row.metric.startswith("psnr")]
    worst = max(decibels, default=0.0)
    if worst > tolerance:
        raise Failed(f"a PSNR differs from the published one by {worst:.3f} dB.")
