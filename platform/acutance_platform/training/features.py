"""The files that feature networks and metrics need, by the names under which a store has them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acutance_models import FEATURES as FEATURE_NETWORKS
from acutance_models import Entry, metric_files, metric_name, weights_name
from acutance_platform.recipe import Problem, Recipe
from acutance_storage import BlobStore, get_blob, get_ref, has_blob
from acutance_storage.errors import KeyRefused

FEATURES = "features"
"""Kind of the refs that name published files of feature networks: name -> blob, source, licence."""


def feature_files(recipe: Recipe, store: BlobStore) -> dict[str, str]:
    """Return name -> SHA-256 of each file that a recipe's loss mixes and metrics look through.

    Files that are not here are left out, see `feature_problems`.
    """
    names = [*(name for _, name in _named(recipe)), *names_of(recipe.evaluation.metrics)]
    return _present(names, store)


def files_of_metrics(metrics: Sequence[Entry], store: BlobStore) -> dict[str, bytes]:
    """Return name -> bytes of the files of metrics that are here, as `build_metrics` takes them.

    Raises:
        StorageError: If a blob is missing or damaged.
    """
    return feature_bytes(_present(names_of(metrics), store), store)


def names_of(metrics: Sequence[Entry]) -> list[str]:
    """Return the names of the files that metrics read, each once."""
    return list(dict.fromkeys(name for entry in metrics for name in metric_files(entry)))


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
            _way_out(name),
        )
        for place, name in _named(recipe)
        if name not in here
    ] + metric_problems(recipe.evaluation.metrics, store, "evaluation.metrics")


def metric_problems(metrics: Sequence[Entry], store: BlobStore, place: str) -> list[Problem]:
    """Return which files of metrics are missing, before anything runs."""
    problems = []
    for index, entry in enumerate(metrics):
        missing = [name for name in metric_files(entry) if not _present([name], store)]
        if missing:
            files = "the file " if len(missing) == 1 else "the files "
            rule = f"this metric needs {files}{', '.join(missing)}, which this store does not have"
            fetch = ", ".join(f"`acutance fetch {name}`" for name in missing)
            way_out = f"Run {fetch}, or leave the metric out."
            problems.append(Problem(f"{place}.{index}", metric_name(entry), rule, way_out))
    return problems


def _way_out(name: str) -> str:
    path = "/" in name or name.startswith("blob:") or name.endswith(".pth")
    how = name if name in FEATURE_NETWORKS else f"{'NAME' if path else name} --from FILE"
    return f"Run `acutance fetch {how}`, or use features: random, which needs none."


def _named(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield place and name of each file that a term needs."""
    for stage, content in recipe.stages.items():
        for term, spec in content.loss.items():
            features: Any = spec.get("features")
            name = weights_name(features) if features is not None else None
            if name is not None:
                yield f"stages.{stage}.loss.{term}.features", name


def _present(names: Sequence[str], store: BlobStore) -> dict[str, str]:
    """Return name -> SHA-256 of those files that are here."""
    found = {name: _sha256(name, store) for name in names}
    return {name: sha for name, sha in found.items() if sha is not None}


def _sha256(name: str, store: BlobStore) -> str | None:
    """Return the hash of what a name means; None where the store does not have it."""
    try:
        if name.startswith("blob:"):
            sha = name.removeprefix("blob:")
        else:
            sha = str((get_ref(store, FEATURES, name) or {}).get("blob", ""))
        return sha if sha and has_blob(store, sha) else None
    except KeyRefused:  # the path of a file that is not there
        return None
