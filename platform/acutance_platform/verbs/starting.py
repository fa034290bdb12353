"""`init`: from a folder of pictures to a sweep file that runs."""

import os
import shlex
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from acutance_platform.recipe import refuse
from acutance_platform.verbs.datasets import add_folder, slug_of
from acutance_platform.verbs.home import Home
from acutance_storage import AddReport, ImageDataset

_LR_PATCH = 32
"""LR side of a training crop: enough context for small networks, cheap on a CPU."""
_VALIDATION_PIXELS = 4_000_000
"""Above this many validation pixels, measuring often would cost more than training."""


@dataclass(frozen=True)
class Started:
    """What `init` made."""

    file: Path
    """The sweep file."""
    report: AddReport
    """How the pictures were read."""
    scale: int
    """The proposed scale."""


def init(
    pictures: Path,
    home: Home,
    *,
    output: Path | None = None,
    scale: int | None = None,
    overwrite: bool = False,
) -> Started:
    """Ingest a folder of pictures and write a commented sweep file for them.

    Args:
        pictures: Folder of at least three pictures.
        home: Where the dataset goes.
        output: Folder of the experiment; None makes NAME-sweep here.
        scale: 2, 3 or 4; None proposes one from the pictures' sizes.
        overwrite: Whether an existing sweep file may be replaced.

    Raises:
        RecipeErrors: If the pictures do not suffice or the file exists.
        DatasetError: If the folder cannot be read as pictures.
    """
    folder = output or Path(f"{slug_of(pictures)}-sweep")
    file = folder / "sweep.yaml"
    if folder.exists() and not folder.is_dir():
        raise refuse("-o", str(folder), "this is a file", "Name a folder for the experiment.")
    if file.exists() and not overwrite:
        raise refuse(str(file), None, "this file exists already", "Add --overwrite or -o FOLDER.")
    report = add_folder(pictures, home)
    dataset = report.dataset
    _refuse_too_few(dataset, pictures)
    shortest = min(min(p.height, p.width) for p in dataset.pictures)
    chosen = scale or _proposed_scale(shortest)
    text = _sweep_file(file, dataset, pictures, chosen, shortest)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(file)
    except OSError as error:
        rule = f"this file cannot be written: {error.strerror}"
        raise refuse(str(file), None, rule, "Choose another -o.") from None
    return Started(file, report, chosen)


def _refuse_too_few(dataset: ImageDataset, pictures: Path) -> None:
    if dataset.indices("train") and dataset.indices("validation"):
        return
    raise refuse(
        str(pictures),
        f"{len(dataset)} usable pictures",
        "a sweep needs pictures to learn from and others to measure on, three at least",
        "Add pictures.",
    )


def _proposed_scale(shortest: int) -> int:
    """Return x4 where its LR pictures still hold many crops, else x3 or x2."""
    for scale in (4, 3):
        if shortest >= 8 * _LR_PATCH * scale:
            return scale
    return 2


def _sweep_file(
    file: Path, dataset: ImageDataset, pictures: Path, scale: int, shortest: int
) -> str:
    side = min(_LR_PATCH, shortest // scale)
    if side < 8:
        rule = f"the smallest picture ({shortest} pixels) is too small for x{scale}"
        smaller = ", or choose a smaller --scale" if scale > 2 else ""
        raise refuse(str(pictures), shortest, rule, f"Leave it out{smaller}.")
    validation = [dataset.pictures[i] for i in dataset.indices("validation")]
    pixels = sum(p.height * p.width for p in validation)
    every = 150 if pixels <= _VALIDATION_PIXELS else 600
    kinds = ["msrresnet", "enhancenet", "carn"] if scale != 3 else ["msrresnet", "carn"]
    template = resources.files("acutance_platform") / "assets" / "sweep.yaml.template"
    return Template(template.read_text()).substitute(
        file=shlex.quote(str(file)),
        pictures=pictures.resolve().name,
        count=len(dataset),
        splits=", ".join(f"{len(dataset.indices(s))} {s}" for s in ("train", "validation", "test")),
        dataset=f"{dataset.name}@{dataset.version[:12]}",
        scale=scale,
        patch=side * scale,
        every=every,
        choices="\n".join(f"        - {_CHOICES[kind]}" for kind in kinds),
        cpus=os.cpu_count() or 1,
    )


# Each starts at the enlarged input (an image skip), which short trainings need; the same shapes as
# in experiments/quickstart.
_CHOICES = {
    "msrresnet": "{preset: msrresnet, channels: {choice: [16, 24]}, blocks: {int: [2, 5]}}",
    "enhancenet": "{kind: enhancenet, channels: {choice: [16, 24]}, blocks: {int: [2, 4]}}",
    "carn": "{kind: carn, channels: {choice: [16, 24]}, blocks: 2, units: 2, image_skip: bicubic}",
}
