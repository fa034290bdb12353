"""MLflow's registry as a projection of the ledger: versions, aliases, tags, a model page.

`publish` makes MLflow show what the ledger says, from whatever state it finds, so it finishes what
a promotion that was killed began. A version's files are whole before an alias stands on it.
"""

import json
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml

from acutance_platform.registry.catalogue import Registered, Version, catalogue
from acutance_platform.registry.ledger import Entry, Head, head_of
from acutance_platform.tracking.client import connect, experiment_id, list_runs
from acutance_storage import BlobStore, get_blob

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "acutance-registry"
"""MLflow experiment whose runs hold the files of registered versions."""
LOADER: Final = "acutance_platform.verbs.served"
"""Module by which MLflow loads a version."""
WEIGHTS: Final = "model.safetensors"
_HEAD, _SHA = "acutance.ledger.head", "acutance.weights"  # a head is LENGTH:HASH
_ENTRY = "acutance.ledger.entry"


class PublishError(RuntimeError):
    """MLflow's registry cannot show what the ledger says."""


@contextmanager
def _reached(uri: str) -> "Iterator[MlflowClient]":
    """Give a client whose errors are `PublishError`."""
    client = connect(uri)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError  # where the URI is a database, no server between

    try:
        yield client
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise PublishError(f"MLflow says: {str(error).splitlines()[0]}") from error


def publish(uri: str, store: BlobStore, entries: list[Entry], *, name: str) -> None:
    """Make MLflow's registered model `name` show what the ledger says.

    Args:
        uri: Of MLflow's server or database.
        store: Where files of versions lie.
        entries: The whole ledger.
        name: Of the model.

    Raises:
        PublishError: If MLflow cannot be reached or refuses, or if versions that the ledger does
            not know stand in the way.
        StorageError: If a version's file is missing or damaged.
    """
    told = catalogue(entries)[name]
    if not told.highest:
        return  # all was refused
    with _reached(uri) as client:
        _bring(client, store, told)
        _move(client, told)
        _note(client, told, head_of(entries))


def _bring(client: "MlflowClient", store: BlobStore, told: Registered) -> None:
    """Make MLflow have the versions that the ledger has."""
    name, shown = told.name, _shown(client, told.name)
    for number, version in sorted(told.versions.items()):
        if number not in shown:
            _create(client, store, name, version)
    for number, tags in _shown(client, name).items():
        if number not in told.versions and number <= told.highest:
            client.delete_model_version(name, str(number))
        elif number in told.versions and tags.get(_SHA) != told.versions[number].weights:
            raise PublishError(
                f"version {number} of {name} in MLflow was not made by this ledger. Use another"
                " --model, or another MLFLOW_TRACKING_URI"
            )


def published_heads(uri: str, names: Iterable[str]) -> dict[str, Head]:
    """Return what MLflow's registered models and versions have noted of the ledger, by place."""
    found: dict[str, Head] = {}
    with _reached(uri) as client:
        for name in names:
            for number, tags in _shown(client, name).items():
                if _HEAD in tags:
                    length, _, sha = tags[_HEAD].partition(":")
                    found[f"MLflow's {name}/{number}"] = Head(int(length), sha)
    return found


def published_aliases(uri: str, name: str) -> dict[str, int]:
    """Return where MLflow's aliases of a registered model stand."""
    with _reached(uri) as client:
        if not _shown(client, name):
            return {}
        aliases: Mapping[str, Any] = client.get_registered_model(name).aliases
    return {alias: int(number) for alias, number in aliases.items()}


def _shown(client: "MlflowClient", name: str) -> dict[int, Mapping[str, str]]:
    """Return MLflow's versions with their tags."""
    quoted = name.replace("'", "")
    versions = client.search_model_versions(f"name='{quoted}'", max_results=10_000)
    return {int(each.version): each.tags for each in sorted(versions, key=lambda v: int(v.version))}


def _create(client: "MlflowClient", store: BlobStore, name: str, version: Version) -> None:
    """Make a version; MLflow counts by itself, so deleted numbers are made and deleted again."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags={"acutance.kind": "registered"})
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    run_id, card = _files(client, store, name, version)
    tags = {_SHA: version.weights, _ENTRY: str(version.entry["hash"])}
    number = 0
    while number < version.number:
        made = client.create_model_version(
            name, f"runs:/{run_id}/model", run_id, tags=tags, description=card
        )
        number = int(made.version)
        if number != version.number:
            client.delete_model_version(name, str(number))
    if number > version.number:
        raise PublishError(
            f"MLflow numbers its versions of {name} from {number} on, the ledger has"
            f" {version.number}: somebody registers versions there by hand. Use another --model"
        )


def _files(
    client: "MlflowClient", store: BlobStore, name: str, version: Version
) -> tuple[str, str]:
    """Put a version's files into a run of their own; return its id and the card."""
    experiment = experiment_id(client, EXPERIMENT)
    mark = f"{name}/{version.number}/{version.weights}"
    known = list_runs(client, experiment, f"tags.`acutance.version` = '{mark}'")
    tags = {"acutance.kind": "registered", "acutance.version": mark}
    run = known[0] if known else client.create_run(
        experiment, run_name=f"{name}-{version.number}", tags=tags
    )  # fmt: skip
    card = get_blob(store, version.card).decode()
    document = json.loads(get_blob(store, version.document))
    with tempfile.TemporaryDirectory(prefix="acutance-publish-") as folder:
        model = Path(folder) / "model"
        _save(model, get_blob(store, version.weights), document, card)
        client.log_artifacts(run.info.run_id, str(model), "model")
    client.set_terminated(run.info.run_id, "FINISHED")
    return str(run.info.run_id), card


def _save(folder: Path, weights: bytes, document: Mapping[str, Any], card: str) -> None:
    """Write an MLflow model of plain files: nothing in it is pickled."""
    with warnings.catch_warnings():  # MLflow warns of its own type hints
        warnings.simplefilter("ignore")
        from mlflow import pyfunc
        from mlflow.models import ModelSignature
        from mlflow.types import Schema, TensorSpec

    data = folder.parent / "data"
    data.mkdir()
    (data / WEIGHTS).write_bytes(weights)
    (data / "document.json").write_text(json.dumps(document, indent=1, sort_keys=True))
    (data / "MODEL_CARD.md").write_text(card)
    for part in ("spec", "lineage"):
        (data / f"{part}.json").write_text(json.dumps(document[part], indent=1, sort_keys=True))
    if document["lineage"] is not None:
        recipe = yaml.safe_dump(document["lineage"]["recipe"], sort_keys=False)
        (data / "recipe.yaml").write_text(recipe)
    pixels = Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, 3))])
    # It misses an example, and a version in our module: nothing that whoever promotes can mend.
    logging.getLogger("mlflow.utils.requirements_utils").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyfunc.save_model(
            path=str(folder),
            loader_module=LOADER,
            data_path=str(data),
            signature=ModelSignature(inputs=pixels, outputs=pixels),
            pip_requirements=["acutance"],
        )


def _move(client: "MlflowClient", told: Registered) -> None:
    shown = client.get_registered_model(told.name).aliases
    for alias, number in told.aliases.items():
        if str(shown.get(alias)) != str(number):
            client.set_registered_model_alias(told.name, alias, str(number))


def _note(client: "MlflowClient", told: Registered, head: Head) -> None:
    """Note the ledger's head on every version that an alias stands on."""
    for number in sorted(set(told.aliases.values())):
        client.set_model_version_tag(told.name, str(number), _HEAD, f"{head.length}:{head.hash}")
