"""Who is compared: each takes curves and a seed, and returns one served order.

All of them propose points of the same space and see the same reports; none sees another's. Each is
its own code: ours the conductor with its samplers and schedulers, Optuna's NSGA-II, Ray's
OptunaSearch with its ASHA, Syne Tune's MOASHA in an environment of its own.
"""

import itertools
import json
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
from replay_curves import Curves, Served

from acutance_platform.search import parse_search
from acutance_platform.search.distributions import Choice, Integer, Real
from acutance_platform.search.space import Recorded
from acutance_platform.sweep.conductor import Conductor, LegOffer
from acutance_platform.sweep.plan import SweepPlan

FIRST_RUNG = 1 / 9
REDUCTION = 3


class _Memory:
    """A journal in a list."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def append(self, *records: dict[str, Any]) -> None:
        self.records += records

    def read(self) -> list[dict[str, Any]]:
        return list(self.records)


def ours(
    curves: Curves,
    seed: int,
    *,
    sampler: Mapping[str, Any] | str = "tpe",
    scheduler: Mapping[str, Any] | str = "mo_asha",
    initial: Sequence[Mapping[str, Any]] = (),
    slots: int = 1,
) -> Served:
    """Run the platform's own search: conductor, sampler, scheduler, journal."""
    section = {
        "space": curves.spec["search"]["space"],
        "objectives": curves.objectives,
        "sampler": sampler,
        "scheduler": scheduler,
        "initial": list(initial),
        "budget": {"trials": len(curves)},
    }
    base = {**curves.base, "seed": seed}
    plan = SweepPlan("replay", base, parse_search(section))
    clock = itertools.count(1.0)
    conductor = Conductor(plan, journal=_Memory(), clock=lambda: next(clock))
    conductor.start("driver", "here")
    served, taken = Served(curves), dict[str, int]()
    legs: dict[str, LegOffer] = {}
    while True:
        while len(legs) < slots and (offer := conductor.next_leg(slots)) is not None:
            if offer.trial not in taken:
                drawn = served.take(conductor.sweep.trials[offer.trial].assignment)
                assert drawn is not None, "as many are drawn as were recorded"
                taken[offer.trial] = drawn
            legs[offer.trial] = offer
        if not legs:
            return served
        # All legs are as fast as each other: the first one reports and queues up again.
        name, offer = next(iter(legs.items()))
        del legs[name]
        if conductor.on_reports(name, [_report(conductor, served, taken[name], offer)]):
            legs[name] = offer
        else:
            conductor.on_stopped(name)


def _report(conductor: Conductor, served: Served, index: int, offer: LegOffer) -> dict[str, Any]:
    """Return the next report of a leg."""
    curves = served.curves
    last = conductor.sweep.trials[offer.trial].step or curves.start
    step = next(step for step in curves.grid(offer.rungs) if step > last)
    values = served.advance(index, last, step)
    metrics = dict(zip(curves.objectives, values, strict=True))
    spent = {"executed": step - last, "cpu_seconds": 0.0, "gpu_seconds": 0.0, "time": 0.0}
    return {"step": step, "metrics": metrics, **spent, "weights": f"{step:064x}"}


def random(curves: Curves, seed: int) -> Served:
    """Independent draws, each trained to its end."""
    return ours(curves, seed, sampler="random", scheduler="none")


class _Suggested:
    """Draws what something with Optuna's `suggest_` methods suggests."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def choice(self, name: str, distribution: Choice) -> int:
        return int(self._trial.suggest_categorical(name, list(range(len(distribution.options)))))

    def integer(self, name: str, drawn: Integer) -> int:
        return int(
            self._trial.suggest_int(name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
        )

    def real(self, name: str, drawn: Real) -> float:
        return float(
            self._trial.suggest_float(name, drawn.low, drawn.high, step=drawn.step, log=drawn.log)
        )


def nsga2(curves: Curves, seed: int, *, population: int = 16) -> Served:
    """Optuna's NSGA-II on both objectives, each trial trained to its end.

    With its default population of 50 nearly all of a sweep this small would be random.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.NSGAIISampler(population_size=population, seed=seed)
    words = {"max": "maximize", "min": "minimize"}
    directions = [words[direction] for direction in curves.directions]
    study = optuna.create_study(directions=directions, sampler=sampler)
    served = Served(curves)
    while served.free:
        trial = study.ask()
        drawn = curves.space.draw(_Suggested(trial), curves.base).assignment
        index = served.take(drawn)
        assert index is not None
        study.tell(trial, served.to_the_end(index))
    return served


