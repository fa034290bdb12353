"""Drawing the next trial: what the sampler proposes becomes a recipe and a record."""

from collections.abc import Callable, Mapping
from typing import Any, final

from acutance_models.rng import stream
from acutance_platform.search.decisions import asked, unbuildable
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.history import history, told_refused
from acutance_platform.search.initial import Pinned, pinned_values
from acutance_platform.search.refused import Refused, given_up
from acutance_platform.search.samplers import SAMPLERS, Proposal, Sampler, propose
from acutance_platform.search.space import Space
from acutance_platform.search.warm import warm_history
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.plan import Stages, SweepPlan

UNBUILDABLE = 1000
"""Drawn recipes in a row that cannot be built before a sweep without end gives up."""

ERROR_CHARACTERS = 4000
"""What a journal keeps of an error; the end of a traceback says most."""


TOGETHER = 50
"""Refused draws that are journalled together: a record of its own for each would be slow."""


@final
class Drawing:
    """Proposes trials for a sweep, checks whether they can be built and what they would cost.

    Args:
        plan: What to run.
        space: Its space.
    """

    def __init__(self, plan: SweepPlan, space: Space) -> None:
        self._plan, self._space = plan, space
        self._sampler: Sampler = SAMPLERS.build(
            plan.search.sampler,
            space=space,
            base=plan.recipe,
            directions=plan.search.directions,
        )
        self._unbuildable = 0
        self.share: Callable[[dict[str, Any]], float] | None = None
        """Returns the share of a GPU that a recipe takes, where trials have shares of their own."""
        self.exhausted = False
        """Whether the sampler has no further point."""

    @property
    def learns(self) -> bool:
        """Whether a point depends on the results of earlier ones."""
        return self._sampler.learns

    def draw(self, sweep: Sweep, now: float) -> list[Record]:
        """Return the records of the next trial and of the draws that were refused before it.

        Draws are counted, refused ones included, and each is keyed by its number: a driver that
        dies here leaves them to be drawn alike. There may be refused ones alone; there is nothing
        where the space is exhausted or the constraints let nothing pass.

        Points that were added by hand come first.

        Raises:
            SweepError: If nothing that is drawn can be built, and no budget of trials ends it.
        """
        trials, grid = len(sweep.trials), self._plan.search.sampler["kind"] == "grid"
        for request, point in sweep.queued.items():
            return self._tried(self._pinned(point, trials), trials, now, request)
        if given_up(sweep.refused, trials) and not grid:  # a grid ends by itself
            self.exhausted = True
            return []
        # Who draws without looking back is told nothing: telling takes time that grows.
        forgetful = self._plan.search.sampler["kind"] in ("grid", "random")
        told = [] if forgetful else [*warm_history(sweep), *history(sweep)]
        refused = list[Record]()
        for ordinal in range(sweep.draws, sweep.draws + TOGETHER):
            proposal = propose(
                self._sampler,
                ordinal,
                told,
                initial=self._plan.search.initial,
                space=self._space,
                base=self._plan.recipe,
            )
            if proposal is None:
                self.exhausted = True
                break
            found = self._tried(proposal, trials, now)
            if found[0]["do"] != "refused":
                return [*refused, *found]
            refused += found
            told.append(told_refused(Refused.of(found[0], trials)))
        return refused

    def _tried(
        self, proposal: Proposal, ordinal: int, now: float, request: str = ""
    ) -> list[Record]:
        """Return what becomes of a proposal: a trial, a trial that failed, or a refusal.

        A point that was added by hand is a trial in any case: whoever asked is to see it.
        """
        mark: Record = {"enqueued": request} if request else {}
        try:
            recipe = self._plan.recipe_for(proposal.outcome.apply)
            self._plan.check(recipe)
            refusal = self._plan.refusal(recipe)
            if refusal and request:
                raise SweepError(f"it breaks {', '.join(refusal['rules'])}")
            if refusal:
                drawn = {"assignment": proposal.outcome.assignment, "attrs": proposal.attrs}
                shown = {"recipe": proposal.outcome.shown}
                return [{"do": "refused", **drawn, **shown, **refusal, "time": now}]
            rungs, stages = self._plan.rungs_of(recipe), self._plan.stages(recipe)
            mark |= {} if self.share is None else {"share": self.share(recipe)}
        except Exception as fault:  # whatever is wrong with one recipe is this trial's alone
            error = f"the drawn recipe cannot be built: {fault}"
            ask = _ask(ordinal, proposal, (), (), now) | mark
            return [ask, self._passed_over(ask["trial"], error, now)]
        self._unbuildable = 0
        return [_ask(ordinal, proposal, rungs, stages, now) | mark]

    def _pinned(self, point: Mapping[str, Any], ordinal: int) -> Proposal:
        """Return a point added by hand; what it leaves open depends on seed and ordinal alone."""
        rng = stream(int(self._plan.recipe.get("seed", 0)), "enqueued", ordinal)
        draw = Pinned(pinned_values(self._space, point), RandomDraw(rng))
        return Proposal(self._space.draw(draw, self._plan.recipe))

    def _passed_over(self, trial: str, error: str, now: float) -> Record:
        self._unbuildable += 1
        if self._unbuildable >= UNBUILDABLE and self._plan.search.budget.trials is None:
            raise SweepError(
                f"{UNBUILDABLE} drawn recipes in a row cannot be built; the last one: {error}"
            )
        return unbuildable(trial, error[-ERROR_CHARACTERS:], now)


def _ask(
    ordinal: int, proposal: Proposal, rungs: tuple[int, ...], stages: Stages, now: float
) -> Record:
    return asked(
        ordinal,
        rungs=rungs,
        stages=stages,
        now=now,
        assignment=proposal.outcome.assignment,
        recipe=proposal.outcome.shown,
        attrs=proposal.attrs,
    )
