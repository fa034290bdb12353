"""What samplers are told and what they answer; knows no sampler and no library behind one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from acutance_platform.search.space import Outcome, Value


@dataclass(frozen=True)
class Told:
    """What a sampler may know of an earlier trial.

    Attributes:
        assignment: What was drawn.
        state: `running`; `resting` (stopped ones included); `complete`; `failed` (a value that is
            not finite included).
        values: Rung -> objectives, finite; of a complete trial the last ones are its result.
        attrs: What the sampler asked to be kept with the trial.
        violation: How far it is from meeting the constraints; 0 = it meets them, as far as known.
    """

    assignment: Mapping[str, Value]
    state: Literal["running", "resting", "complete", "failed"]
    values: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    violation: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """A point to try, and what the sampler wants to be told again with it."""

    outcome: Outcome
    attrs: dict[str, Any] = field(default_factory=dict)


class Sampler(Protocol):
    """Proposes the next point from nothing but its arguments."""

    learns: ClassVar[bool]
    """Whether a point depends on the results of earlier ones."""

    def propose(self, ordinal: int, history: Sequence[Told]) -> Proposal | None:
        """Return the point of trial `ordinal`, or None where the space is exhausted."""


def seed_of(seed: int | None, base: Mapping[str, Any]) -> int:
    """Return a sampler's own seed, or the recipe's where it has none."""
    return int(base.get("seed", 0)) if seed is None else seed
