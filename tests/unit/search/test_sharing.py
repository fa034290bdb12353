"""Trials that stand on one stage: computed once, waited for without a slot, taken over on death."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import Clock, MemoryLog, rehearse, rehearse_through_deaths, tends_to, told_once
from sweeps import plan, recipe

from acutance_platform.search import decisions
from acutance_platform.search.decisions import next_leg
from acutance_platform.search.fold import Sweep
from acutance_platform.sweep.conductor import Conductor
from acutance_storage import open_store
from acutance_storage.leases import Leases

PRETRAIN, FINETUNE = 10, 20
PIXEL = {"pixel": {"kind": "l1", "weight": 1.0}}
STAGES = {
    "pretrain": {"steps": PRETRAIN, "loss": PIXEL},
    "finetune": {"after": "pretrain", "steps": FINETUNE, "loss": PIXEL},
}


def stages_of(drawn):
    """Two kinds of pretrain, a fine-tuning of its own for each quality."""
    kind = int(drawn["fake"]["quality"]) % 2
    end = PRETRAIN + FINETUNE
    return ((f"pretrain-{kind}", PRETRAIN), (f"finetune-{drawn['fake']['quality']}", end))


def shared_plan(**search):
    base = {**recipe(), "stages": STAGES}
    made = plan(base=base, **search)
    return type(made)(**{**vars(made), "stages": stages_of})


class SharedStates:
    """States by stage, as a store keeps them, and the legs that compute them.

    A leg takes up what is saved when it opens, and what is saved of a stage when it comes to it.
    From there it computes by itself, whatever others do meanwhile: two in one stage pay twice.
    """

    def __init__(self):
        self.states, self.computed, self.legs = {}, {}, {}

    def stored(self, offer):
        found = []
        for key, end in stages_of(offer.recipe):
            found += self.states.get(key, [])
            if not found or found[-1]["step"] < end:
                break
        self.legs[offer.trial] = found[-1]["step"] if found else 0
        return [self._told(report, offer.trial) for report in found]

    def advance(self, offer, clock):
        last = self.legs[offer.trial]
        (first, start), (second, whole) = stages_of(offer.recipe)
        key, end, start = (first, start, 0) if last < start else (second, whole, start)
        known = self.states.setdefault(key, [])
        if last == start and known:
            last = known[-1]["step"]
        step = min(last + 5, end, *(r for r in offer.rungs if r > last))
        self.computed[key] = self.computed.get(key, 0) + step - last
        report = {
            "step": step,
            "metrics": {"psnr_y": tends_to(offer, step)},
            "executed": step - last,
            "cpu_seconds": 1.0,
            "gpu_seconds": 0.0,
            "time": clock(),
            "weights": f"{key}@{step}",
            "owner": offer.trial,
        }
        if not known or known[-1]["step"] < step:
            known.append(report)
        self.legs[offer.trial] = step
        return report

    def _told(self, report, trial):
        return report if report["owner"] == trial else {**report, "executed": 0}


FEW = {"fake.quality": {"choice": [1.0, 2.0, 3.0]}}
"""Of eight trials some are equal, so that the second stage is shared as well."""


def rehearsed(slots, order, space):
    log, trainings = MemoryLog(), SharedStates()
    search = {"trials": 8, "scheduler": {"kind": "none"}, **space}
    how = {"slots": slots, "order": random.Random(order)}
    return rehearse(shared_plan(**search), log, trainings, **how), log, trainings.computed


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([{}, {"space": FEW}]))
def test_a_shared_stage_is_computed_once_at_any_number_of_slots(slots, order, space):
    conductor, log, computed = rehearsed(slots, order, space)
    assert {trial.ended for trial in conductor.sweep.trials.values()} == {"COMPLETE"}
    assert_paid_once(computed)
    assert conductor.sweep.executed == sum(computed.values())
    assert conductor.sweep.requested == 8 * (PRETRAIN + FINETUNE)
    assert all(steps[-1] == PRETRAIN + FINETUNE for steps in told_once(log.records).values())
    assert len([key for key in computed if "finetune" in key]) == (3 if space else 8)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=6),
    st.integers(2, 4),
    st.integers(0, 10**6),
    st.sampled_from([{}, {"space": FEW}]),
)
def test_drivers_that_die_pay_for_no_stage_twice(deaths, slots, order, space):
    log, trainings = MemoryLog(), SharedStates()
    how = {"slots": slots, "order": random.Random(order)}
    conductor = rehearse_through_deaths(
        shared_plan(trials=6, **space), log, trainings, deaths, **how
    )
    assert_paid_once(trainings.computed, also_resting=True)
    assert conductor.sweep.state == "COMPLETE"
    told_once(log.records)


def assert_paid_once(computed, also_resting=False):
    for key, steps in computed.items():
        whole = PRETRAIN if "pretrain" in key else FINETUNE
        assert steps == whole or (also_resting and "finetune" in key and steps < whole), key


@pytest.mark.parametrize("space", [{}, {"space": FEW}])
def test_the_rehearsals_notice_when_nobody_waits(space, monkeypatch):
    monkeypatch.setattr(decisions, "waits", lambda *anything: False)
    paid = [rehearsed(4, order, space)[2] for order in range(5)]
    assert any(computed[key] > PRETRAIN for computed in paid for key in computed if "pre" in key)
    again = [computed[key] > FINETUNE for computed in paid for key in computed if "fine" in key]
    assert any(again) == bool(space)


def waiting_sweep(trials=4):
    log = MemoryLog()
    conductor = Conductor(shared_plan(trials=trials), journal=log, clock=Clock())
    conductor.start("driver", "host")
    return conductor, log


def test_who_waits_for_anothers_stage_holds_no_slot_and_says_so():
    conductor, _ = waiting_sweep(trials=8)
    offers = []
    while (offer := conductor.next_leg(8)) is not None:
        offers.append(offer)
    assert len(offers) == 2, "one leg for each of the two pretrains"
    assert len(conductor.sweep.trials) == 8
    in_words = [conductor.sweep.state_of(trial) for trial in conductor.sweep.trials.values()]
    assert sorted(set(in_words)) == ["RUNNING", "WAITING"]
    assert in_words.count("RUNNING") == 2
    assert not conductor.over()


def test_when_the_owner_fails_a_waiter_goes_on_from_its_checkpoint():
    conductor, _ = waiting_sweep()
    owner = conductor.next_leg(8)
    while conductor.next_leg(8) is not None:
        pass
    key = conductor.sweep.trials[owner.trial].stages[0]
    conductor.on_failure(owner.trial, "RuntimeError: its node is gone")
    following = conductor.next_leg(8)
    assert conductor.sweep.trials[following.trial].stages[0] == key


def test_a_learning_sampler_is_not_asked_while_as_many_wait_as_there_are_slots():
    sweep = Sweep.of(
        [
            {"do": "sweep", "name": "s", "spec": shared_plan(trials=9).spec, "time": 0.0},
            {"do": "start", "driver": "d", "host": "h", "time": 0.0},
            *(
                {
                    "do": "ask",
                    "trial": f"t{i:04d}",
                    "rungs": [30],
                    "stages": [["p", 10], [f"f{i}", 30]],
                    "time": 0.0,
                }
                for i in range(3)
            ),
        ]
    )
    scheduler = sweep.search.build_scheduler()
    asked = {"active": {"t0000"}, "now": 1.0}
    assert next_leg(sweep, scheduler, **asked, queue=2).kind == "wait"
    assert next_leg(sweep, scheduler, **asked, queue=3).kind == "draw"
    assert next_leg(sweep, scheduler, **asked, queue=None).kind == "draw"


def test_a_stage_that_another_sweep_computes_is_waited_for():
    sweep = Sweep.of(
        [
            {"do": "sweep", "name": "s", "spec": shared_plan(trials=1).spec, "time": 0.0},
            {"do": "start", "driver": "d", "host": "h", "time": 0.0},
            {"do": "ask", "trial": "t0000", "rungs": [30], "stages": [["p", 10], ["f", 30]]},
        ]
    )
    scheduler = sweep.search.build_scheduler()
    asked = {"active": set(), "now": 1.0}
    assert next_leg(sweep, scheduler, **asked, busy=lambda key: key == "p").kind == "wait"
    # Who computes the second stage has finished the first.
    assert next_leg(sweep, scheduler, **asked, busy=lambda key: key == "f").kind == "wait"
    assert next_leg(sweep, scheduler, **asked, busy=lambda key: key == "q").kind == "leg"


def test_a_sweep_holds_the_stages_that_lie_ahead_of_its_leg(tmp_path):
    store, clock = open_store(tmp_path / "store"), Clock()
    log, trainings = MemoryLog(), SharedStates()
    conductor = Conductor(
        shared_plan(trials=1, scheduler="none"),
        journal=log,
        clock=clock,
        leases=Leases(store, "mine", clock=clock),
    )
    conductor.start("driver", "host")
    offer = conductor.next_leg()
    pretrain, finetune = (key for key, _ in stages_of(offer.recipe))

    def held():
        others = Leases(store, "other", clock=clock)
        return [others.held_by_another(key) for key in (pretrain, finetune)]

    assert held() == [True, True]
    trainings.stored(offer)
    while conductor.sweep.trials[offer.trial].step < PRETRAIN:
        assert conductor.on_reports(offer.trial, [trainings.advance(offer, clock)])
    assert held() == [False, True]
    conductor.release(offer.trial)
    assert held() == [False, False]
