"""How a stage's generator starts from another one's weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn


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
