"""One trial of a sweep, as its journal tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from acutance_platform.search.reports import Reports

State = Literal["WAITING", "RUNNING", "PAUSED", "COMPLETE", "STOPPED", "FAILED"]


@dataclass
class Trial:
    """One recipe and its life so far.

    Attributes:
        name: `t` and the ordinal in four digits.
        ordinal: Position in the sweep, from 0.
        assignment: What was drawn, by variable name.
        recipe: Searched dotted path -> value, as shown to people.
        rungs: Steps at which it is compared, its end last; empty if it could not be built.
        stages: Key and absolute end of each stage of its chain.
        begun: Whether a leg of it was started in this session and has not failed.
        reports: Step -> metrics; a metric that was not finite is NaN.
        notes: What was wrong with it, in words -> the first and the last step that said so.
        values: Rung -> objectives, in the order of the search section; NaN where not finite.
        violations: Rung -> metric -> how far it missed its constraint there; infinity where it was
            not finite.
        promoted: Rungs from which it went on.
        published: Step -> SHA-256 of weights.
        failures: Legs that ended in error.
        failures_in_a_row: Failures since the last new report.
        ended: COMPLETE, STOPPED or FAILED, or None while it may go on.
        run_id: The MLflow run, where a journal names it.
        stopped_by: Who asked that it ends early; empty where nobody did.
        repeats: The trial that it trains again with another seed; None for one of its own.
        seed: The recipe's seed of such a repeat.
        by_hand: Whether somebody added it; else the sampler drew it.
        share: Of a GPU, or of several; None is what the sweep's recipe says.
        overrides: Dotted recipe path -> what a machine made necessary after it was drawn.
        told: What samplers are told of it, until its next record; see `history`.
    """

    name: str
    ordinal: int
    assignment: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    rungs: tuple[int, ...] = ()
    stages: tuple[tuple[str, int], ...] = ()
    begun: bool = False
    reports: Reports = field(default_factory=Reports)
    notes: dict[str, tuple[int, int]] = field(default_factory=dict)
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    violations: dict[int, dict[str, float]] = field(default_factory=dict)
    promoted: set[int] = field(default_factory=set)
    published: dict[int, str] = field(default_factory=dict)
    executed: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    failures: int = 0
    failures_in_a_row: int = 0
    errors: list[str] = field(default_factory=list)
    ended: State | None = None
    run_id: str | None = None
    stopped_by: str = ""
    by_hand: bool = False
    repeats: str | None = None
    seed: int | None = None
    share: float | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    told: Any = field(default=None, compare=False, repr=False)

    def pay(self, record: Mapping[str, Any]) -> None:
        """Add what a record says was spent."""
        self.executed += int(record.get("executed", 0))
        self.cpu_seconds += float(record["cpu_seconds"])
        self.gpu_seconds += float(record["gpu_seconds"])

    @property
    def step(self) -> int:
        """The last step that was reported."""
        return self.reports.last

    @property
    def end(self) -> int:
        """The step at which its training ends; 0 if it could not be built."""
        return self.rungs[-1] if self.rungs else 0

    @property
    def ahead(self) -> tuple[tuple[str, int], ...]:
        """Key and end of the stage that it is in, or comes to next, and of all after it."""
        return tuple(stage for stage in self.stages if stage[1] > self.step)

    @property
    def target(self) -> int | None:
        """The rung it has to reach now, or None if it rests or has ended.

        A value on a later rung than it was promoted to is one that an equal trial has paid for.
        """
        if self.ended is not None:
            return None
        if self.repeats is not None:  # it competes on no rung
            return self.end if self.end not in self.values else None
        last = max(self.values, default=0)
        if last and last not in self.promoted:
            return None
        return next((rung for rung in self.rungs if rung > last), None)

    def violation(self, rung: int) -> float:
        """Return how far its values at a rung were from meeting the constraints; 0 = they did."""
        return sum(self.violations.get(rung, {}).values())

    @property
    def weights(self) -> str | None:
        """SHA-256 of the weights published last."""
        return self.published[max(self.published)] if self.published else None
