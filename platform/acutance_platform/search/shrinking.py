"""What becomes of a trial whose step does not fit into memory."""

from collections.abc import Callable, Sequence
from typing import Any

from acutance_platform.search.decisions import ended
from acutance_platform.search.fold import Record
from acutance_platform.search.space import apply_to
from acutance_platform.search.trial import Trial


def shrunk(
    recipe: dict[str, Any],
    trial: Trial,
    *,
    stage: str,
    crops: int,
    stages_of: Callable[[dict[str, Any]], Sequence[tuple[str, int]]],
    now: float,
) -> list[Record]:
    """Return the records of a stage that starts again with half as many crops computed together.

    The other half follows in the same step, and the gradients are added up: the same batch, as
    another stage with a key of its own. Where nothing smaller will do, the trial ends.

    Args:
        recipe: Of the trial as it ran, complete.
        trial: That ran.
        stage: Name of the stage whose step did not fit.
        crops: How many crops were computed together.
        stages_of: Returns key and end of each stage of a recipe; raises if nobody can train it.
        now: Seconds since the epoch.
    """
    happened = f"out of memory in stage {stage} with {crops} crops computed together"
    if crops <= 1:
        error = f"{happened}: not one crop fits. Choose a smaller patch or network"
        return [{**ended(trial, "FAILED", now), "error": error}]
    path, value = f"stages.{stage}.data.micro_batch", (crops + 1) // 2
    try:
        stages = stages_of(apply_to(recipe, {path: value}))
    except Exception as fault:  # what is wrong with fewer is in the recipe's own words
        error = f"{happened}, and fewer will not do: {fault}"
        return [{**ended(trial, "FAILED", now), "error": error}]
    told = {"trial": trial.name, "step": trial.step, "path": path, "value": value}
    plain = [list(each) for each in stages]
    note = f"{happened}; it starts again with {value}"
    return [{"do": "shrink", **told, "stages": plain, "note": note, "time": now}]
