"""What the ledger says of registered models, kept for a moment, and their versions' papers."""

import json
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, final

from acutance_platform.dashboard.index import FRESH
from acutance_platform.dashboard.paired import Document
from acutance_platform.recipe import refuse
from acutance_platform.verbs.home import Home
from acutance_storage import StorageError, get_blob

if TYPE_CHECKING:  # the registry brings scipy
    from acutance_platform.registry.catalogue import Registered, Version
    from acutance_platform.registry.ledger import Entry

_DOCUMENTS: Final = 64  # that are kept in memory; they never change


@final
class Shelf:
    """The registered models of a store.

    Args:
        home: Whose ledger is read.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._asked = -FRESH
        self._entries: list[Entry] = []
        self._documents: OrderedDict[str, Document] = OrderedDict()

    def entries(self, *, fresh: bool = False) -> "list[Entry]":
        """Return the ledger, oldest first, every entry checked; read once in `FRESH` seconds.

        Args:
            fresh: Whether it is read now, as after a change.

        Raises:
            StorageError: If it is damaged.
        """
        from acutance_platform.registry.ledger import read_ledger

        with self._lock:
            if fresh or time.monotonic() - self._asked >= FRESH:
                self._entries = read_ledger(self._home.store)
                self._asked = time.monotonic()
            return self._entries

    def models(self) -> "dict[str, Registered]":
        """Return every registered model by name."""
        from acutance_platform.registry.catalogue import catalogue

        return catalogue(self.entries())

    def model(self, name: str) -> "Registered":
        """Return a registered model.

        Raises:
            RecipeErrors: If there is none of this name.
        """
        models = self.models()
        if name not in models:
            rule = "there is no registered model of this name"
            raise refuse("NAME", name[:120], rule, "See /models.")
        return models[name]

    def version(self, name: str, number: int) -> "Version":
        """Return a version of a registered model.

        Raises:
            RecipeErrors: If there is none.
        """
        told = self.model(name)
        if number not in told.versions:
            known = ", ".join(map(str, told.versions)) or "none"
            raise refuse("VERSION", number, f"{name} has no such version", f"It has {known}.")
        return told.versions[number]

    def history(self, name: str) -> "list[Entry]":
        """Return what happened to a registered model, newest first."""
        return [entry for entry in reversed(self.entries()) if entry["model"] == name]

    def entry(self, name: str, number: int) -> "Entry":
        """Return the ledger's entry `number`, which is about a registered model.

        Raises:
            RecipeErrors: If there is none.
        """
        for entry in self.history(name):
            if entry["number"] == number:
                return entry
        rule = f"the ledger has no such entry about {name[:120]}"
        raise refuse("ENTRY", number, rule, "See the model's history.")

    def document(self, sha256: str | None) -> Document | None:
        """Return the papers of a measurement, None where they are not kept (any more)."""
        if sha256 is None:
            return None
        with self._lock:
            if sha256 in self._documents:
                self._documents.move_to_end(sha256)
                return self._documents[sha256]
        try:
            found: dict[str, Any] = json.loads(get_blob(self._home.store, sha256))
        except StorageError:
            return None
        with self._lock:
            self._documents[sha256] = found
            while len(self._documents) > _DOCUMENTS:
                self._documents.popitem(last=False)
        return found

    def card(self, version: "Version") -> str | None:
        """Return the card of a version in Markdown, None where it cannot be read."""
        try:
            return get_blob(self._home.store, version.card).decode()
        except StorageError:
            return None
