"""The files that a recipe's feature networks need, by the names under which the store has them."""

from collections.abc import Iterator, Mapping
from typing import Any

from acutance_models import weights_name
from acutance_platform.recipe import Problem, Recipe
from acutance_storage import BlobStore, get_blob, get_ref

FEATURES = "features"
"""Kind of the refs that name published files of feature networks: name -> blob, source, licence."""


def feature_files(recipe: Recipe, store: BlobStore) -> dict[str, str]:
    """Return name -> SHA-256 of each file that the loss mixes of a recipe look through.

    Files that are not here are left out, see `feature_problems`.
    """
    found = {name: _sha256(name, store) for _, name in _named(recipe)}
    return {name: sha for name, sha in found.items() if sha is not None}


def feature_bytes(files: Mapping[str, str], store: BlobStore) -> dict[str, bytes]:
    """Return name -> bytes, as `LossMix` takes them.

    Raises:
        StorageError: If a blob is missing or damaged.
    """
    return {name: get_blob(store, sha) for name, sha in files.items()}


def feature_problems(recipe: Recipe, store: BlobStore) -> list[Problem]:
    """Return which files are missing, before anything runs."""
    here = feature_files(recipe, store)
    return [
        Problem(
            place,
            name,
            f"the feature network {name} needs a file that this store does not have",
            f"Run `acutance fetch {name}`, or use features: random, which needs none.",
        )
        for place, name in _named(recipe)
        if name not in here
    ]


def _named(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield place and name of each file that a term needs."""
    for stage, content in recipe.stages.items():
        for term, spec in content.loss.items():
            features: Any = spec.get("features")
            name = weights_name(features) if features is not None else None
            if name is not None:
                yield f"stages.{stage}.loss.{term}.features", name


def _sha256(name: str, store: BlobStore) -> str | None:
    if name.startswith("blob:"):
        return name.removeprefix("blob:")
    known = get_ref(store, FEATURES, name)
    return str(known["blob"]) if known is not None else None
