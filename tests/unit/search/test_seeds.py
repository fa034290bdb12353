import json
import math
import random
import statistics

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
from scipy import stats
from sweeps import plan, recipe

from acutance_platform.search.bounds import pessimistic
from acutance_platform.search.fold import Sweep
from acutance_platform.search.history import history
from acutance_platform.search.spending import topped_up
from acutance_platform.search.status import front_summary, summary
from acutance_platform.tracking.projection import Projection

REPEATS = {"top": 3, "seeds": 3}


def noisy(offer, step):
    """Values move by their seed: quality 0 to 40, luck up to 20."""
    luck = random.Random(f"{offer.recipe['seed']} {offer.recipe['fake']}").uniform(-20, 20)
    return tends_to(offer, step) + luck


def run(slots=1, quality=noisy, **options):
    log, trainings = MemoryLog(), Trainings(quality)
    options = {"trials": 8, "repeats": REPEATS, **options}
    return rehearse(plan(**options), log, trainings, slots=slots).sweep, log, trainings


def own(sweep):
    return [trial for trial in sweep.trials.values() if trial.repeats is None]


def repeats_of(sweep, name):
    return [trial for trial in sweep.trials.values() if trial.repeats == name]


def value(trial):
    return trial.values[trial.end][0]


@pytest.mark.parametrize("slots", [1, 3])
def test_the_best_are_trained_again_with_other_seeds_to_their_end(slots):
    sweep, log, _ = run(slots, scheduler="none")
    assert sweep.state == "COMPLETE"
    assert len(own(sweep)) == sweep.drawn == 8
    best = sorted(own(sweep), key=value, reverse=True)[:3]
    assert len(sweep.trials) == 8 + 3 * 2
    for trial in best:
        again = repeats_of(sweep, trial.name)
        assert [each.recipe for each in again] == [trial.recipe] * 2
        seeds = {each.seed for each in again}
        assert len(seeds) == 2
        assert 3 not in seeds, "the recipe's own"
        assert {each.ended for each in again} == {"COMPLETE"}
        assert all(value(each) != value(trial) for each in again)
    assert sweep.requested == 14 * 20
    told_once(log.records)
    assert len(history(sweep)) == 8, "samplers never see a repeat"


def test_repeats_compete_on_no_rung():
    calm, calm_log, _ = run(repeats=None)
    sweep, log, _ = run()
    assert [t.name for t in own(sweep)] == [t.name for t in own(calm)]
    before = decided(log.records)[: len(decided(calm_log.records))]
    # But for those that are STOPPED, which is written when the sweep ends.
    assert before[:-8] == decided(calm_log.records)[:-8]
    for trial in sweep.trials.values():
        if trial.repeats is not None:
            assert set(trial.values) == {trial.end}
            assert trial.promoted == set()
            assert sorted(trial.reports) == [5, 10, 15, 20], "equal reports, equal stage keys"


@pytest.mark.parametrize("direction", ["max", "min"])
def test_best_is_the_best_confidence_bound_of_those_with_repeats(direction):
    sweep, _, _ = run(scheduler="none", objectives={"psnr_y": direction})
    bounds = {}
    for trial in own(sweep):
        values = [value(trial), *(value(each) for each in repeats_of(sweep, trial.name))]
        if len(values) > 1:
            # An independent formula of the same bound.
            low, high = stats.t.interval(
                0.90, 2, loc=statistics.fmean(values), scale=stats.sem(values)
            )
            bounds[trial.name] = low if direction == "max" else -high
    assert len(bounds) == 3
    assert sweep.best == max(bounds, key=bounds.__getitem__)
    if direction == "max":
        lucky = max(own(sweep), key=value)
        assert sweep.best != lucky.name, "in this example luck alone would have won"


def test_a_bound_of_one_value_is_the_value_and_more_values_bring_it_nearer():
    assert pessimistic([3.0], "max") == 3.0
    assert pessimistic([1.0, 2.0], "max") == pytest.approx(1.5 - 6.313752 * math.sqrt(0.5) / 2**0.5)
    few, many = pessimistic([1.0, 2.0, 3.0], "max"), pessimistic([1.0, 2.0, 3.0] * 4, "max")
    assert few < many < 2.0
    assert pessimistic([1.0, 2.0, 3.0], "min") == pytest.approx(4.0 - few)


