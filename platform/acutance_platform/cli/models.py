"""`acutance evaluate` and `acutance upscale`: what a model does to pictures."""

import json
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table

from acutance_platform.cli.freed_memory import keep_freed_memory, tidied
from acutance_platform.cli.outcome import Failed, Refused
from acutance_platform.cli.suites import refuse_beside_suite, show_suite
from acutance_platform.cli.tile_bar import tile_bar
from acutance_platform.cli.zero_shot import (
    asks_for_zero_shot,
    enlarge_zero_shot,
    zero_shot_options,
)
from acutance_platform.verbs.evaluation import Evaluation
from acutance_platform.verbs.evaluation import evaluate as evaluate_model
from acutance_platform.verbs.suites import evaluate_suite, stored_evaluation
from acutance_platform.verbs.upscaling import Enlarged
from acutance_platform.verbs.upscaling import upscale as upscale_pictures

SELF_ENSEMBLE = click.option(
    "--self-ensemble", is_flag=True, help="Mean of the eight orientations, the papers' '+'."
)
BACK_PROJECT = click.option(
    "--back-project",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="N times, add what the result lacks of the picture when shrunk as the model was trained; "
    "by MATLAB's bicubic where that is not known.",
)
TILE = click.option(
    "--tile",
    type=click.IntRange(16),
    help="Side of the LR tiles, in pixels: bounds memory and changes nothing; a network that looks "
    "at the whole picture (RCAN) gives a little other numbers.",
)


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder.")
@click.option("--model", default="shipped", help="MODEL; default: the small x2 network shipped.")
@click.option("--scale", type=click.IntRange(2, 8), help="For bicubic and --zero-shot only.")
@TILE
@SELF_ENSEMBLE
@BACK_PROJECT
@click.option(
    "--maps", type=click.Path(path_type=Path), help="Map, or folder of maps, as in data add."
)
@click.option(
    "--depth",
    "bits",
    type=click.Choice([8, 16]),
    help="Bits per channel, in place of each picture's own; 16 are for PNG and TIFF.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@zero_shot_options
def upscale(
    pictures: tuple[Path, ...],
    output: Path | None,
    model: str,
    scale: int | None,
    tile: int | None,
    self_ensemble: bool,
    back_project: int,
    maps: Path | None,
    bits: int | None,
    overwrite: bool,
    **zero_shot: Any,
) -> None:
    """Enlarge pictures, or all pictures of a folder, with a model.

    With --zero-shot there is no model: each picture trains a small network on itself alone (ZSSR),
    for minutes.

    Grey stays grey, 16 bits stay 16 in PNG and TIFF, transparency is enlarged bicubically, EXIF and
    colour profile are kept. Large pictures are computed in tiles and written as they come, so that
    a PNG of any size needs little memory.

    A segmentation map of --maps has the size of the enlarged picture, or of the picture and is then
    enlarged: classes by repeating pixels, probabilities bilinearly. Without a map a picture is
    background everywhere.

    \b
    Example:
      acutance upscale my.jpg
      acutance upscale photos/ -o large/ --model quickstart/best
      acutance upscale my.jpg --model quickstart/best --self-ensemble --back-project 10
      acutance upscale old.png --zero-shot --scale 3 --noise 0.0125
      acutance upscale beach.png --model outdoor/best --maps labels/beach.png
    """
    keep_freed_memory()
    refused: list[Enlarged] = []

    def say(enlarged: Enlarged) -> None:
        if enlarged.target is None:
            refused.append(enlarged)
            click.echo(f"{enlarged.source}: {enlarged.note}", err=True)
        else:
            note = f"  ({enlarged.note})" if enlarged.note else ""
            click.echo(f"{enlarged.source} -> {enlarged.target}{note}")

    targets: dict[str, Any] = {"output": output, "overwrite": overwrite, "bits": bits}
    targets["progress"] = say
    if asks_for_zero_shot(zero_shot):
        enlarge_zero_shot(pictures, scale or 2, zero_shot, targets)
    else:
        how: dict[str, Any] = {"tile": tile, "self_ensemble": self_ensemble, "maps": maps}
        with tile_bar() as watch:
            how.update(scale=scale, back_projections=back_project, watch=tidied(watch))
            upscale_pictures(pictures, model=model, **how, **targets)
    if refused:
        raise Failed(f"{len(refused)} picture(s) could not be read.")


@click.command()
@click.argument("model")
@click.argument("data", required=False)
@click.option("--suite", metavar="NAME", help="In place of DATA: a suite, with its protocol.")
@click.option("--stored", is_flag=True, help="With --suite: what was kept, without measuring.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test", "all"]),
    default="validation",
    show_default=True,
    help="Split of a stored dataset; folders are taken whole.",
)
@click.option("--protocol", default="rcan", show_default=True, help="Named rules of measuring.")
@click.option("--scale", type=click.IntRange(2, 8), help="For bicubic only.")
@click.option("--lr", type=click.Path(path_type=Path), help="Folder of given LR pictures.")
@click.option("--maps", type=click.Path(path_type=Path), help="Folder of segmentation maps.")
@click.option("--degradation", help="Degradation chain as YAML, in place of the protocol's.")
@click.option("--border", type=click.IntRange(0), help="HR pixels ignored, not the protocol's.")
@click.option(
    "--grey",
    type=click.Choice(["raw", "rgb"]),
    help="Luma of files with one channel: their values, or through RGB; not the protocol's rule.",
)
@click.option(
    "--metrics",
    help="Metrics parted by commas, in place of the protocol's: NAME or {kind: NAME, ...}.",
)
@SELF_ENSEMBLE
@BACK_PROJECT
@TILE
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def evaluate(
    model: str,
    data: str | None,
    suite: str | None,
    stored: bool,
    split: str,
    protocol: str,
    scale: int | None,
    lr: Path | None,
    maps: Path | None,
    degradation: str | None,
    border: int | None,
    grey: Literal["raw", "rgb"] | None,
    metrics: str | None,
    self_ensemble: bool,
    back_project: int,
    tile: int | None,
    as_json: bool,
) -> None:
    """Measure MODEL on DATA: a folder of HR pictures, or a dataset NAME[@VERSION]; or on a suite.

    A protocol names degradation, rounding, luma, border and the rule for grey pictures; --lr or
    --degradation replaces its degradation, --border and --grey theirs, and nothing else changes.

    \b
    Example:
      acutance evaluate quickstart/best Set5/HR --lr Set5/LRx2
      acutance evaluate bicubic Set5/HR --scale 2 --protocol y8
      acutance evaluate rcan-x4.safetensors Urban100 --self-ensemble --tile 128
      acutance evaluate quickstart/best Set5/HR --metrics psnr_y,feature_distance,edge_acutance
      acutance evaluate quickstart/best --suite classics
    """
    keep_freed_memory()
    how: dict[str, Any] = {"scale": scale, "tile": tile, "self_ensemble": self_ensemble}
    if suite is not None:
        refuse_beside_suite()
        found = stored_evaluation(model, suite) if stored else evaluate_suite(model, suite, **how)
        show_suite(found, _table, as_json)
        return
    if data is None or stored:
        raise Refused("Name DATA, or a suite with --suite; --stored goes with a suite.")
    result = evaluate_model(
        model,
        data,
        split=split,
        protocol=protocol,
        lr=lr,
        maps=maps,
        degradation=degradation,
        border=border,
        grey=grey,
        metrics=metrics,
        back_projections=back_project,
        **how,
    )
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=2))
    else:
        Console().print(_table(result))


def _table(result: Evaluation) -> Table:
    names = list(result.mean)
    protocol = result.protocol["name"]
    extra = ", self-ensemble" if result.protocol["self_ensemble"] else ""
    if times := result.protocol["back_projections"]:
        extra += f", back-projected {times} times"
    title = f"{result.model} x{result.scale} on {result.data}, protocol {protocol}{extra}"
    table = Table("picture", *names, title=title)
    for image in result.images:
        table.add_row(str(image["name"]), *(f"{image[name]:.4f}" for name in names))
    table.add_section()
    table.add_row("mean", *(f"{result.mean[name]:.4f}" for name in names))
    region = [] if result.region is None else [f"PIRM region {result.region}"]
    table.caption = "\n".join([*region, *result.notes]) or None
    return table
