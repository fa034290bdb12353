"""Which trials of a sweep stand on which shared stages, and the steps that this saves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from acutance_platform.search.fold import Sweep
from acutance_platform.search.trial import Trial


@final
@dataclass
class SharedStage:
    """One stage, known by its key: whoever has the same key stands on the same training."""

    key: str
    """SHA-256 of all that decides what it comes to."""
    name: str
    """As the recipe calls it."""
    start: int
    """Absolute step at which it begins."""
    end: int
    """Absolute step at which it ends."""
    trials: list[str] = field(default_factory=list)
    """Those that have it, in the order in which they were asked for."""
    reached: int = 0
    """Steps of it that all trials have behind them, computed or not."""
    longest: int = 0
    """Steps of it that the trial that is farthest has behind it."""

    @property
    def saved(self) -> int:
        """Steps that only one of them had to compute."""
        return self.reached - self.longest


def stages_of(sweep: Sweep) -> dict[str, SharedStage]:
    """Return every stage of a sweep's trials by its key."""
    names = _names(sweep.spec)
    found: dict[str, SharedStage] = {}
    for trial in sweep.trials.values():
        start, step = 0, trial.step
        for at, (key, end) in enumerate(trial.stages):
            stage = found.get(key)
            if stage is None:
                name = names[at] if at < len(names) else f"stage {at + 1}"
                stage = found[key] = SharedStage(key, name, start, end)
            behind = min(max(step - start, 0), end - start)
            stage.trials.append(trial.name)
            stage.reached += behind
            stage.longest = max(stage.longest, behind)
            start = end
    return found


def sharing_of(sweep: Sweep, stages: Mapping[str, SharedStage]) -> dict[str, Any]:
    """Return what sharing and early stopping save, and the shared stages, the most saving first."""
    shared = [stage for stage in stages.values() if len(stage.trials) > 1]
    reached = sum(trial.step for trial in sweep.trials.values())
    executed = sweep.executed
    return {
        "requested": sweep.requested,
        "executed": executed,
        "reached": reached,
        "by_sharing": max(0, reached - executed),
        "not_reached": max(0, sweep.requested - max(reached, executed)),
        "stages": sorted(shared, key=lambda stage: (-stage.saved, stage.trials[0])),
    }


def sharers(stages: Mapping[str, SharedStage], trial: Trial) -> list[dict[str, Any]]:
    """Return the stages of one trial, with the others that have each of them."""
    found = []
    for key, _ in trial.stages:
        stage = stages[key]
        others = [name for name in stage.trials if name != trial.name]
        about = {"name": stage.name, "key": key, "start": stage.start, "end": stage.end}
        found.append({**about, "others": others})
    return found


def _names(spec: Mapping[str, Any]) -> list[str]:
    stages = spec.get("stages")
    return list(stages) if isinstance(stages, Mapping) else []
