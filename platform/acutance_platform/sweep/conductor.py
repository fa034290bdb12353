"""The driver's hand on a sweep: asks the decisions, journals them, then lets them happen.

Knows nothing of Ray. Whoever runs legs (Ray Tune here, a loop in tests) asks `next_leg` for each
free slot and tells what became of it.
"""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any, final

from acutance_platform.search import decisions
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.requests import LOOK_EVERY
from acutance_platform.search.seeds import seeded, wanted_repeat
from acutance_platform.search.shrinking import shrunk
from acutance_platform.search.space import Outcome
from acutance_platform.search.spending import spent
from acutance_platform.search.steering import honour
from acutance_platform.search.trial import Trial
from acutance_platform.sweep import fitting
from acutance_platform.sweep.drawing import ERROR_CHARACTERS, Drawing
from acutance_platform.sweep.errors import SweepDiffers
from acutance_platform.sweep.holding import StageLeases
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.sweep.ports import Leases, LegOffer, Log, Requests
from acutance_platform.sweep.repeating import repeated
from acutance_storage import StorageError


@final
class Conductor:
    """One driver's view of a sweep.

    Args:
        plan: What to run.
        journal: Of this sweep; nobody else writes it.
        clock: Returns seconds since the epoch.
        on_event: Called with each record after it is durable.
        leases: Of this sweep; None where no other sweep can share a stage.
        requests: To this sweep; None where nobody can ask anything.

    Raises:
        SweepDiffers: If the journal is of another plan.
    """

    def __init__(
        self,
        plan: SweepPlan,
        *,
        journal: Log,
        clock: Callable[[], float],
        on_event: Callable[[Record], object] | None = None,
        leases: Leases | None = None,
        requests: Requests | None = None,
    ) -> None:
        self.plan, self._leases, self._requests = plan, StageLeases(leases), requests
        self._looked = -math.inf
        self.nodes: dict[str, str] = {}
        """Trial -> node on which its leg runs, as far as it said so."""
        self.failed_on: dict[str, str] = {}
        """Trial -> node on which a leg of it failed last."""
        self._journal, self._clock = journal, clock
        self._on_event = on_event or (lambda record: None)
        self.sweep = Sweep.of(journal.read())
        self._spec = json.loads(json.dumps(plan.spec))
        if self.sweep.name and not plan.continues(self.sweep):
            raise SweepDiffers(
                f"sweep {plan.name!r} exists with another recipe or search. Resume it as it is, "
                "or give this one another name with --name."
            )
        self._space = plan.search.build_space()
        self._drawing = Drawing(plan, self._space)
        self._scheduler = plan.search.build_scheduler()
        self._shrunk: set[str] = set()
        self._noted: list[Record] = []
        self.active: set[str] = set()
        """Trials of which a leg holds a slot, or waits for one that it was offered."""

    @property
    def done(self) -> bool:
        """Whether the sweep came to its end, now or earlier."""
        return self.sweep.finished not in (None, "INTERRUPTED")

    def start(self, driver: str, host: str) -> None:
        """Open a session; the first one opens the journal with the sweep itself.

        Ends that an earlier driver did not live to write are written now.
        """
        now = self._clock()
        if not self.sweep.name:
            opening = {"do": "sweep", "name": self.plan.name, "spec": self._spec, "time": now}
            self._write(opening, *self.plan.warm())
        self._write({"do": "start", "driver": driver, "host": host, "time": now})
        self._write(*decisions.mend(self.sweep, now))

    def next_leg(
        self, slots: int | None = None, fits: fitting.Fits = fitting.everything_fits
    ) -> LegOffer | None:
        """Return a leg for a free slot, or None; see `over`.

        What the sampler draws and nobody can build is journalled and passed over.

        Args:
            slots: How many legs fit the cluster now, where that is known.
            fits: Says of a trial's share whether a leg of it fits now.
        """
        try:
            return self._leg(slots, fits)
        finally:
            self._write()

    def over(self) -> bool:
        """Say whether nothing is in flight and nothing can ever follow."""
        return self._next().kind == "over" and self._again() is None

    def pack(self, share: Callable[[dict[str, Any]], float]) -> None:
        """Give each trial that is drawn from now on the share of a GPU that its recipe takes."""
        self._drawing.share = share

    def startable(self) -> Iterator[float | None]:
        """Yield the shares of the legs that could start now beside the active ones."""
        busy, over = self._leases.held_by_another, self._drawing.exhausted
        return fitting.startable(self.sweep, self._next(), self.active, busy, exhausted=over)

    def look(self, *, now: bool = False) -> str | None:
        """Honour what people asked since the last look, and journal it.

        A store that is out of reach is asked again at the next look.

        Args:
            now: Look even if the last look was a moment ago.

        Returns:
            Who asked that the whole sweep stops, if somebody did.
        """
        if self._requests is None or (not now and self._clock() < self._looked + LOOK_EVERY):
            return None
        self._looked, asked_by, found = self._clock(), None, list[Record]()
        with suppress(StorageError, OSError):
            found = list(self._requests.pending(self.sweep.honoured))
        for request in found:
            records = honour(
                self.sweep, request, active=self.active, space=self._space, now=self._looked
            )
            self._write(*records)
            if records[0]["do"] == "stop" and "trial" not in records[0]:
                asked_by = str(request["by"])
            with suppress(StorageError, OSError):  # else the next look drops it
                self._requests.drop(request["id"])
        return asked_by

    def on_reports(
        self, name: str, reports: list[Record], spent: Sequence[float] = (), node: str = ""
    ) -> bool:
        """Take in reports and the CPU and GPU seconds used beside; return if the leg goes on."""
        self._absorb(name, spent, reports, node)
        trial = self.sweep.trials[name]
        goes_on, records = decisions.verdict(self.sweep, self._scheduler, trial, self._clock())
        self._write(*records)
        self._leases.hold(trial)
        return goes_on

    def on_cost(self, name: str, spent: Sequence[float], node: str = "") -> None:
        """Take in what a leg used that has nothing to report."""
        self._absorb(name, spent, (), node)
        self._write()

    def on_failure(self, name: str, error: str, *, lost: bool = False) -> None:
        """Take in that a leg ended in error; it is offered again, `lost` ones without end."""
        self.failed_on[name] = self.nodes.get(name, "")
        self.release(name)
        trial = self.sweep.trials[name]
        if trial.ended is None:
            text = error.strip()[-ERROR_CHARACTERS:]
            self._write(*decisions.fail(trial, text, self._clock(), lost=lost))

    def pardon(self, dead: Collection[str]) -> None:
        """Take in which nodes are dead: what failed there a moment before was no fault of its own.

        A worker dies with its node and is missed at once; the node is declared dead only later.
        """
        for name in [name for name, node in self.failed_on.items() if node in dead]:
            node = self.failed_on.pop(name)
            self._write({"do": "pardon", "trial": name, "node": node, "time": self._clock()})

    def on_too_large(self, name: str, *, stage: str, crops: int) -> None:
        """Take in that a step did not fit into memory: the stage starts again in smaller parts.

        Where parts would be another computation, or are single crops already, the trial fails.
        """
        trial = self.sweep.trials[name]
        recipe, stages_of, now = self._recipe(trial), self.plan.checked_stages, self._clock()
        records = shrunk(recipe, trial, stage=stage, crops=crops, stages_of=stages_of, now=now)
        self._write(*records)
        self._shrunk.add(name)

    def release(self, name: str) -> None:
        """Take in that a leg ended because the session does; its trial stays in flight."""
        self.active.discard(name)
        self.nodes.pop(name, None)
        self._leases.let_go(name)

    def on_stopped(self, name: str) -> None:
        """Take in that a leg ended as it was told to.

        A leg that stops although its trial has not reached its rung did not do its work.
        """
        trial = self.sweep.trials[name]
        if name in self._shrunk:
            self._shrunk.discard(name)
        elif trial.target is not None and spent(self.sweep, self._clock()) is None:
            self.on_failure(name, f"the leg stopped before its rung at step {trial.target}")
        self.release(name)

    def finish(self) -> None:
        """Close a sweep of which nothing is left to do."""
        self._write(*decisions.finish(self.sweep, self._clock()))

    def interrupt(self, reason: str) -> None:
        """Close the session; the sweep can be resumed."""
        now = self._clock()
        self._write(*decisions.mend(self.sweep, now))
        self._write({"do": "finish", "state": "INTERRUPTED", "reason": reason, "time": now})

    def _again(self) -> tuple[Trial, int] | None:
        """Return what to train again with another seed, if nothing else is left to do."""
        if spent(self.sweep, self._clock()) is not None:
            return None
        return wanted_repeat(self.sweep, self.active)

    def _next(self, slots: int | None = None, aside: Collection[str] = ()) -> decisions.Next:
        return decisions.next_leg(
            self.sweep,
            self._scheduler,
            active={*self.active, *aside},
            now=self._clock(),
            exhausted=self._drawing.exhausted,
            queue=slots if self._drawing.learns else None,
            busy=self._leases.held_by_another,
        )

    def _leg(self, slots: int | None, fits: fitting.Fits) -> LegOffer | None:
        """Decide what a free slot does, and note it."""
        while True:
            crowded = fitting.crowded_out(self.sweep, self.active, fits)
            following = fitting.held_back(self._next(slots, crowded), crowded, fits)
            if following.kind in ("wait", "over"):
                again = None if crowded else self._again()
                if again is None:
                    return None
                self._note(repeated(self.plan, self._space, self.sweep, *again, now=self._clock()))
                continue
            if following.kind == "draw":
                self._note(*self._drawing.draw(self.sweep, self._clock()))
                continue
            if following.trial is None:
                return None
            if following.kind == "promote":
                self._note(*following.records)
                continue
            leg = {"do": "leg", "trial": following.trial.name, "time": self._clock()}
            self._note(*following.records, leg)
            self.active.add((trial := following.trial).name)
            self._leases.hold(trial)
            return LegOffer(trial.name, self._recipe(trial), trial.rungs, trial.share)

    def _absorb(
        self, name: str, spent: Sequence[float], reports: Sequence[Record], node: str
    ) -> None:
        """Note what a leg used, and reported, and at its first word on which node it runs."""
        begun = {"do": "begin", "trial": name, "node": node, "time": self._clock()}
        fresh = [begun] if node and self.nodes.get(name) != node else []
        self.nodes[name], trial = node, self.sweep.trials[name]
        self._note(*fresh, *decisions.absorb(self.sweep, trial, reports, spent))

    def _recipe(self, trial: Trial) -> dict[str, Any]:
        outcome: Outcome = self._space.replay(trial.assignment, self.plan.recipe)
        own = {} if trial.share is None else {"resources.gpu": trial.share}
        return seeded(self.plan.recipe_for({**outcome.apply, **own, **trial.overrides}), trial)

    def _note(self, *records: Record) -> None:
        """Let records count; the next `_write` makes all durable at once: a disk takes its time."""
        for record in records:
            self.sweep.apply(record)
        self._noted += records

    def _write(self, *records: Record) -> None:
        """Let records count, make them durable with those noted before, then tell who listens."""
        self._note(*records)
        noted, self._noted = self._noted, []
        self._journal.append(*noted)
        for record in noted:
            self._on_event(record)
