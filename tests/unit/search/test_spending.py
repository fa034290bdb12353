import pytest
from rehearsal import MemoryLog, Trainings, rehearse, tends_to, told_once
from sweeps import plan

from acutance_platform.recipe import RecipeErrors
from acutance_platform.search.spending import topped_up
from acutance_platform.search.status import summary
from acutance_platform.tracking.projection import Projection

EVERY = 5
"""Steps between two reports of the rehearsed trainings."""


def top_up(log, sweep, *settings):
    budget = topped_up(sweep, settings).model_dump()
    log.append({"do": "budget", "budget": budget, "by": "ada@here", "time": 1e6})


def ended(sweep):
    return [trial.ended for trial in sweep.trials.values()]


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("limit", [13, 40, 77])
def test_a_budget_of_steps_is_overshot_by_less_than_one_report_per_slot(slots, limit):
    sweep = rehearse(
        plan(scheduler="none", budget={"steps": limit}),
        MemoryLog(),
        Trainings(tends_to, every=EVERY),
        slots=slots,
    ).sweep
    assert sweep.state == "STOPPED"
    assert limit <= sweep.executed < limit + slots * EVERY


def test_a_topped_up_sweep_goes_on_where_it_stopped():
    log, trainings = MemoryLog(), Trainings(tends_to)
    the_plan = plan(scheduler="none", budget={"steps": 47})
    first = rehearse(the_plan, log, trainings, slots=2).sweep
    assert first.state == "STOPPED"
    assert {"COMPLETE", "STOPPED"} == set(ended(first))
    began = list(first.trials)
    top_up(log, first, "steps=+50", "trials=5")
    second = rehearse(the_plan, log, trainings, slots=2).sweep
    # Both that were cut off came to their end before a third was drawn with what was left.
    assert [second.trials[name].ended for name in began] == ["COMPLETE"] * len(began)
    assert len(second.trials) > len(began)
    assert second.state == "STOPPED"
    assert 97 <= second.executed < 97 + 2 * EVERY
    # Not a step was computed twice.
    assert sum(trainings.computed.values()) == second.executed
    assert all(
        steps == list(range(5, steps[-1] + 1, 5)) for steps in told_once(log.records).values()
    )
    top_up(log, second, "steps=1000")
    third = rehearse(the_plan, log, trainings, slots=2).sweep
    assert third.state == "COMPLETE"
    assert ended(third) == ["COMPLETE"] * 5
    document = summary(third)["budget"]
    assert document["limit"] == {"trials": 5, "steps": 1000}
    assert document["spent"]["trials"] == 5
    assert document["spent"]["steps"] == third.executed == 100


def test_a_finished_sweep_goes_on_with_more_trials_and_resting_ones_compete_again():
    log, trainings = MemoryLog(), Trainings(tends_to)
    calm = rehearse(plan(trials=9), MemoryLog(), Trainings(tends_to)).sweep
    first = rehearse(plan(trials=5), log, trainings).sweep
    assert first.state == "COMPLETE"
    top_up(log, first, "trials=+4")
    second = rehearse(plan(trials=5), log, trainings).sweep
    assert second.state == "COMPLETE"
    assert len(second.trials) == 9
    # Five trials alone let others go on than nine; what nine let go on went on here too.
    whole = {name for name, trial in calm.trials.items() if trial.ended == "COMPLETE"}
    assert whole <= {name for name, trial in second.trials.items() if trial.ended == "COMPLETE"}


def test_a_trial_that_somebody_stopped_stays_stopped():
    log, trainings = MemoryLog(), Trainings(tends_to)
    first = rehearse(plan(scheduler="none", budget={"steps": 30}), log, trainings).sweep
    (cut,) = [name for name, trial in first.trials.items() if trial.ended == "STOPPED"]
    ask = {"do": "stop", "trial": cut, "request": "r", "by": "ada@here", "time": 1e6}
    log.append(ask)
    first.apply(ask)
    top_up(log, first, "steps=+30")
    second = rehearse(plan(scheduler="none", budget={"steps": 30}), log, trainings).sweep
    assert second.trials[cut].ended == "STOPPED"
    assert len(second.trials) > len(first.trials)
    # MLflow's runs tell the same.
    projection = Projection("demo")
    for record in log.records:
        projection.apply(record)
    states = {name: projection.runs[name].state for name in second.trials}
    assert states == {name: trial.ended for name, trial in second.trials.items()}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["hours=+1"], "Keys: trials, steps, wall_hours, gpu_hours, cpu_hours"),
        (["steps"], "a budget is KEY=NUMBER"),
        (["steps=many"], "this is a number"),
        (["gpu_hours=+10"], "Give the whole limit: gpu_hours=10"),
        (["steps=+1.5"], "integer"),
        (["trials=-4"], "greater than or equal to 1"),
        (["steps=+1"], "already"),
        (["hours=+1", "steps=many"], "number"),
    ],
)
def test_a_budget_that_cannot_be_used_is_refused(settings, says):
    log = MemoryLog()
    sweep = rehearse(plan(scheduler="none", budget={"steps": 31}), log, Trainings(tends_to)).sweep
    with pytest.raises(RecipeErrors, match="(?s)" + says.replace("+", r"\+")) as refused:
        topped_up(sweep, settings)
    assert len(refused.value.problems) == len(settings)
