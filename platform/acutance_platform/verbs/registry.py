"""What the registry holds: models side by side, their history, and whether the ledger is whole."""

import json
from dataclasses import dataclass
from typing import Any

from acutance_platform.recipe import refuse
from acutance_platform.registry.catalogue import catalogue
from acutance_platform.registry.ledger import (
    Entry,
    append_entry,
    compare,
    inspect_ledger,
    read_ledger,
)
from acutance_platform.registry.publishing import (
    PublishError,
    published_aliases,
    published_heads,
)
from acutance_platform.tracking import ServerError, local_server
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.registered import registered_model, registered_version
from acutance_platform.verbs.showing import show_in_mlflow
from acutance_storage import StorageError, get_blob


def models(*, home: Home | None = None) -> list[dict[str, Any]]:
    """Return every registered model with its versions, aliases and figures.

    Args:
        home: Store and local folder; None takes what the environment says.

    Raises:
        StorageError: If the ledger is damaged.
    """
    store = (home or open_home()).store
    return [
        {
            "model": told.name,
            "aliases": told.aliases,
            "versions": [
                {
                    "version": version.number,
                    "aliases": told.aliases_of(version.number),
                    "weights": version.weights,
                    "time": version.entry["time"],
                    "who": version.entry["who"],
                    "gate": version.entry["gate"],
                    "pictures": version.entry["figures"]["pictures"],
                    "metrics": version.entry["figures"]["challenger"],
                }
                for version in told.versions.values()
            ],
        }
        for told in catalogue(read_ledger(store)).values()
    ]


def history(name: str, *, home: Home | None = None) -> list[Entry]:
    """Return what happened to a registered model, oldest first: the ledger's entries about it.

    Raises:
        RecipeErrors: If there is no such model.
        StorageError: If the ledger is damaged.
    """
    store = (home or open_home()).store
    registered_model(name, store)
    return [entry for entry in read_ledger(store) if entry["model"] == name]


def ledger(*, home: Home | None = None) -> list[Entry]:
    """Return every entry of the ledger, oldest first.

    Raises:
        StorageError: If it is damaged.
    """
    return read_ledger((home or open_home()).store)


def model_card(model: str, *, home: Home | None = None) -> str:
    """Return the card of NAME@ALIAS or NAME/VERSION, in Markdown.

    Raises:
        RecipeErrors: If there is no such version.
        StorageError: If the ledger or the card is damaged.
    """
    store = (home or open_home()).store
    return get_blob(store, registered_version(model, store).card).decode()


def delete_version(model: str, *, home: Home | None = None) -> list[str]:
    """Take a version out of the registry, here and in MLflow; the ledger keeps what it was.

    Args:
        model: NAME/VERSION, on which no alias stands.
        home: Store and local folder; None takes what the environment says.

    Returns:
        Notes: why MLflow still shows it, if it does.

    Raises:
        RecipeErrors: If there is no such version, or an alias stands on it.
        StorageError: If the ledger is damaged or somebody writes to it at this moment.
    """
    home = home or open_home()
    if "/" not in model:
        raise refuse("MODEL", model, "a version is deleted by its number", "Write NAME/VERSION.")
    entries = read_ledger(home.store)
    version = registered_version(model, home.store)
    name = model.partition("/")[0]
    standing = catalogue(entries)[name].aliases_of(version.number)
    if standing:
        rule = f"the alias {', '.join(standing)} stands on it"
        raise refuse("MODEL", model, rule, f"Move it first: acutance rollback {name}.")
    content: Entry = {"action": "deletion", "model": name, "alias": None, "from": version.number}
    content |= {"to": None, "weights": version.weights, "verdict": "deleted", "reasons": []}
    append_entry(home.store, entries, content)
    return show_in_mlflow(home, name)


@dataclass(frozen=True)
class LedgerCheck:
    """What `ledger verify` found."""

    entries: int
    """How many can be read."""
    problems: list[str]
    """What shows that the ledger is not what was written; empty if it is."""
    notes: list[str]
    """What could not be compared, and where MLflow lags behind."""

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that `--json` prints."""
        return dict(vars(self))


def verify_ledger(*, home: Home | None = None) -> LedgerCheck:
    """Look for entries that were edited, removed or moved, a tail that was cut, a rewritten ledger.

    The chain is followed, then compared with what the store's ref and MLflow's registry noted of
    it. A ledger that lost its end together with the ref shows against MLflow alone.

    Args:
        home: Store and local folder; None takes what the environment says.
    """
    home = home or open_home()
    entries, problems = inspect_ledger(home.store)
    try:
        read_ledger(home.store)
    except StorageError as error:
        found = getattr(error, "problems", [str(error)])
        problems = [*problems, *(each for each in found if each not in problems)]
    notes: list[str] = []
    models = catalogue(entries) if not problems else {}
    names = sorted({str(entry.get("model")) for entry in entries})
    if not names:
        return LedgerCheck(len(entries), problems, notes)
    try:
        with local_server(home.local) as uri:
            for place, noted in published_heads(uri, names).items():
                problems += compare(entries, noted, place)
            for name, told in models.items():
                shown = published_aliases(uri, name)
                if shown != told.aliases:
                    notes.append(
                        f"MLflow's aliases of {name} are {json.dumps(shown)}, the ledger's"
                        f" {json.dumps(told.aliases)}: a promotion was interrupted, or somebody"
                        " moved them there by hand"
                    )
    except (ServerError, PublishError, OSError) as error:
        notes.append(f"not compared with MLflow, which does not answer: {error}")
    return LedgerCheck(len(entries), problems, notes)
