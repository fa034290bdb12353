"""A sweep of several objectives whose driver is killed at random points, without Ray."""

import json
import random

import pytest
from rehearsal import (
    MemoryLog,
    Trainings,
    decided,
    rehearse,
    rehearse_through_deaths,
    tends_to,
    told_once,
)
from sweeps import plan, recipe

from acutance_platform.search.fold import Sweep
from acutance_platform.search.history import history
from acutance_platform.search.promotion import ranking
from acutance_platform.search.status import front_summary

DEATHS = 10
TRIALS = 9


def both(offer, step):
    """Quality costs sharpness; every third value ties with others."""
    quality = offer.recipe["fake"]["quality"]
    return {"psnr_y": tends_to(offer, step), "niqe": round(abs(quality - 15) / 3)}


def the_plan():
    base = recipe()
    base["evaluation"]["metrics"] = ["psnr_y", "niqe"]
    return plan(
        trials=TRIALS,
        base=base,
        objectives={"psnr_y": "max", "niqe": "min"},
        sampler={"kind": "tpe", "startup_trials": 3},
        scheduler={"kind": "mo_asha", "first_rung": 0.25, "reduction": 2},
    )


def killed(seed, slots):
    dice = random.Random(seed)
    log, trainings = MemoryLog(), Trainings(both)
    deaths = [(dice.randint(1, 7), dice.random() < 0.5) for _ in range(DEATHS)]
    conductor = rehearse_through_deaths(
        the_plan(), log, trainings, deaths, slots=slots, order=random.Random(seed)
    )
    starts = sum(record["do"] == "start" for record in log.records)
    assert starts >= DEATHS - 1, "drivers really died"
    return conductor.sweep, log, trainings


@pytest.fixture(scope="module")
def calm():
    log = MemoryLog()
    rehearse(the_plan(), log, Trainings(both))
    return log.records


@pytest.mark.parametrize("seed", range(4))
def test_at_one_slot_ten_deaths_change_neither_rungs_nor_proposals(calm, seed):
    sweep, log, _ = killed(seed, slots=1)
    assert decided(log.records) == decided(calm), "asks, with what TPE asked to keep, included"
    undisturbed = Sweep.of(calm)
    assert front_summary(sweep)["points"] == front_summary(undisturbed)["points"]
    assert history(sweep) == history(undisturbed)


@pytest.mark.parametrize("seed", range(4))
def test_ten_deaths_lose_and_repeat_nothing_and_replaying_gives_the_same_state(seed):
    sweep, log, trainings = killed(seed, slots=2)
    assert sweep.state == "COMPLETE"
    assert list(sweep.trials) == [f"t{i:04d}" for i in range(TRIALS)]
    assert {trial.ended for trial in sweep.trials.values()} <= {"COMPLETE", "STOPPED"}
    for steps in told_once(log.records).values():
        assert steps == list(range(5, steps[-1] + 1, 5))
    assert sum(trainings.computed.values()) == sweep.executed
    again = Sweep.of(json.loads(json.dumps(log.records)))
    rungs = sorted({rung for trial in sweep.trials.values() for rung in trial.rungs})
    for rung in rungs:
        assert [t.name for t in ranking(again, rung)] == [t.name for t in ranking(sweep, rung)]
    assert again.trials == sweep.trials
    assert history(again) == history(sweep)
