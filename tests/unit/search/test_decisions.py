import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import (
    Clock,
    MemoryLog,
    Trainings,
    decided,
    rehearse,
    rehearse_through_deaths,
    tends_to,
    told_once,
)
from sweeps import plan, recipe

from acutance_platform.search.decisions import absorb, next_leg
from acutance_platform.search.fold import Sweep
from acutance_platform.search.history import history
from acutance_platform.search.promotion import ranking
from acutance_platform.search.schedulers import Asha, NoScheduler
from acutance_platform.search.status import front_summary, summary
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.errors import SweepDiffers

DEATHS = st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=6)


def run(the_plan, **how):
    log, trainings = MemoryLog(), Trainings(how.pop("quality", tends_to))
    conductor = rehearse(the_plan, log, trainings, **how)
    return conductor.sweep, log, trainings


@pytest.mark.parametrize(
    ("scheduler", "start", "steps", "rungs"),
    [
        (Asha(first_rung=0.2, reduction=3), 0, 1000, (200, 600, 1000)),
        (Asha(first_rung=0.2, reduction=3), 500, 1000, (700, 1100, 1500)),
        (Asha(first_rung=0.1, reduction=2), 0, 7, (1, 2, 3, 6, 7)),
        (Asha(first_rung=0.1, reduction=3), 0, 30, (3, 9, 27, 30)),
        (Asha(first_rung=1.0, reduction=2), 0, 10, (10,)),
        (Asha(first_rung=0.01, reduction=2), 0, 3, (1, 2, 3)),
        (NoScheduler(), 5, 10, (15,)),
    ],
)
def test_rungs_lie_below_the_end_and_the_end_is_the_last(scheduler, start, steps, rungs):
    assert scheduler.rungs(start, steps) == rungs


def test_a_sweep_runs_the_planned_trials_and_ends():
    sweep, log, _ = run(plan(trials=9), slots=2)
    assert sweep.state == "COMPLETE"
    assert list(sweep.trials) == [f"t{i:04d}" for i in range(9)]
    assert {trial.ended for trial in sweep.trials.values()} == {"COMPLETE", "STOPPED"}
    assert sweep.requested == 9 * 20
    assert sweep.executed == sum(max(steps) for steps in told_once(log.records).values())
    assert sweep.executed < sweep.requested


@settings(max_examples=20, deadline=None)
@given(slots=st.integers(1, 4), seed=st.integers(0, 1000))
def test_who_is_promoted_was_in_the_share_of_its_rung_at_that_moment(slots, seed):
    _, log, _ = run(plan(trials=16, steps=40), slots=slots, order=random.Random(seed))
    sweep, promotions = Sweep(), 0
    for record in log.records:
        if record["do"] == "promote":
            ranked = [trial.name for trial in ranking(sweep, record["rung"])]
            assert record["trial"] in ranked[: math.ceil(len(ranked) / 2)]
            promotions += 1
        sweep.apply(record)
    assert promotions >= 8


def test_without_a_scheduler_every_trial_completes():
    sweep, _, _ = run(plan(trials=4, scheduler="none"), slots=2)
    assert {t.ended for t in sweep.trials.values()} == {"COMPLETE"}
    assert sweep.executed == sweep.requested == 80


def test_a_resting_trial_is_promoted_later_from_its_own_state():
    values = {"t0000": 30.0, "t0001": 20.0, "t0002": 10.0, "t0003": 15.0}
    _, log, trainings = run(plan(trials=4), quality=lambda offer, step: values[offer.trial])
    promoted = [r["trial"] for r in log.records if r["do"] == "promote" and r["rung"] == 5]
    assert promoted == ["t0000", "t0001"]
    told = [(r["do"], r["trial"]) for r in log.records if r["do"] in ("ask", "promote")]
    # t0001 rested at its rung, t0002 was drawn, and only then was there a place for t0001.
    assert told.index(("ask", "t0002")) < told.index(("promote", "t0001"))
    assert trainings.computed["t0001"] >= 10


def test_the_last_hope_completes_where_who_had_the_place_failed():
    values = {"t0000": 30.0, "t0001": 10.0, "t0002": 20.0}

    def quality(offer, step):
        return math.nan if (offer.trial, step) == ("t0000", 20) else values[offer.trial]

    sweep, log, _ = run(plan(trials=3, scheduler={"kind": "asha", "reduction": 4}), quality=quality)
    ends = {trial.name: trial.ended for trial in sweep.trials.values()}
    assert ends == {"t0000": "FAILED", "t0001": "STOPPED", "t0002": "COMPLETE"}
    assert ranking(sweep, 4)[1].name == sweep.best == "t0002"
    assert {"do": "promote", "trial": "t0002", "rung": 4} in log.records


