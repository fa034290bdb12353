"""Who of several sweeps may hold how much of a cluster: arithmetic alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Take = tuple[float, float]
"""CPUs and GPUs of a leg."""

_CRUMB = 1e-6


@dataclass(frozen=True)
class Claim:
    """What one sweep holds and could use."""

    legs: tuple[Take, ...]
    """What its legs take: first those that run, then those that it could start."""
    priority: int = 0
    """Larger goes first."""
    since: float = 0.0
    """When it came; of two with equal claims the earlier goes first."""


def allot(claims: Mapping[str, Claim], capacity: Take) -> dict[str, int]:
    """Return of each sweep how many of its legs may run, the first of its list.

    Leg by leg goes to the sweep of the highest priority that has the smallest part of the cluster
    (of CPUs or GPUs, whichever part is larger), as long as one fits. No sweep is kept from what no
    other one can use. Nobody who holds a leg is asked to end it: it is over when it is over.

    Args:
        claims: By name.
        capacity: CPUs and GPUs of the cluster.
    """
    left = list(capacity)
    granted = dict.fromkeys(claims, 0)
    part = dict.fromkeys(claims, 0.0)
    waiting = set(claims)
    while waiting:
        name = min(waiting, key=lambda n: (-claims[n].priority, part[n], claims[n].since, n))
        legs = claims[name].legs
        if granted[name] == len(legs) or not _fits(leg := legs[granted[name]], left):
            waiting.remove(name)
            continue
        left = [has - takes for has, takes in zip(left, leg, strict=True)]
        granted[name] += 1
        part[name] = _part(legs[: granted[name]], capacity)
    return granted


def _fits(leg: Take, left: Sequence[float]) -> bool:
    return all(takes <= has + _CRUMB for takes, has in zip(leg, left, strict=True))


def _part(legs: Sequence[Take], capacity: Take) -> float:
    taken = [sum(kind) for kind in zip(*legs, strict=True)]
    parts = [each / all_ for each, all_ in zip(taken, capacity, strict=True) if all_ > 0]
    return max(parts, default=0.0)
