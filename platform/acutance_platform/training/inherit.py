"""How a stage's generator starts from another one's weights, and what weights descend from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from acutance_models import read_header


@dataclass(frozen=True)
class Inheritance:
    """Which tensors of a network come from its parent."""

    kept: tuple[str, ...]
    """The parent's values, because name and shape fit."""
    fresh: tuple[str, ...]
    """First values from the seed: the parent has none of that name and shape."""
    dropped: tuple[str, ...]
    """The parent's tensors that have no place here."""


def compare(own: Mapping[str, Tensor], parent: Mapping[str, Tensor]) -> Inheritance:
    """Return what a network with the tensors `own` takes from its parent's; meta tensors do."""
    kept = [name for name in own if name in parent and parent[name].shape == own[name].shape]
    known = set(kept)
    return Inheritance(
        kept=tuple(kept),
        fresh=tuple(name for name in own if name not in known),
        dropped=tuple(name for name in parent if name not in known),
    )


def inherit(network: nn.Module, parent: Mapping[str, Tensor]) -> Inheritance:
    """Copy the parent's tensors into a network wherever name and shape fit; return what fitted."""
    own = network.state_dict()
    found = compare(own, parent)
    for name in found.kept:
        own[name].copy_(parent[name])
    return found


def lineage_of(data: bytes) -> list[str]:
    """Return what a weights file descends from, oldest first, itself as `blob:SHA256` last.

    Stages stand there by their keys; models that a first stage began from as `blob:SHA256`, after
    what they descend from.
    """
    text = read_header(data).get("lineage", "")
    return [*filter(None, text.split(",")), f"blob:{hashlib.sha256(data).hexdigest()}"]