def test_ties_go_to_the_earlier_trial_and_nan_comes_last():
    values = {"t0000": float("nan"), "t0001": 3.0, "t0002": 3.0, "t0003": 4.0}
    sweep, _, _ = run(plan(trials=4), quality=lambda offer, step: values[offer.trial])
    assert [t.name for t in ranking(sweep, 5)] == ["t0003", "t0001", "t0002", "t0000"]
    assert sweep.trials["t0000"].ended == "STOPPED"
    assert not sweep.trials["t0000"].promoted


def test_all_nan_fails_the_sweep_and_says_so():
    the_plan = plan(trials=3, scheduler="none")
    sweep, log, _ = run(the_plan, quality=lambda offer, step: float("nan"))
    assert sweep.state == "FAILED"
    assert {t.ended for t in sweep.trials.values()} == {"FAILED"}
    assert "not a finite number at step 20" in sweep.trials["t0000"].errors[-1]
    assert all(r["values"] == {"psnr_y": None} for r in log.records if r["do"] == "value")


def test_min_is_searched_downwards():
    the_plan = plan(trials=6, objectives={"psnr_y": "min"})
    sweep, _, _ = run(the_plan)
    best = min(sweep.trials.values(), key=lambda t: t.recipe["fake.quality"])
    assert sweep.best == best.name


def test_three_failures_without_progress_end_a_trial():
    sweep, _, _ = run(plan(trials=3), fails=lambda trial, step: trial == "t0001")
    assert sweep.trials["t0001"].ended == "FAILED"
    assert sweep.trials["t0001"].failures == 3
    assert sweep.state == "COMPLETE"


def test_failures_with_progress_between_them_cost_nothing():
    lost = set()

    def fails(trial, step):
        """Lose each leg once per report point."""
        first = (trial, step) not in lost
        lost.add((trial, step))
        return first

    sweep, log, _ = run(plan(trials=4, scheduler="none", every=2), fails=fails)
    assert {t.ended for t in sweep.trials.values()} == {"COMPLETE"}
    told_once(log.records)


def test_a_recipe_that_cannot_be_built_costs_no_step():
    def check(drawn):
        if drawn["fake"]["quality"] < 20:
            raise ValueError("quality is too low")

    sweep, _, trainings = run(plan(trials=10, check=check))
    failed = [t for t in sweep.trials.values() if t.recipe["fake.quality"] < 20]
    assert failed
    assert all(t.ended == "FAILED" and "too low" in t.errors[-1] for t in failed)
    assert not any(t.name in trainings.computed for t in failed)
    assert len(sweep.trials) == 10
    assert sweep.requested == 20 * (10 - len(failed))


@pytest.mark.parametrize(
    ("budget", "word"),
    [
        ({"steps": 30}, "steps"),
        ({"cpu_hours": 4 / 3600}, "cpu_hours"),
        ({"wall_hours": 0.01}, "wall"),
    ],
)
def test_a_budget_stops_the_sweep_and_is_named(budget, word):
    sweep, _, _ = run(plan(trials=50, budget={"trials": 50, **budget}), slots=2)
    assert sweep.state == "STOPPED"
    assert f"budget {word}" in sweep.reason
    assert not any(t.ended is None for t in sweep.trials.values())
    assert len(sweep.trials) < 50


def test_a_grid_ends_by_itself():
    space = {"fake.quality": {"choice": [1, 2, 3]}, "seed": {"int": [0, 1]}}
    sweep, _, _ = run(plan(space=space, sampler="grid", budget={}), slots=2)
    assert len(sweep.trials) == 6
    assert sweep.state == "COMPLETE"


@settings(max_examples=60, deadline=None)
@given(deaths=DEATHS)
def test_at_one_slot_deaths_change_no_decision(deaths):
    the_plan = plan(trials=7, sampler={"kind": "random"})
    _, calm, _ = run(the_plan)
    log = MemoryLog()
    rehearse_through_deaths(the_plan, log, Trainings(tends_to), deaths)
    assert decided(log.records) == decided(calm.records)


@settings(max_examples=8, deadline=None)
@given(deaths=DEATHS)
def test_at_one_slot_deaths_change_no_proposal_of_tpe(deaths):
    the_plan = plan(trials=7, sampler={"kind": "tpe", "startup_trials": 3})
    _, calm, _ = run(the_plan)
    log = MemoryLog()
    rehearse_through_deaths(the_plan, log, Trainings(tends_to), deaths)
    assert decided(log.records) == decided(calm.records)