def ray(curves: Curves, seed: int, *, first_rung: float = FIRST_RUNG) -> Served:
    """Ray's OptunaSearch and its ASHA on the first objective, driven as Tune drives them."""
    from ray.tune.schedulers import ASHAScheduler, TrialScheduler
    from ray.tune.search.optuna import OptunaSearch

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    metric, mode = next(iter(curves.objectives.items()))
    served, drawn = Served(curves), dict[str, Any]()

    def space(trial: Any) -> None:
        drawn["now"] = curves.space.draw(_Suggested(trial), curves.base).assignment

    searcher = OptunaSearch(space=space, metric=metric, mode=mode, seed=seed)
    rungs = {"grace_period": round(first_rung * curves.steps), "reduction_factor": REDUCTION}
    scheduler = ASHAScheduler(metric=metric, mode=mode, max_t=curves.steps, **rungs)
    for name in map(str, range(len(curves))):
        trial = SimpleNamespace(trial_id=name)
        searcher.suggest(name)
        index = served.take(drawn["now"])
        assert index is not None
        scheduler.on_trial_add(None, trial)
        last = curves.start
        for step in curves.grid():
            values = dict(zip(curves.objectives, served.advance(index, last, step), strict=True))
            result = {**values, "training_iteration": step - curves.start}
            searcher.on_trial_result(name, result)
            last = step
            if scheduler.on_trial_result(None, trial, result) != TrialScheduler.CONTINUE:
                break
        searcher.on_trial_complete(name, result)
        scheduler.on_trial_complete(None, trial, result)
    return served


class Moasha:
    """Syne Tune's MOASHA in a process of its own environment; a contender for as long as it lives.

    Args:
        python: The interpreter of an environment with `syne-tune`.
    """

    def __init__(self, python: Path | str) -> None:
        self._command = [str(python), str(Path(__file__).with_name("syne_tune_child.py"))]

    def __enter__(self) -> "Moasha":
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(self._command, **pipes)
        self.version = self._ask({"do": "version"})
        return self

    def __exit__(self, *error: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, question: dict[str, Any]) -> Any:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __call__(
        self,
        curves: Curves,
        seed: int,
        *,
        first_rung: float = FIRST_RUNG,
        reduction: int = REDUCTION,
    ) -> Served:
        signs = [-1.0 if direction == "max" else 1.0 for direction in curves.directions]
        how = {
            "max_t": curves.steps,
            "grace_period": round(first_rung * curves.steps),
            "reduction_factor": reduction,
        }
        space = [_described(v.name, v.distribution) for v in curves.space]
        names = list(curves.objectives)
        self._ask({"do": "new", "seed": seed, "space": space, "metrics": names, **how})
        served = Served(curves)
        for trial in range(len(curves)):
            # Its space is flat: what the branches taken do not need is drawn and not looked at.
            flat = self._ask({"do": "suggest", "trial": trial})
            drawn = curves.space.draw(Recorded(flat), curves.base).assignment
            index = served.take(drawn)
            assert index is not None
            last = curves.start
            for step in curves.grid():
                values = served.advance(index, last, step)
                losses = [sign * value for sign, value in zip(signs, values, strict=True)]
                last = step
                told = {"trial": trial, "step": step - curves.start, "losses": losses}
                if not self._ask({"do": "result", **told}):
                    break
        return served


def _described(name: str, drawn: Any) -> dict[str, Any]:
    """Return a variable for a process that knows nothing of ours."""
    if isinstance(drawn, Choice):
        return {"name": name, "kind": "choice", "count": len(drawn.options)}
    kind = "int" if isinstance(drawn, Integer) else "real"
    if drawn.step not in (None, 1):
        warnings.warn(f"{name}: the step is left out", stacklevel=2)
    return {"name": name, "kind": kind, "low": drawn.low, "high": drawn.high, "log": drawn.log}
