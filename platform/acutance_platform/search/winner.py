"""Which trial of a sweep won."""

from typing import TYPE_CHECKING

from acutance_platform.search.bounds import pessimistic

if TYPE_CHECKING:
    from acutance_platform.search.fold import Sweep


def winner(sweep: "Sweep") -> str | None:
    """Return the name of the best trial; see `Sweep.best`."""
    if sweep.search is None:
        return next((t.name for t in sweep.trials.values() if t.ended == "COMPLETE"), None)
    sign = 1.0 if sweep.search.direction == "max" else -1.0
    complete = [t for t in sweep.trials.values() if t.repeats is None and sweep.stands(t)]
    firsts = {
        t.name: [each.values[each.end][0] for each in sweep.trainings_of(t)] for t in complete
    }
    repeated = [t for t in complete if len(firsts[t.name]) > 1]
    direction = sweep.search.direction
    winner = max(
        repeated or complete,
        key=lambda t: (sign * pessimistic(firsts[t.name], direction), -t.ordinal),
        default=None,
    )
    return winner.name if winner else None
