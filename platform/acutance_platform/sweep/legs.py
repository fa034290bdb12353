"""Ray Tune's searcher and scheduler, which only pass questions on to the conductor."""

import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, final

from ray.tune import Stopper
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from acutance_platform.sweep.admission import Admission
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.fitting import everything_fits
from acutance_platform.sweep.misplaced import keep_from
from acutance_platform.sweep.nodes import full_ids
from acutance_platform.sweep.ports import LegOffer
from acutance_platform.sweep.watch import NodeWatch

_SECONDS_IDLE = 0.2
PATIENCE = 20.0
"""Seconds for which an interrupted sweep waits for its legs to save their state."""
_LOST = ("NodeDraining", "NodeDiedError", "node has died", "node died", "was preempted")
"""Words of errors that speak of a node."""


@final
class Crossing:
    """What searcher, scheduler and stopper share: the conductor, and how it all ends.

    Args:
        conductor: Makes every decision.
        admission: Says which legs may start now.
        common: Config of every leg beside its trial, recipe and rungs.
        bell: A file on this machine whose being there asks the legs to save their state and stop.
        ring: Asks legs on other machines, and with False takes that back; it may take a moment.
        watch: Tells which nodes died; None where all legs run on this machine.
    """

    def __init__(
        self,
        conductor: Conductor,
        *,
        admission: Admission,
        common: dict[str, Any],
        bell: Path,
        ring: Callable[[bool], object] = lambda ringing: None,
        watch: NodeWatch | None = None,
    ) -> None:
        self.conductor = conductor
        self.admission = admission
        self.common = {**common, "bell": str(bell)}
        self.signal: str | None = None
        """The signal that asked the sweep to end, or who stopped it."""
        self.fault: BaseException | None = None
        """What went wrong in a decision; Tune would hide it."""
        self.offered = False
        """Whether a leg was offered when Tune asked last."""
        self.given_up: list[str] = []
        """Trials of whose legs nothing will be heard; Tune's loop ends and begins anew."""
        self.watch = watch
        self._bell, self._ring, self._rung = bell, ring, False
        self._deadline = math.inf
        bell.unlink(missing_ok=True)

    def interrupt(self, name: str) -> None:
        """Ask the legs to save and stop; when asked again, do not wait for them."""
        if self.signal is None:
            self.signal = name
            self._deadline = time.monotonic() + PATIENCE
            self._bell.touch()
        elif self._deadline > 0:
            self._deadline = 0.0
        else:
            raise KeyboardInterrupt

    def look(self, *, now: bool = False) -> bool:
        """Honour what people asked of the sweep, at most every few seconds unless `now`.

        Asked to stop it, the legs save and stop as on a signal, but there is no hurry: one on a
        machine without the bell stops at its next report.

        Returns:
            Whether the sweep goes on.
        """
        conductor = self.conductor
        self.guard(lambda: self.admission.tell(conductor.active, conductor.startable), None)
        if self.signal is None:
            by = self.guard(lambda: self.conductor.look(now=now), None)
            if by is not None:
                self.signal = f"stopped by {by}"
                self._deadline = math.inf
                self._bell.touch()
        return self.signal is None

    def look_after(self) -> None:
        """Ask legs elsewhere to stop, if the sweep ends; give up those of nodes that died.

        Never from a signal's handler, which may strike in the middle of anything.
        """
        if self.signal is not None and not self._rung:
            self._rung = True
            self._ring(True)
        watch = self.watch
        if watch is not None and not self.given_up:
            self.given_up = self.guard(lambda: self._watched(watch), [])

    def _watched(self, watch: NodeWatch) -> list[str]:
        conductor = self.conductor
        dead = watch.dead([*conductor.nodes.values(), *conductor.failed_on.values()])
        conductor.pardon(dead)
        return watch.silent({name: conductor.nodes.get(name, "") for name in conductor.active})

    def give_up(self) -> bool:
        """Journal that legs are lost; return whether there were such, and Tune is to go on."""
        lost, self.given_up = self.given_up, []
        for name in list(self.conductor.active) if lost and self.signal is None else ():
            error = "its node died" if name in lost else "it ran beside one whose node died"
            self.conductor.on_failure(name, error, lost=True)
        return bool(lost) and self.signal is None and self.fault is None

    def close(self) -> None:
        """Take the bell away."""
        self._bell.unlink(missing_ok=True)
        if self._rung:
            self._ring(False)

    @property
    def ended(self) -> bool:
        """Whether Tune's loop is to end now."""
        if self.fault is not None or self.given_up:
            return True
        waited = not self.conductor.active or time.monotonic() > self._deadline
        return self.signal is not None and waited

    def config(self, offer: LegOffer) -> dict[str, Any]:
        """Return the config of a leg; the recipe as text, which Tune does not take apart."""
        return {
            **self.common,
            "trial": offer.trial,
            "owner": f"{self.conductor.plan.name}/{offer.trial}",
            "gpu": self.admission.share_of(offer.share).gpu,
            "barred": full_ids(barred) if (barred := self.admission.barred) else [],
            "recipe": json.dumps(offer.recipe),
            "rungs": list(offer.rungs),
        }

    def guard(self, question: Callable[[], Any], otherwise: Any) -> Any:
        """Return the answer; after a fault, `otherwise`, and the sweep ends."""
        if self.fault is not None:
            return otherwise
        try:
            return question()
        except Exception as fault:
            self.fault = fault
            return otherwise

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        # Tune pickles its arguments for a restore that never happens.
        return _nothing, ()


