"""What a sampler may know of the trials so far."""

import math
from collections.abc import Sequence
from typing import Literal

from acutance_platform.search.fold import Sweep
from acutance_platform.search.samplers import Told
from acutance_platform.search.trial import Trial


def history(sweep: Sweep) -> list[Told]:
    """Return what the sampler may know: every trial with its values at known steps.

    Repeats with other seeds are none of its business: it would learn the best points twice.
    """
    return [
        Told(
            assignment=trial.assignment,
            state=_told_state(trial),
            values={r: v for r, v in sorted(trial.values.items()) if not unknown(v)},
            attrs=trial.attrs,
        )
        for trial in sweep.trials.values()
        if trial.repeats is None
    ]


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
