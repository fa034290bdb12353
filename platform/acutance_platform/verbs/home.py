"""Where things lie: the store and this machine's folder, chosen by the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acutance_platform.recipe import refuse
from acutance_storage import BlobStore, local_folder, open_store

if TYPE_CHECKING:  # its module imports torch, which takes seconds
    from acutance_platform.training import Facts

StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Home:
    """The two places that a verb works with."""

    store: BlobStore
    """Datasets, states, weights, journals (`ACUTANCE_STORE`, else ./.acutance)."""
    local: Path
    """Caches, reports, the tracking server (`ACUTANCE_LOCAL`, else ./.acutance/local)."""
    facts: "Facts | None" = None
    """What the machines have on which trials run; None where that is this one."""
    address: str | None = None
    """The Ray cluster on which trials run; None is a private one on this machine."""


def open_home() -> Home:
    """Return store and local folder as the environment says; who writes there makes the folder.

    Raises:
        StorageError: If ACUTANCE_STORE names no place of this version.
        RecipeErrors: If one of the two is a file.
    """
    store, local = open_store(), local_folder()
    for name, place in (("ACUTANCE_STORE", Path(store.address)), ("ACUTANCE_LOCAL", local)):
        if place.exists() and not place.is_dir():
            raise refuse(name, str(place), "this is a file", "Name a folder.")
    return Home(store, local)
