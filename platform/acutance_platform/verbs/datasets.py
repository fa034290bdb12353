"""The dataset that a recipe names: a stored one, or a folder that is ingested on first use."""

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from acutance_platform.recipe import Document, Problem, Recipe, RecipeErrors, refuse
from acutance_platform.verbs.home import Home
from acutance_storage import (
    AddReport,
    DatasetError,
    ImageDataset,
    Rules,
    add_dataset,
    open_dataset,
)


def pin_dataset(recipe: Recipe, document: Document, home: Home) -> Recipe:
    """Return the recipe with its dataset as NAME@VERSION, ingesting a folder where it names one.

    Raises:
        RecipeErrors: If there is no such dataset or folder, or its LR pictures have another scale.
    """
    place = document.place("data.dataset")
    dataset = _find(recipe.data.dataset, place, document, home)
    recipe = _reading_lr(recipe, document, dataset)
    pinned = f"{dataset.name}@{dataset.version[:12]}"
    data = recipe.data.model_copy(update={"dataset": pinned})
    return recipe.model_copy(update={"data": data})


def _reading_lr(recipe: Recipe, document: Document, dataset: ImageDataset) -> Recipe:
    """Return the recipe with `lr_from: stored` where the file leaves it to the dataset's pairs.

    Raises:
        RecipeErrors: If the dataset's LR pictures are of another scale and the file does not say
            that LR is to be made.
    """
    if "lr_from" in document.raw.get("data", {}) or dataset.lr_scale is None:
        return recipe
    if dataset.lr_scale != recipe.scale:
        raise refuse(
            document.place("scale"),
            recipe.scale,
            f"dataset {dataset.name} has real LR pictures of scale {dataset.lr_scale}",
            f"Write scale: {dataset.lr_scale}, or data.lr_from: picture to make LR from HR.",
        )
    data = recipe.data.model_copy(update={"lr_from": "stored"})
    return recipe.model_copy(update={"data": data})


def add_pictures(
    name: str,
    source_of_pictures: Path | str,
    *,
    home: Home,
    min_side: int | None = None,
    centre_square: bool = False,
    resize: int | None = None,
    sub_pictures: tuple[int, int] | None = None,
    **options: Any,
) -> AddReport:
    """Add pictures to a dataset by rules; see `acutance_storage.rules` and `add_dataset`.

    Args:
        name: The dataset's name.
        source_of_pictures: A folder, or ``s3://BUCKET/PREFIX``.
        home: Where the dataset lies.
        min_side: Pixels of the shorter side below which a picture is left out.
        centre_square: Whether only the middle square is kept.
        resize: Pixels of the shorter side, by MATLAB's antialiased bicubic.
        sub_pictures: Size and step in pixels of the squares that are cut.
        **options: As `add_dataset` takes them.

    Raises:
        DatasetError: If the pictures, rules or options are not as they must be.
    """
    from acutance_models import matlab_resize  # brings torch

    rules = Rules(
        min_side=min_side,
        centre_square=centre_square,
        resize=resize,
        sub_pictures=sub_pictures,
        resize_with=matlab_resize if resize is not None else None,
    )
    return add_dataset(home.store, name, source_of_pictures, rules=rules, **options)


def add_folder(folder: Path, home: Home) -> AddReport:
    """Make a dataset of exactly the pictures of a folder.

    Two folders of one name share the dataset's name and differ in version; recipes pin the
    version. Datasets that people named themselves are never touched.

    Raises:
        DatasetError: If the folder cannot be read as pictures.
    """
    name = f"folder-{slug_of(folder)}"
    return add_dataset(home.store, name, folder, source=folder.resolve().name, replace=True)


def slug_of(folder: Path) -> str:
    """Return a folder's name in lower-case letters, digits and dashes."""
    slug = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return slug[:80] or "pictures"


def _find(wanted: str, place: str, document: Document, home: Home) -> ImageDataset:
    folder = _folder(wanted, place, document)
    try:
        if folder.is_dir():
            return _ingest(folder, home)
        return open_dataset(home.store, wanted)
    except DatasetError as error:
        way_out = f"Add it with `acutance data add NAME FOLDER`; {folder} is no folder."
        if folder.is_dir():
            way_out = "Mend the pictures, or name another dataset."
        raise RecipeErrors([Problem(place, repr(wanted), str(error), way_out)]) from None
    except OSError as error:
        rule = f"the folder cannot be read ({error.strerror}: {error.filename})"
        raise RecipeErrors([Problem(place, repr(wanted), rule, "Name another.")]) from None


def _folder(wanted: str, place: str, document: Document) -> Path:
    """Return the folder a dataset's name may mean, relative to the file that says it."""
    source = place.rsplit(": ", 1)[0].rsplit(":", 1)[0]
    base = Path(source).parent if Path(source).is_file() else Path()
    return (base / Path(wanted).expanduser()).resolve()


def _ingest(folder: Path, home: Home) -> ImageDataset:
    """Return the dataset of a folder's pictures, decoded only where the folder has changed."""
    fingerprint = _fingerprint(folder, home)
    where = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    memo = home.local / "folders" / f"{where}.json"
    if memo.exists():
        known = json.loads(memo.read_text())
        if known["fingerprint"] == fingerprint:
            # The memo outlives a store that is emptied: what it names may be gone.
            with contextlib.suppress(DatasetError):
                return open_dataset(home.store, str(known["dataset"]))
    added = add_folder(folder, home).dataset
    dataset = f"{added.name}@{added.version[:12]}"
    memo.parent.mkdir(parents=True, exist_ok=True)
    fresh = memo.with_suffix(".new")
    fresh.write_text(json.dumps({"fingerprint": fingerprint, "dataset": dataset}))
    fresh.replace(memo)
    return open_dataset(home.store, dataset)


def _fingerprint(folder: Path, home: Home) -> str:
    """Hash names, sizes and times of a folder's files, and which store they went into."""
    digest = hashlib.sha256(home.store.address.encode())
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            stat = file.stat()
            entry = [str(file.relative_to(folder)), stat.st_size, stat.st_mtime_ns]
            digest.update(json.dumps(entry).encode())
    return digest.hexdigest()
