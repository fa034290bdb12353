"""What an experiment needs in the store before it runs: pictures with maps, published files."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from acutance_platform.recipe import refuse
from acutance_platform.verbs.fetching import fetch, shelf
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset

Say = Callable[[str], None]


class Mapped(BaseModel):
    """Pictures with segmentation maps, which a folder alone cannot say."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    pictures: list[str]
    """Folders of pictures, see `measure`; sub-folders named train and validation are splits."""
    maps: list[str]
    """Folders of their maps, one for each folder of pictures."""
    classes: int = 8
    """Classes of the maps."""
    split: dict[str, str] | None = None
    """Picture, without its file's ending -> split, `*` for all others; in place of sub-folders."""


def stored_datasets(
    datasets: Mapping[str, Mapped], place: Path, pictures: Path | None, home: Home
) -> dict[str, str]:
    """Add an experiment's datasets to the store.

    Args:
        datasets: As the experiment names them.
        place: The experiment's folder.
        pictures: What `--pictures` names.
        home: The store.

    Returns:
        Name -> NAME@VERSION in the store; without those that want `--pictures` where it is None.

    Raises:
        RecipeErrors: If a folder is not there.
        DatasetError: If pictures and maps do not fit.
    """
    found = {}
    for name, said in datasets.items():
        wanted = [*said.pictures, *said.maps]
        if len(said.pictures) != len(said.maps):
            rule = f"{len(said.pictures)} folders of pictures, {len(said.maps)} of maps"
            raise refuse(f"datasets.{name}", None, rule, "Name one of each for each.")
        if pictures is None and not all(each.startswith(".") for each in wanted):
            continue
        for each in wanted:
            if not _at(each, place, pictures).is_dir():
                raise refuse(f"datasets.{name}", each, "there is no such folder", "Name another.")
        found[name] = _stored(f"experiment-{name}", said, place, pictures, home)
    return found


def get_files(files: Mapping[str, str], pictures: Path | None, home: Home, say: Say) -> None:
    """Bring published files into the store that are not there: from disk, else from the network.

    Raises:
        RecipeErrors: If a file on disk is not what its name says, or the name is unknown.
        FetchFailed: If it has to be downloaded and cannot be.
    """
    here = {row["name"] for row in shelf(home=home) if row["here"]}
    for name, below in files.items():
        if name in here:
            continue
        copy = pictures / below if pictures is not None and below else None
        say(f"fetching {name}")
        fetch(name, file=copy if copy is not None and copy.is_file() else None, home=home)


def _stored(name: str, said: Mapped, place: Path, pictures: Path | None, home: Home) -> str:
    for index, (folder, maps) in enumerate(zip(said.pictures, said.maps, strict=True)):
        at = _at(folder, place, pictures)
        report = add_dataset(
            home.store,
            name,
            at,
            source=at.name,
            split=_splits(at, said.split),
            maps=_at(maps, place, pictures),
            classes=said.classes,
            replace=index == 0,
        )
    return f"{name}@{report.dataset.version[:12]}"


def _splits(folder: Path, said: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return the split of each picture of a folder, as far as somebody spoke of it."""
    if said is None:
        return None
    names = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
    asked = {str(name): said.get(str(name.with_suffix("")), said.get("*")) for name in names}
    return {name: split for name, split in asked.items() if split is not None}


def _at(folder: str, place: Path, pictures: Path | None) -> Path:
    return (place if folder.startswith(".") or pictures is None else pictures) / folder
