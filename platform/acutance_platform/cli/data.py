"""`acutance data`: datasets in the store."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from acutance_platform.cli.outcome import Failed
from acutance_platform.verbs import open_home
from acutance_platform.verbs.datasets import add_pictures
from acutance_storage import (
    AddReport,
    ImageDataset,
    list_datasets,
    open_dataset,
    pull_dataset,
    verify_dataset,
)


@click.group()
def data() -> None:
    """Add, list, show, verify and pull datasets.

    \b
    Example:
      acutance data add holiday ~/Pictures/holiday --licence "CC0, own photographs"
    """


@data.command()
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--from", "prefix", metavar="S3", help="In place of FOLDER: s3://BUCKET/PREFIX.")
@click.option("--min-side", type=click.IntRange(1), help="Rule 1: leave smaller pictures out.")
@click.option("--centre-square", is_flag=True, help="Rule 2: keep the middle square.")
@click.option("--resize", type=click.IntRange(1), help="Rule 3: shrink the shorter side to this.")
@click.option(
    "--sub-pictures",
    type=click.IntRange(1),
    nargs=2,
    metavar="SIZE STEP",
    help="Rule 4: cut into squares of SIZE every STEP pixels.",
)
@click.option("--licence", default="", help="Licence of the pictures.")
@click.option("--source", default="", help="Where the pictures come from.")
@click.option(
    "--split", type=click.Path(path_type=Path), help="File of lines 'SPLIT NAME-OR-GLOB'."
)
@click.option("--lr", type=click.Path(path_type=Path), help="Folder of real LR pictures.")
@click.option("--scale", type=click.IntRange(2, 8), help="HR side over LR side, with --lr.")
@click.option("--maps", type=click.Path(path_type=Path), help="Folder of segmentation maps.")
@click.option("--classes", type=click.IntRange(2, 256), help="Classes of --maps.")
def add(
    name: str,
    folder: Path | None,
    prefix: str | None,
    min_side: int | None,
    centre_square: bool,
    resize: int | None,
    sub_pictures: tuple[int, int] | None,
    licence: str,
    source: str,
    split: Path | None,
    lr: Path | None,
    scale: int | None,
    maps: Path | None,
    classes: int | None,
) -> None:
    """Add the pictures of FOLDER to dataset NAME; the version is a hash of the content.

    Interrupted, the same command goes on where it was. Sub-folders named train, validation and test
    decide the split; else 80/10/10 by content. Rules are applied in their order, and what is cut
    from one picture stays in one split.

    The map of NAME.jpg is NAME.png, whose 8-bit values are classes, or NAME.npz with probabilities
    prob_u8 (classes, height, width). Class 0 is background, as is a picture without a map.

    \b
    Example:
      acutance data add set5 Set5/HR --lr Set5/LRx2 --scale 2
      acutance data add outdoor pictures/ --maps labels/ --classes 8
      acutance data add coco --from s3://pictures/coco --min-side 384 --centre-square --resize 256
    """
    _check_options(folder, prefix, lr, scale, maps, classes)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading pictures", total=None)
        report = add_pictures(
            name,
            prefix or folder or "",
            home=open_home(),
            min_side=min_side,
            centre_square=centre_square,
            resize=resize,
            sub_pictures=sub_pictures,
            licence=licence,
            source=source,
            split=split,
            lr=lr,
            scale=scale,
            maps=maps,
            classes=classes,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _say_added(report)


def _check_options(
    folder: Path | None,
    prefix: str | None,
    lr: Path | None,
    scale: int | None,
    maps: Path | None,
    classes: int | None,
) -> None:
    if (folder is None) == (prefix is None):
        raise click.UsageError("Give either FOLDER or --from s3://BUCKET/PREFIX.")
    if prefix is not None and not prefix.startswith("s3://"):
        raise click.UsageError(f"--from {prefix}: give s3://BUCKET/PREFIX, or a folder as FOLDER.")
    if (lr is None) != (scale is None):
        raise click.UsageError("--lr and --scale go together: LR pictures have a scale.")
    if classes is not None and maps is None:
        raise click.UsageError("--classes goes with --maps: it counts the classes of the maps.")


def _say_added(report: AddReport) -> None:
    dataset = report.dataset
    if report.resumed:
        click.echo(f"went on  {report.resumed} files had been read before the interruption")
    for file, treatment in report.treated:
        click.echo(f"treated  {file}: {treatment}")
    for file, reason in report.skipped:
        click.echo(f"skipped  {file}: {reason}")
    for file, twin in report.duplicates:
        click.echo(f"same     {file}: the same pixels as {twin}, kept once")
    for picture, twin, split in report.near_duplicates:
        click.echo(f"alike    {picture}: resembles {twin}, so it is in {split} as well")
    for picture, reason in report.left_out:
        click.echo(f"left out {picture}: {reason}")
    for picture, asked, stays in report.unmoved:
        click.echo(f"unmoved  {picture}: asked for {asked}, stays in {stays}")
    for first, second in report.leaks:
        click.echo(f"warning  {first} and {second} are alike and lie in different splits")
    counts = ", ".join(
        f"{len(dataset.indices(split))} {split}" for split in ("train", "validation", "test")
    )
    maps = ""
    if dataset.classes is not None:
        mapped = sum(dataset.has_map(index) for index in range(len(dataset)))
        maps = f", {mapped} with maps of {dataset.classes} classes"
    click.echo(f"{dataset.name}@{dataset.version[:12]}: {len(dataset)} pictures ({counts}){maps}")


@data.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def list_(as_json: bool) -> None:
    """List the datasets of the store.

    \b
    Example:
      acutance data list
    """
    rows = list_datasets(open_home().store)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        click.echo("no datasets yet; add one with `acutance data add NAME FOLDER`")
        return
    table = Table("name", "version", "pictures", "splits", "LR", "maps", "licence")
    for row in rows:
        splits = ", ".join(f"{count} {split}" for split, count in row.splits.items())
        lr = f"x{row.lr_scale}" if row.lr_scale else "made"
        maps = f"{row.classes} classes" if row.classes else "-"
        said = row.problem or row.licence
        table.add_row(row.name, row.version[:12], str(row.pictures), splits, lr, maps, said)
    Console().print(table)


@data.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show(name: str, as_json: bool) -> None:
    """Show the pictures of dataset NAME[@VERSION].

    \b
    Example:
      acutance data show holiday
    """
    dataset = open_dataset(open_home().store, name)
    pictures = [
        {
            "name": picture.name,
            "split": picture.split,
            "width": picture.width,
            "height": picture.height,
            "sha256": picture.sha256,
            "source": picture.source,
            "treatment": picture.treatment,
            "map": dataset.has_map(index),
        }
        for index, picture in enumerate(dataset.pictures)
    ]
    head = {
        "name": dataset.name,
        "version": dataset.version,
        "licence": dataset.licence,
        "source": dataset.source,
        "lr_scale": dataset.lr_scale,
        "classes": dataset.classes,
        "lineage": [asdict(addition) for addition in dataset.lineage],
        "statistics": asdict(dataset.statistics),
    }
    if as_json:
        click.echo(json.dumps({**head, "pictures": pictures}, indent=2))
        return
    for key in ("name", "version", "licence", "source", "lr_scale", "classes"):
        click.echo(f"{key:10} {'-' if head[key] in (None, '') else head[key]}")
    _say_origin(dataset)
    table = Table("picture", "split", "size", "map", "treatment")
    for row in pictures:
        size = f"{row['width']} x {row['height']}"
        mapped = "yes" if row["map"] else "-"
        table.add_row(str(row["name"]), str(row["split"]), size, mapped, str(row["treatment"]))
    Console().print(table)


def _say_origin(dataset: ImageDataset) -> None:
    for addition in dataset.lineage:
        rules = ", ".join(f"{rule} {value}" for rule, value in addition.rules.items())
        said = f"{addition.added} pictures from {addition.address} by {addition.tool}"
        click.echo(f"{'lineage':10} {said}{'; ' if rules else ''}{rules}")
    found = dataset.statistics
    sides = f"sides {found.smallest} to {found.largest}"
    colours = ""
    if found.mean:
        mean, deviation = (
            " ".join(f"{value:.1f}" for value in values) for values in (found.mean, found.deviation)
        )
        colours = f", RGB mean {mean}, deviation {deviation}"
    shards = f"{found.shards} shard{'s' if found.shards != 1 else ''}"
    click.echo(f"{'pixels':10} {found.pixels:,} in {shards}, {sides}{colours}")


@data.command()
@click.argument("name")
def pull(name: str) -> None:
    """Fetch dataset NAME[@VERSION] to this machine before a training needs it.

    \b
    Example:
      acutance data pull holiday
    """
    home, console = open_home(), Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("fetching shards", total=None)
        size = pull_dataset(
            home.store, name, lambda done, total: bar.update(task, completed=done, total=total)
        )
    click.echo(f"{name} is on this machine: {size:,} bytes")


@data.command()
@click.argument("name")
def verify(name: str) -> None:
    """Hash every picture of dataset NAME[@VERSION] again and name what is damaged.

    \b
    Example:
      acutance data verify holiday
    """
    damage = verify_dataset(open_home().store, name)
    for line in damage:
        click.echo(line, file=sys.stderr)
    if damage:
        raise Failed(f"{name} is damaged: {len(damage)} finding(s); add its pictures again.")
    click.echo(f"{name} is sound")