def _nothing() -> None:
    """Stand for what is never read again."""


@final
class LegSearcher(Searcher):
    """Offers the conductor's legs, as many as fit now.

    Tune keeps one pending leg, and one that does not fit would block all others.
    """

    def __init__(self, crossing: Crossing) -> None:
        super().__init__()
        self._crossing = crossing
        self._trials: dict[str, str] = {}

    def suggest(self, trial_id: str) -> Any:
        """Return a leg's config, None to be asked again, or FINISHED."""
        found = self._crossing.guard(lambda: self._suggest(trial_id), Searcher.FINISHED)
        self._crossing.offered = isinstance(found, dict)
        if found is None and not self._crossing.conductor.active:
            time.sleep(_SECONDS_IDLE)  # Tune's loop waits for nothing where no leg runs
        return found

    def _suggest(self, trial_id: str) -> Any:
        conductor, admission = self._crossing.conductor, self._crossing.admission
        if self._crossing.signal is not None or not admission.any(conductor.active):
            return None
        fits = partial(admission.open, conductor.active) if admission.packed else everything_fits
        offer = conductor.next_leg(admission.slots(), fits)
        if offer is None:
            # Before the end a last look: a point that was just added goes on with the sweep.
            over = conductor.over() and self._crossing.look(now=True) and conductor.over()
            return Searcher.FINISHED if over else None
        self._trials[trial_id] = offer.trial
        admission.begin(offer.trial, offer.share)
        return self._crossing.config(offer)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Free the slot; of an error the scheduler has told already."""
        trial = self._trials.pop(trial_id, None)
        if trial is None or error:
            return
        conductor = self._crossing.conductor
        ends = conductor.on_stopped if self._crossing.signal is None else conductor.release
        self._crossing.guard(lambda: ends(trial), None)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: all state is in the journal."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: all state is in the journal."""


@final
class LegScheduler(FIFOScheduler):
    """Lets a leg go on or stop as the conductor says."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # ray 2.60
        self._crossing = crossing

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Leave the choice to Tune; keep no idle worker that another sweep may wait for."""
        if self._crossing.admission.beside_others and not self._crossing.offered:
            tune_controller._tune_controller._cleanup_cached_actors(force_all=True)
        return super().choose_trial_to_run(tune_controller)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Hand a leg's reports on, and return whether it continues."""
        name, conductor = trial.config["trial"], self._crossing.conductor
        told = result["reports"], result["spent"], result.get("node", "")
        self._crossing.admission.at(name, told[2], result.get("gpus", ()))
        if result.get("failing") and self._crossing.signal is None:
            self._crossing.guard(
                lambda: conductor.on_cost(name, result["spent"], node=told[2]), None
            )
            return str(TrialScheduler.CONTINUE)  # to raise what is wrong
        goes_on = self._crossing.guard(lambda: conductor.on_reports(name, *told), False)
        too_large = result.get("too_large")
        if too_large is not None:
            stage, crops = too_large
            report = lambda: conductor.on_too_large(name, stage=stage, crops=crops)  # noqa: E731
            self._crossing.guard(report, None)
            goes_on = False
        goes_on = goes_on and self._crossing.signal is None
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Journal a leg that ended in error, for whatever reason."""
        name, conductor = trial.config["trial"], self._crossing.conductor
        if self._crossing.signal is not None:
            conductor.release(name)  # it was asked to stop
            return
        error = _error_of(trial)
        misplaced, node = "Misplaced" in error, conductor.nodes.get(name, "")
        lost = misplaced or any(words in error for words in _LOST)
        self._crossing.guard(lambda: conductor.on_failure(name, error, lost=lost), None)
        if misplaced:
            self._crossing.guard(lambda: keep_from(self._crossing.admission, node, error), None)


def _error_of(trial: Any) -> str:
    """Return what Tune noted of an error; `get_error` looks where it is copied only later."""
    try:
        return Path(trial.error_file).read_text(errors="replace")
    except (OSError, TypeError):
        return "the worker was lost"


@final
class LegStopper(Stopper):
    """Ends Tune's loop, which asks ten times a second, on a signal, a request or a fault."""

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Stop no leg by itself; the scheduler does."""
        return False

    def stop_all(self) -> bool:
        """Say whether the sweep ends now."""
        self._crossing.look()
        self._crossing.look_after()
        return self._crossing.ended
