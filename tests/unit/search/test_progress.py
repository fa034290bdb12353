import math
from itertools import pairwise

import pytest
from rehearsal import MemoryLog, Trainings, rehearse
from sweeps import plan, recipe

from acutance_platform.search.fold import Sweep
from acutance_platform.search.front import hypervolume
from acutance_platform.search.importance import LEAST, importance
from acutance_platform.search.progress import Rung, survival, volumes

REFERENCE = {"psnr_y": 0.0, "looks": 0.0}


class Two(Trainings):
    """Trainings with a second objective that falls as the first one rises."""

    def advance(self, offer, clock):
        report = super().advance(offer, clock)
        value = report["metrics"]["psnr_y"]
        report["metrics"]["looks"] = math.nan if math.isnan(value) else value**2 - 1600
        return report


def ran(quality, **how):
    log = MemoryLog()
    base = recipe()
    base["evaluation"]["metrics"] = ["psnr_y", "looks"]
    objectives = {"psnr_y": "max", "looks": "min"}
    the_plan = plan(base=base, objectives=objectives, **how)
    rehearse(the_plan, log, Two(quality), slots=2)
    return log.records


def drawn(offer, step):
    return offer.recipe["fake"]["quality"] * min(1.0, step / 20)


def test_the_volume_grows_with_each_completion_and_ends_as_the_fronts():
    records = ran(drawn, trials=9)
    told, sweep = volumes(records, REFERENCE), Sweep.of(records)
    done = [t for t in sweep.trials.values() if t.ended == "COMPLETE"]
    assert len(told) == len(done) >= 2
    assert told == sorted(told)
    assert told[-1][0] <= sweep.executed
    points = [t.values[t.end] for t in done]
    assert told[-1][1] == pytest.approx(hypervolume(points, ["max", "min"], (0.0, 0.0)))


def test_there_is_no_volume_without_a_reference_for_each_objective():
    assert volumes(ran(drawn, trials=3), {"psnr_y": 0.0}) == []


def test_each_trial_counts_once_at_each_rung_it_reached():
    sweep = Sweep.of(ran(drawn, trials=9))
    rungs = survival(sweep)
    assert [rung.step for rung in rungs] == [5, 10, 20]
    assert rungs[0].reached == 9
    for below, above in pairwise(rungs):
        assert below.passed == above.reached < below.reached
    assert (rungs[-1].rest, rungs[-1].failed) == (0, 0)


def test_what_is_not_a_number_failed_at_its_rung():
    def quality(offer, step):
        return math.nan if offer.trial == "t0001" else drawn(offer, step)

    (first, *_) = survival(Sweep.of(ran(quality, trials=4)))
    assert first == Rung(5, first.passed, first.rest, 1)
    assert first.passed + first.rest == 3


def test_importance_finds_the_path_that_decides():
    space = {
        "fake.quality": {"uniform": [0.0, 40.0]},
        "fake.idle": {"uniform": [0.0, 1.0]},
    }
    log = MemoryLog()
    base = recipe(idle=0.5)
    the_plan = plan(base=base, trials=40, space=space, scheduler="none")
    rehearse(the_plan, log, Trainings(drawn), slots=1)
    shares = importance(Sweep.of(log.records))
    assert list(shares) == ["fake.quality", "fake.idle"]
    assert shares["fake.quality"] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_mix_is_told_by_its_weights():
    terms = {name: {"kind": "l1", "weight": 1.0} for name in ("pixel", "texture", "odd")}
    base = recipe()
    base["stages"]["train"]["loss"] = terms
    space = {"stages.train.loss": {"simplex": list(terms), "total": 1.0, "sparse": True}}

    def quality(offer, step):
        weight = offer.recipe["stages"]["train"]["loss"].get("pixel", {"weight": 0.0})["weight"]
        return 1.0 - abs(weight - 0.6)

    log = MemoryLog()
    rehearse(plan(base=base, trials=40, space=space, scheduler="none"), log, Trainings(quality))
    shares = importance(Sweep.of(log.records))
    assert next(iter(shares)) == "stages.train.loss.pixel.weight"
    assert set(shares) == {f"stages.train.loss.{name}.weight" for name in terms}


def test_a_few_trials_say_nothing():
    assert importance(Sweep.of(ran(drawn, trials=LEAST - 1, scheduler="none"))) == {}
