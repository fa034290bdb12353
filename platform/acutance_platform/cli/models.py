"""`acutance evaluate` and `acutance upscale`: what a model does to pictures."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.outcome import Failed
from acutance_platform.cli.zero_shot import (
    asks_for_zero_shot,
    enlarge_zero_shot,
    zero_shot_options,
)
from acutance_platform.verbs.evaluation import Evaluation
from acutance_platform.verbs.evaluation import evaluate as evaluate_model
from acutance_platform.verbs.upscaling import Enlarged
from acutance_platform.verbs.upscaling import upscale as upscale_pictures


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder.")
@click.option("--model", default="shipped", help="MODEL; default: the small x2 network shipped.")
@click.option("--scale", type=click.IntRange(2, 8), help="For bicubic and --zero-shot only.")
@click.option("--tile", type=click.IntRange(16), help="Side of the LR tiles, in pixels.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@zero_shot_options
def upscale(
    pictures: tuple[Path, ...],
    output: Path | None,
    model: str,
    scale: int | None,
    tile: int | None,
    overwrite: bool,
    **zero_shot: Any,
) -> None:
    """Enlarge pictures, or all pictures of a folder, with a model.

    With --zero-shot there is no model: each picture trains a small network on itself alone (ZSSR),
    for minutes.

    \b
    Example:
      acutance upscale my.jpg
      acutance upscale photos/ -o large/ --model quickstart/best
      acutance upscale old.png --zero-shot --scale 3 --noise 0.0125
    """
    refused: list[Enlarged] = []

    def say(enlarged: Enlarged) -> None:
        if enlarged.target is None:
            refused.append(enlarged)
            click.echo(f"{enlarged.source}: {enlarged.note}", err=True)
        else:
            note = f"  ({enlarged.note})" if enlarged.note else ""
            click.echo(f"{enlarged.source} -> {enlarged.target}{note}")

    targets: dict[str, Any] = {"output": output, "overwrite": overwrite, "progress": say}
    if asks_for_zero_shot(zero_shot):
        enlarge_zero_shot(pictures, scale or 2, zero_shot, targets)
    else:
        upscale_pictures(pictures, model=model, scale=scale, tile=tile, **targets)
    if refused:
        raise Failed(f"{len(refused)} picture(s) could not be read.")


@click.command()
@click.argument("model")
@click.argument("data")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="validation",
    show_default=True,
    help="Split of a stored dataset; folders are taken whole.",
)
@click.option("--protocol", default="rcan", show_default=True, help="Named rules of measuring.")
@click.option("--scale", type=click.IntRange(2, 8), help="For bicubic only.")
@click.option("--lr", type=click.Path(path_type=Path), help="Folder of given LR pictures.")
@click.option("--degradation", help="Degradation chain as YAML, in place of the protocol's.")
@click.option("--border", type=click.IntRange(0), help="HR pixels ignored at each edge.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def evaluate(
    model: str,
    data: str,
    split: str,
    protocol: str,
    scale: int | None,
    lr: Path | None,
    degradation: str | None,
    border: int | None,
    as_json: bool,
) -> None:
    """Measure MODEL on DATA: a folder of HR pictures, or a dataset NAME[@VERSION].

    \b
    Example:
      acutance evaluate quickstart/best Set5/HR --lr Set5/LRx2
      acutance evaluate bicubic Set5/HR --scale 2 --protocol y8
    """
    result = evaluate_model(
        model,
        data,
        split=split,
        protocol=protocol,
        scale=scale,
        lr=lr,
        degradation=degradation,
        border=border,
    )
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=2))
    else:
        Console().print(_table(result))


def _table(result: Evaluation) -> Table:
    names = list(result.mean)
    title = f"{result.model} x{result.scale} on {result.data}, protocol {result.protocol['name']}"
    table = Table("picture", *names, title=title)
    for image in result.images:
        table.add_row(str(image["name"]), *(f"{image[name]:.4f}" for name in names))
    table.add_section()
    table.add_row("mean", *(f"{result.mean[name]:.4f}" for name in names))
    return table
