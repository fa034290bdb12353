"""Which legs a sweep offers where trials have shares of their own, and which it could start."""

from collections.abc import Callable, Collection, Iterator

from acutance_platform.search.decisions import Next, waits
from acutance_platform.search.fold import Sweep
from acutance_platform.search.promotion import section

Fits = Callable[[float | None], bool]
"""Says of a trial's share whether a leg of it fits now; None is the sweep's own share."""


def everything_fits(gpu: float | None) -> bool:
    """Know of nothing that does not fit."""
    return True


def crowded_out(sweep: Sweep, active: Collection[str], fits: Fits) -> set[str]:
    """Return the trials in flight whose leg does not fit now; they are passed over."""
    if fits is everything_fits:
        return set()
    flying = (t for t in sweep.trials.values() if t.target is not None and t.name not in active)
    return {trial.name for trial in flying if not fits(trial.share)}


def held_back(found: Next, crowded: Collection[str], fits: Fits) -> Next:
    """Return what to do, without what does not fit now.

    While a trial waits for room nothing is drawn: smaller ones would pass it by for ever.
    """
    early = found.kind == "draw" and crowded
    no_room = found.kind == "leg" and found.trial is not None and not fits(found.trial.share)
    return Next("wait") if early or no_room else found


def startable(
    sweep: Sweep,
    found: Next,
    active: Collection[str],
    busy: Callable[[str], bool],
    *,
    exhausted: bool,
) -> Iterator[float | None]:
    """Yield the shares of the legs that could start beside the active ones, were there room.

    Args:
        sweep: Everything that is journalled.
        found: What is to be done with a free slot.
        active: Names of the trials of which a leg holds a slot.
        busy: Says of a stage key whether another sweep is computing it.
        exhausted: Whether the sampler has no further point.
    """
    if found.kind in ("wait", "over"):
        return
    flying = [t for t in sweep.trials.values() if t.target is not None and t.name not in active]
    yield from (t.share for t in flying if not waits(sweep, t, active, busy))
    if found.kind == "leg" and found.trial is not None and found.trial not in flying:
        yield found.trial.share
    if exhausted:
        return
    shares = [t.share for t in sweep.trials.values() if t.share is not None]
    limit, drawn = section(sweep).budget.trials, sweep.drawn
    while limit is None or drawn < limit:
        yield max(shares, default=None)
        drawn += 1