@settings(max_examples=60, deadline=None)
@given(
    deaths=DEATHS,
    slots=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    failing=st.sets(st.tuples(st.sampled_from(["t0001", "t0003"]), st.sampled_from([0, 5, 10]))),
)
def test_any_order_of_deaths_and_failures_loses_and_repeats_nothing(deaths, slots, seed, failing):
    pending = set(failing)

    def fails(trial, step):
        due = (trial, step) in pending
        pending.discard((trial, step))
        return due

    log, trainings = MemoryLog(), Trainings(tends_to)
    order = random.Random(seed)
    sweep = rehearse_through_deaths(
        plan(trials=8), log, trainings, deaths, slots=slots, order=order, fails=fails
    ).sweep
    assert sweep.state == "COMPLETE"
    assert len(sweep.trials) == 8
    told_once(log.records)
    assert all(t.ended in ("COMPLETE", "STOPPED") for t in sweep.trials.values())
    # What was computed was told, and no step was computed twice.
    assert {name: t.executed for name, t in sweep.trials.items()} == trainings.computed
    ends = [record["trial"] for record in log.records if record["do"] == "end"]
    assert sorted(ends) == sorted(sweep.trials)


@settings(max_examples=30, deadline=None)
@given(slots=st.integers(1, 3), seed=st.integers(0, 1000), cut=st.integers(0, 200))
def test_replaying_a_journal_gives_the_same_state_at_every_point(slots, seed, cut):
    _, log, _ = run(plan(trials=6), slots=slots, order=random.Random(seed))
    records = log.records[:cut]
    once = Sweep.of(records)
    again = Sweep()
    for record in records:
        again.apply(record)
    assert once == again
    assert history(once) == history(again)


def test_a_report_told_again_counts_once():
    sweep, log, _ = run(plan(trials=2))
    report = next(record for record in log.records if record["do"] == "report")
    executed = sweep.executed
    sweep.apply({**report, "executed": 1000})
    assert sweep.executed == executed
    assert absorb(sweep, sweep.trials[report["trial"]], [{**report, "weights": None}]) == []


def test_a_value_that_a_driver_died_before_journalling_is_made_up_for():
    log = MemoryLog()
    clock = Clock()
    conductor = Conductor(plan(trials=1), journal=log, clock=clock)
    conductor.start("d", "h")
    offer = conductor.next_leg()
    trainings = Trainings(tends_to)
    report = trainings.advance(offer, clock)
    journalled = {"do": "report", "trial": "t0000", **report}
    log.append(journalled)
    again = Conductor(plan(trials=1), journal=log, clock=clock)
    again.start("d", "h")
    again.next_leg()
    again.on_reports("t0000", [report])
    assert again.sweep.trials["t0000"].values == {5: (pytest.approx(report["metrics"]["psnr_y"]),)}


def test_an_end_that_a_driver_died_before_journalling_is_made_up_for():
    _, log, _ = run(plan(trials=1, scheduler="none"))
    records = [r for r in log.records if r["do"] not in ("end", "finish")]
    log.records = records
    conductor = rehearse(plan(trials=1, scheduler="none"), log, Trainings(tends_to))
    assert conductor.sweep.trials["t0000"].ended == "COMPLETE"
    assert conductor.sweep.state == "COMPLETE"


def test_time_between_sessions_is_not_spent():
    log = MemoryLog()
    Conductor(plan(), journal=log, clock=lambda: 1000.0).start("a", "h")
    later = Conductor(plan(), journal=log, clock=lambda: 9000.0)
    later.start("b", "h")
    assert later.sweep.wall_hours(9036.0) == pytest.approx(0.01)
    later.interrupt("SIGINT")
    assert later.sweep.state == "INTERRUPTED"
    assert not later.done


def test_another_plan_under_the_same_name_is_refused():
    log = MemoryLog()
    Conductor(plan(trials=4), journal=log, clock=Clock()).start("d", "h")
    with pytest.raises(SweepDiffers, match="--name"):
        Conductor(plan(trials=5), journal=log, clock=Clock())


def test_a_leg_that_stops_before_its_rung_is_a_failure():
    conductor = Conductor(plan(), journal=MemoryLog(), clock=Clock())
    conductor.start("d", "h")
    conductor.next_leg()
    conductor.on_stopped("t0000")
    assert conductor.sweep.trials["t0000"].failures == 1
    assert not conductor.active


def test_in_flight_comes_before_promotions_and_promotions_before_new_trials():
    _, log, _ = run(plan(trials=6))
    asked = [r for r in log.records if r["do"] in ("sweep", "start", "ask")][:5]
    value = {"do": "value", "rung": 5}
    records = [
        *asked,
        {**value, "trial": "t0000", "values": {"psnr_y": 2.0}},
        {**value, "trial": "t0001", "values": {"psnr_y": 1.0}},
    ]
    scheduler = Asha(first_rung=0.25, reduction=2)
    state = Sweep.of(records)
    assert next_leg(state, scheduler, active=(), now=0.0).trial.name == "t0002"
    promoted = next_leg(state, scheduler, active=("t0002",), now=0.0)
    assert promoted.trial.name == "t0000"
    assert promoted.records == ({"do": "promote", "trial": "t0000", "rung": 5},)
    state.apply(promoted.records[0])
    assert next_leg(state, scheduler, active=("t0000", "t0002"), now=0.0).kind == "draw"


