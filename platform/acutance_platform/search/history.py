"""What a sampler may know of the trials so far."""

import math
from collections.abc import Sequence
from typing import Literal

from acutance_platform.search.fold import Sweep
from acutance_platform.search.refused import Refused
from acutance_platform.search.told import Told
from acutance_platform.search.trial import Trial

_FAR = 1e9
"""What samplers hear of an infinite violation: they calculate with it."""


def history(sweep: Sweep) -> list[Told]:
    """Return what the sampler may know, in the order of its draws.

    Every trial with its values at known steps and how far the last of them is from meeting the
    constraints, and every draw that was refused, as one that failed without a value. Repeats with
    other seeds are none of its business: it would learn the best points twice.
    """
    refused: dict[int, list[Told]] = {}
    for each in sweep.refused:
        refused.setdefault(each.after, []).append(told_refused(each))
    told = refused.get(0, [])
    for count, trial in enumerate(sweep.trials.values(), start=1):
        if trial.repeats is None:
            told.append(_told(trial))
        told += refused.get(count, [])
    return told


def _told(trial: Trial) -> Told:
    """Return what is told of a trial: one object for as long as nothing new is journalled of it."""
    if trial.told is None:
        trial.told = Told(
            assignment=trial.assignment,
            state=_told_state(trial),
            values={r: v for r, v in sorted(trial.values.items()) if not unknown(v)},
            attrs=trial.attrs,
            violation=min(_FAR, trial.violation(max(trial.values, default=0))),
        )
    told: Told = trial.told
    return told


def told_refused(refused: Refused) -> Told:
    """Return a draw that was refused: it failed, and how far its structure is from the rules."""
    return Told(
        assignment=refused.assignment,
        state="failed",
        attrs=refused.attrs,
        violation=min(_FAR, refused.violation),
    )


def _told_state(trial: Trial) -> Literal["running", "resting", "complete", "failed"]:
    if trial.ended == "FAILED" or any(unknown(values) for values in trial.values.values()):
        return "failed"
    if trial.ended == "COMPLETE":
        return "complete"
    if trial.ended == "STOPPED" or trial.target is None:
        # One that was stopped before its first rung has no value to learn from.
        return "resting" if trial.values else "failed"
    return "running"


def unknown(values: Sequence[float]) -> bool:
    """Say whether an objective is not a number, so that the trial compares with nothing."""
    return any(map(math.isnan, values))
