"""What the ledger says of each registered model: its versions, and where its aliases stand.

A pure fold: the ledger is the only place where a champion is one. MLflow's registry shows the same
to its users, see `publishing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from acutance_platform.registry.ledger import Entry


@dataclass(frozen=True, kw_only=True)
class Version:
    """One registered version of a model."""

    number: int
    """From 1."""
    weights: str
    """SHA-256 of the safetensors file."""
    document: str
    """SHA-256 of the JSON with spec, recipe, lineage, gate and figures."""
    card: str
    """SHA-256 of the model card."""
    entry: Entry
    """The ledger's entry that made it."""


@dataclass
class Registered:
    """A registered model.

    Attributes:
        name: Of the model.
        versions: By number, without deleted ones.
        highest: The last number that was given.
        moves: Alias -> versions that it stood on, the present one last; a rollback takes it off.
    """

    name: str
    versions: dict[int, Version] = field(default_factory=dict)
    highest: int = 0
    moves: dict[str, list[int]] = field(default_factory=dict)

    @property
    def aliases(self) -> dict[str, int]:
        """Alias -> version."""
        return {alias: moves[-1] for alias, moves in self.moves.items() if moves}

    def version_of(self, alias: str) -> Version | None:
        """Return the version that an alias stands on; None where it stands on none."""
        number = self.aliases.get(alias)
        return None if number is None else self.versions[number]

    def aliases_of(self, number: int) -> list[str]:
        """Return the aliases that stand on a version."""
        return sorted(alias for alias, at in self.aliases.items() if at == number)

    def with_weights(self, weights: str) -> Version | None:
        """Return the version of these weights; None where there is none."""
        return next((v for v in self.versions.values() if v.weights == weights), None)

    def apply(self, entry: Entry) -> None:
        """Take in one entry of the ledger; unknown actions are passed over."""
        action, alias = entry.get("action"), entry.get("alias")
        if action == "promotion":
            number = int(entry["to"])
            if number not in self.versions:
                self.versions[number] = _version(number, entry)
            self.highest = max(self.highest, number)
            self.moves.setdefault(str(alias), []).append(number)
        elif action == "rollback":
            self.moves[str(alias)].pop()
        elif action == "deletion":
            number = int(entry["from"])
            del self.versions[number]
            for moves in self.moves.values():
                moves[:] = [at for at in moves if at != number]


def catalogue(entries: Iterable[Entry]) -> dict[str, Registered]:
    """Return every registered model by name, also those of which all was refused."""
    found: dict[str, Registered] = {}
    for entry in entries:
        name = str(entry.get("model"))
        found.setdefault(name, Registered(name)).apply(entry)
    return dict(sorted(found.items()))


def _version(number: int, entry: Entry) -> Version:
    told: dict[str, Any] = entry
    return Version(
        number=number,
        weights=told["weights"],
        document=told["document"],
        card=told["card"],
        entry=entry,
    )
