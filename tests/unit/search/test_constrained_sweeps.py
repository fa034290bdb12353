"""Whole sweeps under constraints, without Ray: who is refused, who is promoted, who is best."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import MemoryLog, Trainings, decided, rehearse, rehearse_through_deaths
from sweeps import plan, recipe

from acutance_platform.search.feasibility import nearest
from acutance_platform.search.fold import Sweep
from acutance_platform.search.history import history
from acutance_platform.search.points import front_points
from acutance_platform.search.promotion import ranking
from acutance_platform.search.refused import LIMIT
from acutance_platform.search.status import front_summary, summary
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.tracking.projection import SWEEP, Projection

BASE = {**recipe(), "evaluation": {"every": 5, "metrics": ["psnr_y", "niqe"]}}
SIZES = {"fake.width": {"int": [1, 20]}, "fake.quality": {"uniform": [0.0, 40.0]}}
DEATHS = st.lists(st.tuples(st.integers(1, 8), st.booleans()), max_size=5)


def costs(drawn):
    return {"parameters": 100.0 * drawn["fake"]["width"], "macs_per_pixel": 1.0}


class Measured(Trainings):
    """Trainings whose second metric the test decides."""

    def __init__(self, niqe=lambda offer, step: 4.0):
        super().__init__(lambda offer, step: offer.recipe["fake"]["quality"] + step / 100)
        self.niqe = niqe

    def advance(self, offer, clock):
        report = super().advance(offer, clock)
        drawn = costs(offer.recipe) if "width" in offer.recipe["fake"] else {}
        report["metrics"] |= {"niqe": self.niqe(offer, report["step"]), **drawn}
        return report


def constrained(table, **changes):
    return plan(**{"base": BASE, "space": SIZES, "constraints": table, "costs": costs} | changes)


def run(the_plan, trainings=None, **how):
    log, trainings = MemoryLog(), trainings or Measured()
    return rehearse(the_plan, log, trainings, **how).sweep, log, trainings


@pytest.mark.parametrize("sampler", ["random", {"kind": "tpe", "startup_trials": 3}])
def test_recipes_over_a_structural_constraint_cost_no_step_and_no_trial(sampler):
    sweep, log, trainings = run(constrained({"parameters": "<= 500"}, sampler=sampler, trials=10))
    assert len(sweep.trials) == 10
    assert sweep.refused, "three quarters of the space are over it"
    assert all(trial.recipe["fake.width"] <= 5 for trial in sweep.trials.values())
    assert all(each.recipe["fake.width"] > 5 for each in sweep.refused)
    assert set(trainings.computed) <= set(sweep.trials)
    assert sweep.executed == sum(trainings.computed.values())
    record = next(record for record in log.records if record["do"] == "refused")
    assert record["rules"] == ["parameters <= 500"]
    assert record["costs"] == {"parameters": 100.0 * record["recipe"]["fake.width"]}
    assert record["violation"] == pytest.approx(record["costs"]["parameters"] / 500 - 1)
    status = summary(sweep)
    assert status["refused"] == len(sweep.refused)
    assert {trial["feasible"] for trial in status["trials"]} == {True}


def test_stages_are_asked_for_accepted_recipes_alone():
    asked = []
    the_plan = constrained({"parameters": "<= 500"}, trials=5)
    object.__setattr__(the_plan, "stages", lambda drawn: asked.append(drawn["fake"]["width"]) or ())
    run(the_plan)
    assert len(asked) == 5
    assert max(asked) <= 5


def test_the_sampler_is_told_of_refused_draws_in_the_order_of_its_draws():
    sweep, log, _ = run(constrained({"parameters": "<= 500"}, trials=6))
    told = history(sweep)
    drawn = [r["assignment"] for r in log.records if r["do"] in ("ask", "refused")]
    assert [each.assignment for each in told] == drawn
    assert len(told) == sweep.draws
    refused = [each for each in told if each.violation > 0]
    assert len(refused) == len(sweep.refused)
    assert {(each.state, len(each.values)) for each in refused} == {("failed", 0)}


@settings(max_examples=25, deadline=None)
@given(deaths=DEATHS, tpe=st.booleans())
def test_deaths_change_no_draw_and_no_refusal(deaths, tpe):
    sampler = {"kind": "tpe", "startup_trials": 2} if tpe else "random"
    the_plan = constrained({"parameters": "<= 700"}, sampler=sampler, trials=5)
    _, calm, _ = run(the_plan)
    log = MemoryLog()
    rehearse_through_deaths(the_plan, log, Measured(), deaths)

    def refusals(records):
        return [r["assignment"] for r in records if r["do"] == "refused"]

    assert decided(log.records) == decided(calm.records)
    assert refusals(log.records) == refusals(calm.records)


def test_a_space_that_is_over_the_constraint_everywhere_ends_with_the_nearest_cost():
    sweep, log, trainings = run(constrained({"parameters": "<= 50"}))
    assert sweep.state == "FAILED"
    assert not trainings.computed
    assert len(sweep.refused) == LIMIT
    assert f"{LIMIT} drawn recipes" in sweep.reason
    assert "parameters <= 50" in sweep.reason
    assert "has parameters 100" in sweep.reason
    assert "narrow the space" in sweep.reason
    assert log.appends < LIMIT / 10, "refusals are journalled together"


def test_a_sweep_that_finds_nothing_further_keeps_what_it_has():
    allowed = iter([1.0, 1.0])
    the_plan = constrained(
        {"macs_per_pixel": "<= 1"}, costs=lambda drawn: {"macs_per_pixel": next(allowed, 60.0)}
    )
    sweep, _, _ = run(the_plan)
    assert (sweep.state, len(sweep.trials)) == ("COMPLETE", 2)
    assert "macs_per_pixel <= 1" in sweep.reason
    assert sweep.best is not None


def test_a_grid_goes_through_all_of_its_points():
    space = {"fake.width": {"int": [1, 1500]}, "fake.quality": {"choice": [1.0]}}
    section = {"sampler": "grid", "scheduler": "none", "budget": {}, "space": space}
    sweep, _, _ = run(constrained({"parameters": ">= 149900"}, **section))
    assert [trial.recipe["fake.width"] for trial in sweep.trials.values()] == [1499, 1500]
    assert len(sweep.refused) == 1498
    assert sweep.state == "COMPLETE"


def infeasible_first(offer, step):
    """The better psnr_y is, the worse niqe is: the best ones break the rule."""
    return offer.recipe["fake"]["quality"] / 4


def test_best_is_the_best_of_those_that_meet_the_constraints():
    changes = {"trials": 12, "scheduler": "none"}
    sweep, _, _ = run(constrained({"niqe": "<= 5"}, **changes), Measured(infeasible_first))
    good = [t for t in sweep.trials.values() if t.recipe["fake.quality"] <= 20]
    assert 0 < len(good) < 12
    assert sweep.best == max(good, key=lambda t: t.recipe["fake.quality"]).name
    assert nearest(sweep) is None
    assert [point["trial"] for point in front_points(sweep)] == [sweep.best]
    status = summary(sweep)
    said = {t["trial"]: (t["feasible"], set(t["violations"])) for t in status["trials"]}
    names = {trial.name for trial in good}
    assert said == {
        name: (True, set()) if name in names else (False, {"niqe"}) for name in sweep.trials
    }
    assert status["constraints"] == {"niqe": "<= 5"}


def test_where_no_trial_meets_the_constraints_there_is_no_best_and_a_nearest():
    changes = {"trials": 6, "scheduler": "none", "objectives": {"psnr_y": "max", "niqe": "min"}}
    sweep, _, _ = run(constrained({"niqe": "<= 0.01"}, **changes), Measured(infeasible_first))
    assert sweep.best is None
    closest = min(sweep.trials.values(), key=lambda t: t.recipe["fake.quality"])
    assert nearest(sweep) == closest.name == summary(sweep)["nearest"]
    document = front_summary(sweep, {"psnr_y": 0.0, "niqe": 9.0})
    assert (document["points"], document["hypervolume"]) == ([], 0.0)
    assert document["nearest"] == closest.name


def test_points_between_trials_obey_the_constraints():
    changes = {"trials": 4, "scheduler": "none", "objectives": {"psnr_y": "max", "niqe": "min"}}
    sweep, _, _ = run(constrained({"niqe": "<= 5"}, **changes))
    point = {"do": "point", "parents": ["t0000", "t0001"], "weights": "f" * 64}
    for alpha, niqe in ((0.25, 4.9), (0.5, 5.1)):
        sweep.apply({**point, "alpha": alpha, "metrics": {"psnr_y": 99.0 + niqe, "niqe": niqe}})
    names = [entry["trial"] for entry in front_points(sweep)]
    assert "t0000-t0001-0.25" in names
    assert "t0000-t0001-0.5" not in names, "better in psnr_y, and over the constraint"


@settings(max_examples=40, deadline=None)
@given(slots=st.integers(1, 4), seed=st.integers(0, 1000), several=st.booleans())
def test_nobody_is_promoted_past_a_trial_that_meets_the_constraints(slots, seed, several):
    objectives = {"psnr_y": "max", "niqe": "min"} if several else {"psnr_y": "max"}
    changes = {"trials": 14, "objectives": objectives}
    the_plan = constrained({"niqe": "<= 5"}, **changes)
    niqe = Measured(infeasible_first)
    _, log, _ = run(the_plan, niqe, slots=slots, order=random.Random(seed))
    sweep, promotions = Sweep(), 0
    for record in log.records:
        if record["do"] == "promote":
            rung, trial = record["rung"], sweep.trials[record["trial"]]
            promotions += 1
            resting = [
                t for t in ranking(sweep, rung) if t.target is None and rung not in t.promoted
            ]
            if trial.violation(rung) > 0:
                assert not [t for t in resting if t.violation(rung) < trial.violation(rung)]
        sweep.apply(record)
    assert promotions >= 5


def test_a_metric_that_is_not_finite_breaks_its_constraint():
    nan = Measured(lambda offer, step: float("nan"))
    sweep, log, _ = run(constrained({"niqe": "<= 5"}, trials=2, scheduler="none"), nan)
    assert sweep.best is None
    assert nearest(sweep) is not None
    assert [r["violations"] for r in log.records if r["do"] == "value"] == [{"niqe": None}] * 2
    assert summary(sweep)["trials"][0]["violations"] == {"niqe": None}
    assert all(each.violation > 1e6 for each in history(sweep))


def test_journals_of_earlier_versions_fold_and_go_on():
    the_plan = plan(trials=4)
    _, log, _ = run(the_plan, Trainings(lambda offer, step: offer.recipe["fake"]["quality"]))
    assert all("violations" not in record for record in log.records)
    del log.records[0]["spec"]["search"]["constraints"]
    sweep = Sweep.of(log.records)
    assert (sweep.refused, sweep.best is None) == ([], False)
    assert summary(sweep)["constraints"] == {}
    assert {trial["feasible"] for trial in summary(sweep)["trials"]} == {True}
    assert Conductor(the_plan, journal=log, clock=lambda: 0.0).done, "it is the same sweep"


def test_mlflow_shows_constraints_refusals_and_who_meets_them():
    changes = {"trials": 4, "scheduler": "none"}
    table = {"niqe": "<= 5", "parameters": "<= 1000"}
    sweep, log, _ = run(constrained(table, **changes), Measured(infeasible_first))
    shown = Projection("demo")
    for record in log.records:
        shown.apply(record)
    tags = shown.runs[SWEEP].tags
    assert tags["acutance.constraints"] == '{"niqe": "<= 5", "parameters": "<= 1000"}'
    assert tags["acutance.refused"] == str(len(sweep.refused))
    for trial in summary(sweep)["trials"]:
        tag = shown.runs[trial["trial"]].tags["acutance.feasible"]
        assert tag == str(trial["feasible"]).lower()