def test_mean_and_spread_stand_in_every_document():
    sweep, log, _ = run(scheduler="none")
    best = sweep.trials[sweep.best]
    values = [value(best), *(value(each) for each in repeats_of(sweep, best.name))]
    shown = {entry["trial"]: entry for entry in summary(sweep)["trials"]}
    (point,) = front_summary(sweep)["points"]
    for entry in (shown[best.name], point):
        assert entry["seeds"] == 3
        assert entry["mean"]["psnr_y"] == pytest.approx(statistics.fmean(values))
        assert entry["spread"]["psnr_y"] == pytest.approx(statistics.stdev(values))
    again = repeats_of(sweep, best.name)[0]
    assert shown[again.name]["repeats"] == best.name
    assert shown[again.name]["seeds"] == 1
    projection = Projection("demo")
    for record in log.records:
        projection.apply(record)
    run_view = projection.runs[again.name]
    assert run_view.tags["acutance.repeats"] == best.name
    assert run_view.params["seed"] == str(again.seed)


def test_of_several_objectives_the_first_fronts_are_repeated_and_no_repeat_is_on_the_front():
    def both(offer, step):
        return {"psnr_y": noisy(offer, step), "niqe": offer.recipe["fake"]["quality"]}

    base = recipe()
    base["evaluation"]["metrics"] = ["psnr_y", "niqe"]
    objectives = {"psnr_y": "max", "niqe": "min"}
    sweep, _, _ = run(quality=both, base=base, scheduler="none", objectives=objectives)
    repeated = {trial.repeats for trial in sweep.trials.values()} - {None}
    assert len(repeated) == 3
    points = front_summary(sweep)["points"]
    names = {point["trial"] for point in points}
    assert repeated <= names or names <= repeated
    assert names <= {trial.name for trial in own(sweep)}
    for point in points:
        assert point["seeds"] == (3 if point["trial"] in repeated else 1)
        assert ("mean" in point) == (point["trial"] in repeated)


@pytest.mark.parametrize("seed", range(6))
def test_deaths_change_no_repeat(seed):
    dice = random.Random(seed)
    options = {"trials": 4, "repeats": {"top": 2, "seeds": 2}, "scheduler": "none"}
    calm, calm_log, _ = run(**options)
    log, trainings = MemoryLog(), Trainings(noisy)
    deaths = [(dice.randint(1, 12), dice.random() < 0.5) for _ in range(6)]
    sweep = rehearse_through_deaths(plan(**options), log, trainings, deaths).sweep
    assert decided(log.records) == decided(calm_log.records)
    again = Sweep.of(json.loads(json.dumps(log.records)))
    assert again.trials == sweep.trials
    assert again.best == calm.best


def test_repeats_spend_steps_and_end_with_the_budget_of_steps():
    sweep, log, trainings = run(scheduler="none", budget={"trials": 4, "steps": 95})
    assert sweep.state == "STOPPED"
    assert 95 <= sweep.executed < 100
    (cut,) = [trial for trial in sweep.trials.values() if trial.ended == "STOPPED"]
    assert cut.repeats is not None
    limits = topped_up(sweep, ["steps=1000"]).model_dump()
    log.append({"do": "budget", "budget": limits, "by": "ada@here", "time": 1e6})
    the_plan = plan(scheduler="none", budget={"trials": 4, "steps": 95}, repeats=REPEATS)
    again = rehearse(the_plan, log, trainings).sweep
    assert again.state == "COMPLETE"
    assert again.trials[cut.name].ended == "COMPLETE"
    assert len(again.trials) == 4 + 3 * 2


def test_a_journal_from_before_repeats_goes_on():
    log, trainings = MemoryLog(), Trainings(tends_to)
    first = rehearse(plan(trials=3), log, trainings).sweep
    assert first.state == "COMPLETE"
    del log.records[0]["spec"]["search"]["repeats"]
    log.records.pop()  # as if it had been interrupted at the end
    assert rehearse(plan(trials=3), log, trainings).sweep.state == "COMPLETE"
