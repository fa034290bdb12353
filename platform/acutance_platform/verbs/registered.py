"""Registered models as MODEL: NAME@ALIAS and NAME/VERSION."""

import json
from typing import Any

from acutance_platform.recipe import refuse
from acutance_platform.registry.catalogue import Registered, Version, catalogue
from acutance_platform.registry.ledger import read_ledger
from acutance_platform.search.journals import sweep_names
from acutance_storage import BlobStore, get_blob


def is_registered(address: str, store: BlobStore) -> bool:
    """Say whether an address has the form of a registered model's; a sweep of that name wins."""
    name, slash, number = address.partition("/")
    if slash:
        return number.isdecimal() and name not in sweep_names(store)
    return "@" in address and not address.startswith("run:")


def registered_weights(address: str, store: BlobStore) -> str:
    """Return the SHA-256 of the weights that NAME@ALIAS or NAME/VERSION names.

    Raises:
        RecipeErrors: If there is no such model, alias or version, or its plug-in is missing.
        StorageError: If the ledger is damaged.
    """
    from acutance_platform.recipe import load_plugins  # brings torch

    document = registered_document(address, store)
    load_plugins((document["lineage"] or {}).get("recipe", {}).get("plugins", []))
    return str(document["weights"])


def registered_document(address: str, store: BlobStore) -> dict[str, Any]:
    """Return what is kept of NAME@ALIAS or NAME/VERSION: weights, scale, lineage, gate, figures.

    Raises:
        RecipeErrors: If there is no such model, alias or version.
        StorageError: If the ledger or the document is damaged.
    """
    version = registered_version(address, store)
    document: dict[str, Any] = json.loads(get_blob(store, version.document))
    return {**document, "weights": version.weights}


def registered_version(address: str, store: BlobStore) -> Version:
    """Return the version that NAME@ALIAS or NAME/VERSION names; raises the same."""
    name, at, rest = address.partition("@" if "@" in address else "/")
    told = registered_model(name, store, asked=address)
    version = told.version_of(rest) if at == "@" else told.versions.get(int(rest))
    if version is None:
        what = f"no alias '{rest}'" if at == "@" else f"no version {rest}"
        aliases = (f"{name}@{alias}" for alias in sorted(told.aliases))
        known = ", ".join([*aliases, *(f"{name}/{number}" for number in told.versions)])
        raise refuse("MODEL", address, f"{name} has {what}", f"It has {known or 'none yet'}.")
    return version


def registered_model(name: str, store: BlobStore, asked: str = "") -> Registered:
    """Return a registered model, `asked` for in these words; raises as `registered_weights`."""
    models = catalogue(read_ledger(store))
    if name not in models:
        known = ", ".join(models) or "none yet"
        rule = "there is no registered model of this name"
        raise refuse("MODEL", asked or name, rule, f"Here: {known}.")
    return models[name]
