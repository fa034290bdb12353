"""Syne Tune's own MOASHA behind lines of JSON; runs in an environment with `syne-tune` alone.

Its scheduler object is driven as its tuner drives it: suggest, add, results, and complete for a
trial that came to its end or remove for one that it stopped.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

import numpy as np
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA


def main() -> None:
    running: dict[str, Any] = {}
    answers = {"version": told_version, "new": opened, "suggest": suggested, "result": judged}
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answers[question.pop("do")](running, **question)), flush=True)


def told_version(running: dict[str, Any]) -> str:
    return version("syne-tune")


def opened(
    running: dict[str, Any], *, seed: int, space: list[dict[str, Any]], metrics: list[str], **how
) -> bool:
    # Its domains draw from numpy's global generator.
    np.random.seed(seed)
    config = {variable["name"]: _domain(variable) for variable in space}
    running["scheduler"] = MOASHA(
        config, metrics=metrics, time_attr="step", random_seed=seed, do_minimize=True, **how
    )
    running["metrics"], running["trials"], running["max_t"] = metrics, {}, how["max_t"]
    return True


def suggested(running: dict[str, Any], *, trial: int) -> dict[str, Any]:
    config = running["scheduler"].suggest().config
    running["trials"][trial] = Trial(trial_id=trial, config=config, creation_time=None)
    running["scheduler"].on_trial_add(running["trials"][trial])
    return {name: getattr(value, "item", lambda v=value: v)() for name, value in config.items()}


def judged(running: dict[str, Any], *, trial: int, step: int, losses: list[float]) -> bool:
    """Return whether the trial goes on."""
    scheduler, it = running["scheduler"], running["trials"][trial]
    result = {"step": step, **dict(zip(running["metrics"], losses, strict=True))}
    goes_on = scheduler.on_trial_result(it, result) == SchedulerDecision.CONTINUE
    if step >= running["max_t"]:
        scheduler.on_trial_complete(it, result)
    elif not goes_on:
        scheduler.on_trial_remove(it)
    return goes_on


def _domain(variable: dict[str, Any]) -> Any:
    if variable["kind"] == "choice":
        return choice(list(range(variable["count"])))
    kinds = {
        ("int", False): randint,
        ("int", True): lograndint,
        ("real", False): uniform,
        ("real", True): loguniform,
    }
    return kinds[variable["kind"], variable["log"]](variable["low"], variable["high"])


if __name__ == "__main__":
    main()
