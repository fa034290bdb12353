"""Trials that stand on one stage: computed once, waited for without a slot, taken over on death."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import Clock, MemoryLog, rehearse, rehearse_through_deaths, tends_to, told_once
from sweeps import plan, recipe

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
    """States by stage, as the store keeps them: whoever computes a step, it is there for all."""

    def __init__(self):
        self.states, self.computed = {}, {}

    def stored(self, trial):
        return []

    def advance(self, offer, clock):
        told = []
        for key, end in stages_of(offer.recipe):
            known = self.states.setdefault(key, [])
            told += known
            if not known or known[-1]["step"] < end:
                break
        seen = self.seen.setdefault(offer.trial, set())
        fresh = [report for report in told if report["step"] not in seen]
        if not fresh:
            fresh = [self._compute(offer, key, end, clock)]
        seen.add(fresh[0]["step"])
        cost = fresh[0]["executed"] if fresh[0]["owner"] == offer.trial else 0
        return {**fresh[0], "executed": cost}

    seen: dict

    def _compute(self, offer, key, end, clock):
        known = self.states[key]
        start = PRETRAIN if end > PRETRAIN else 0
        last = known[-1]["step"] if known else start
        step = min(last + 5, end, *(r for r in offer.rungs if r > last))
        self.computed[key] = self.computed.get(key, 0) + step - last
        known.append(
            {
                "step": step,
                "metrics": {"psnr_y": tends_to(offer, step)},
                "executed": step - last,
                "cpu_seconds": 1.0,
                "gpu_seconds": 0.0,
                "time": clock(),
                "weights": f"{key}@{step}",
                "owner": offer.trial,
            }
        )
        return known[-1]


def states():
    made = SharedStates()
    made.seen = {}
    return made


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_a_shared_stage_is_computed_once_at_any_number_of_slots(slots, order):
    log, trainings = MemoryLog(), states()
    search = {"trials": 8, "scheduler": {"kind": "none"}}
    conductor = rehearse(
        shared_plan(**search), log, trainings, slots=slots, order=random.Random(order)
    )
    assert {trial.ended for trial in conductor.sweep.trials.values()} == {"COMPLETE"}
    pretrains = [steps for key, steps in trainings.computed.items() if "pretrain" in key]
    assert pretrains == [PRETRAIN] * len(pretrains)
    assert conductor.sweep.executed == len(pretrains) * PRETRAIN + 8 * FINETUNE
    assert conductor.sweep.requested == 8 * (PRETRAIN + FINETUNE)
    assert all(steps[-1] == PRETRAIN + FINETUNE for steps in told_once(log.records).values())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=6),
    st.integers(2, 4),
    st.integers(0, 10**6),
)
def test_drivers_that_die_pay_for_no_stage_twice(deaths, slots, order):
    log, trainings = MemoryLog(), states()
    how = {"slots": slots, "order": random.Random(order)}
    conductor = rehearse_through_deaths(
        shared_plan(trials=6), log, _Retold(trainings), deaths, **how
    )
    pretrains = {key: n for key, n in trainings.computed.items() if "pretrain" in key}
    assert set(pretrains.values()) == {PRETRAIN}
    assert conductor.sweep.state == "COMPLETE"
    told_once(log.records)


class _Retold:
    """A driver's death forgets which reports it was told; the states stay."""

    def __init__(self, states):
        self._states = states

    def stored(self, trial):
        self._states.seen.pop(trial, None)
        return []

    def advance(self, offer, clock):
        return self._states.advance(offer, clock)


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
    assert next_leg(sweep, scheduler, **asked, busy=lambda key: key == "f").kind == "leg"


def test_a_sweep_holds_the_stage_that_its_leg_is_in(tmp_path):
    store, clock = open_store(tmp_path / "store"), Clock()
    log, trainings = MemoryLog(), states()
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

    assert held() == [True, False]
    while conductor.sweep.trials[offer.trial].step < PRETRAIN:
        assert conductor.on_reports(offer.trial, [trainings.advance(offer, clock)])
    assert held() == [False, True]
    conductor.release(offer.trial)
    assert held() == [False, False]