def test_status_says_what_people_script_against():
    sweep, _, _ = run(plan(trials=5))
    status = summary(sweep, {"psnr_y": 20.0})
    assert status["state"] == "COMPLETE"
    assert status["baseline"] == {"psnr_y": 20.0}
    assert status["objectives"] == {"psnr_y": "max"}
    assert status["steps_requested"] == 100
    assert status["best"] in {trial["trial"] for trial in status["trials"]}
    trial = status["trials"][0]
    assert set(trial) >= {
        "trial", "state", "recipe", "metrics", "steps", "run_id", "weights", "failures"
    }  # fmt: skip
    document = front_summary(sweep, {"psnr_y": 20.0})
    (point,) = document["points"]
    assert point["trial"] == status["best"]
    assert document["hypervolume"] == pytest.approx(max(0.0, point["metrics"]["psnr_y"] - 20.0))


def test_states_of_trials_follow_the_driver():
    conductor = Conductor(plan(), journal=MemoryLog(), clock=Clock())
    conductor.start("d", "h")
    conductor.next_leg()
    trial = conductor.sweep.trials["t0000"]
    assert conductor.sweep.state_of(trial) == "RUNNING"
    conductor.interrupt("SIGINT")
    assert conductor.sweep.state_of(trial) == "WAITING"


def test_steps_may_be_searched_without_a_scheduler():
    space = {"stages.train.steps": {"choice": [10, 20]}}
    base = recipe()
    sweep, _, _ = run(plan(base=base, space=space, sampler="grid", scheduler="none", budget={}))
    assert [t.end for t in sweep.trials.values()] == [10, 20]
    assert sweep.requested == sweep.executed == 30


def test_what_a_leg_says_is_wrong_is_kept_with_the_steps_that_said_so():
    sweep, log, _ = run(plan(trials=1), slots=1)
    assert summary(sweep)["trials"][0]["notes"] == []
    opened = Sweep.of(log.records[:3])
    costs = {"executed": 1, "cpu_seconds": 0.0, "gpu_seconds": 0.0, "time": 0.0, "weights": None}
    for step, notes in ((1, []), (2, ["blind"]), (3, ["blind", "won"]), (4, ["won"])):
        report = {"step": step, "metrics": {"psnr_y": 1.0}, "notes": notes, **costs}
        for record in absorb(opened, opened.trials["t0000"], [report]):
            opened.apply(record)
    (shown,) = summary(opened)["trials"]
    assert shown["notes"] == ["steps 2 to 3: blind", "steps 3 to 4: won"]


@settings(max_examples=60, deadline=None)
@given(
    st.permutations([float(quality) for quality in range(1, 10)]),
    st.integers(2, 9),
    st.integers(1, 4),
    st.integers(2, 3),
    st.integers(0, 10**6),
)
def test_who_is_best_on_every_rung_comes_to_its_end(qualities, trials, slots, reduction, seed):
    scheduler = {"kind": "asha", "first_rung": 0.25, "reduction": reduction}
    space = {"fake.quality": {"choice": qualities[:trials]}}
    grid = {"sampler": {"kind": "grid"}, "space": space, "scheduler": scheduler}
    sweep, _, _ = run(plan(trials=trials, **grid), slots=slots, order=random.Random(seed))
    assert sweep.trials[sweep.best].recipe["fake.quality"] == max(qualities[:trials])


@pytest.mark.parametrize(
    ("qualities", "ends"),
    [([1.0, 2.0], ["COMPLETE", "COMPLETE"]), ([2.0, 1.0], ["COMPLETE", "STOPPED"])],
)
def test_the_first_on_a_rung_goes_on_at_once_and_the_second_if_it_is_better(qualities, ends):
    scheduler = {"kind": "asha", "first_rung": 0.25, "reduction": 3}
    space = {"fake.quality": {"choice": qualities}}
    grid = {"sampler": {"kind": "grid"}, "space": space, "scheduler": scheduler}
    sweep, log, _ = run(plan(trials=2, **grid))
    assert [trial.ended for trial in sweep.trials.values()] == ends
    asked = [i for i, record in enumerate(log.records) if record["do"] == "ask"]
    assert any(r["do"] == "end" for r in log.records[asked[0] : asked[1]])
