import json
import random

import pytest
from rehearsal import MemoryLog, Trainings, decided, rehearse, rehearse_through_deaths, tends_to
from sweeps import plan

from acutance_platform.search.fold import Sweep
from acutance_platform.search.requests import Requests
from acutance_storage import open_store

POINT = {"fake.quality": 7.5}


@pytest.fixture
def requests(tmp_path):
    return Requests(open_store(tmp_path), "demo")


class Asking:
    """Trainings during which somebody asks for something, at a trial's step."""

    def __init__(self, requests, *asked):
        self._requests, self._asked = requests, list(asked)

    def __call__(self, offer, step):
        for moment in [entry for entry in self._asked if entry[:2] == (offer.trial, step)]:
            self._asked.remove(moment)
            self._requests.post(moment[2], **moment[3])
        return tends_to(offer, step)


def run(the_plan, requests, *asked, **how):
    log = MemoryLog()
    trainings = Trainings(Asking(requests, *asked))
    return rehearse(the_plan, log, trainings, requests=requests, **how).sweep, log, trainings


def words(log, word):
    return [record for record in log.records if record["do"] == word]


def test_a_stopped_trial_ends_at_its_next_report_and_others_go_on(requests):
    stop = ("t0001", 5, "stop", {"trial": "t0001"})
    sweep, log, trainings = run(plan(trials=4, scheduler="none"), requests, stop, slots=2)
    assert sweep.state == "COMPLETE"
    ends = {name: trial.ended for name, trial in sweep.trials.items()}
    assert ends == {
        "t0000": "COMPLETE",
        "t0001": "STOPPED",
        "t0002": "COMPLETE",
        "t0003": "COMPLETE",
    }
    # The look comes after the report that asked; the next report is the last.
    assert trainings.computed["t0001"] == 10
    (record,) = words(log, "stop")
    assert record["trial"] == "t0001"
    assert "@" in record["by"]
    assert list(requests.pending()) == []


def test_a_resting_trial_is_stopped_at_once_and_never_promoted(requests):
    # t0001 rests on its first rung when t0002 reports, and would go on then.
    _, log, _ = run(plan(trials=8), requests)
    assert [r for r in words(log, "promote") if r["trial"] == "t0001"]
    stop = ("t0002", 5, "stop", {"trial": "t0001"})
    sweep, log, _ = run(plan(trials=8), requests, stop)
    assert sweep.trials["t0001"].ended == "STOPPED"
    assert not [r for r in words(log, "promote") if r["trial"] == "t0001"]


def test_an_added_point_is_the_next_trial_beyond_the_budget_and_takes_no_draw_away(requests):
    calm, _, _ = run(plan(trials=4), requests)
    added = ("t0001", 5, "enqueue", {"point": POINT})
    sweep, log, _ = run(plan(trials=4), requests, added)
    assert len(sweep.trials) == 5
    assert sweep.drawn == 4
    assert sweep.trials["t0002"].by_hand
    assert sweep.trials["t0002"].recipe == POINT
    drawn = [trial.recipe for trial in sweep.trials.values() if not trial.by_hand]
    assert drawn == [trial.recipe for trial in calm.trials.values()]
    assert words(log, "enqueue")[0]["point"] == POINT


def test_points_added_to_a_grid_and_before_initial_points_take_nothing_away(requests):
    grid = {"space": {"fake.quality": {"choice": [1.0, 2.0, 3.0]}}, "sampler": "grid"}
    requests.post("enqueue", point={"fake.quality": 2.0})
    sweep, _, _ = run(plan(**grid, budget={}), requests)
    values = [trial.recipe["fake.quality"] for trial in sweep.trials.values()]
    assert values == [2.0, 1.0, 2.0, 3.0]
    requests.post("enqueue", point=POINT)
    sweep, _, _ = run(plan(trials=3, initial=[{"fake.quality": 3.0}]), requests)
    values = [trial.recipe["fake.quality"] for trial in sweep.trials.values()]
    assert values[:2] == [7.5, 3.0]


def test_a_stopped_sweep_is_interrupted_and_goes_on_as_if_nobody_had_asked(requests):
    calm = MemoryLog()
    rehearse(plan(trials=6), calm, Trainings(tends_to))
    log, trainings = MemoryLog(), Trainings(Asking(requests, ("t0002", 5, "stop", {})))
    stopped = rehearse(plan(trials=6), log, trainings, requests=requests)
    assert stopped.sweep.state == "INTERRUPTED"
    assert stopped.sweep.reason.startswith("stopped by ")
    assert len(stopped.sweep.trials) == 3
    assert rehearse(plan(trials=6), log, trainings, requests=requests).sweep.state == "COMPLETE"
    assert decided(log.records) == decided(calm.records)


def test_a_larger_budget_counts_at_once_and_once(requests):
    more = ("t0001", 5, "budget", {"settings": ["trials=+2"]})
    sweep, log, _ = run(plan(trials=4, scheduler="none"), requests, more)
    assert len(sweep.trials) == 6
    assert sweep.state == "COMPLETE"
    (record,) = words(log, "budget")
    assert record["budget"]["trials"] == 6
    assert "@" in record["by"]
    assert [r["trial"] for r in words(log, "ask")][-1] == "t0005"
    # A driver that finds the request again, for its predecessor died before it could drop it.
    assert record["request"] in sweep.honoured
    assert list(requests.pending(sweep.honoured)) == []


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (("stop", {"trial": "t0099"}), "there is no trial t0099"),
        (("enqueue", {"point": {"fake.quality": 99.0}}), "it lies in"),
        (("enqueue", {"point": {"optimizer.lr": 1.0}}), "sets paths of the search space"),
        (("enqueue", {"point": None}), "names no point"),
        (("budget", {"settings": ["trials=many"]}), "this is a number"),
        (("budget", {"settings": ["gpu_hours=+1"]}), "no limit of gpu_hours"),
        (("budget", {"settings": "trials=+1"}), "names no limit"),
        (("dance", {}), "does not know such a request"),
    ],
)
def test_what_cannot_be_done_is_declined_in_the_journal(requests, asked, why):
    _calm, calm_log, _ = run(plan(trials=3), requests)
    requests.post(asked[0], **asked[1])
    _sweep, log, _ = run(plan(trials=3), requests)
    (record,) = words(log, "declined")
    assert why in record["why"]
    assert decided(log.records) == decided(calm_log.records)
    assert list(requests.pending()) == []


def test_a_request_that_is_no_json_is_declined_once(requests, tmp_path):
    open_store(tmp_path).write("steering/demo/000000000000001-aa.json", b"{")
    _sweep, log, _ = run(plan(trials=2), requests)
    assert len(words(log, "declined")) == 1
    assert list(requests.pending()) == []


@pytest.mark.parametrize("seed", range(12))
def test_drivers_that_die_lose_no_request_and_honour_none_twice(requests, seed):
    dice = random.Random(seed)
    asked = [
        ("t0001", 5, "enqueue", {"point": POINT}),
        ("t0002", 5, "stop", {"trial": "t0002"}),
        ("t0003", 5, "enqueue", {"point": {"fake.quality": 1.25}}),
    ]
    log, trainings = MemoryLog(), Trainings(Asking(requests, *asked))
    deaths = [(dice.randint(1, 9), dice.random() < 0.5) for _ in range(8)]
    conductor = rehearse_through_deaths(
        plan(trials=5, scheduler="none"), log, trainings, deaths, requests=requests, slots=2
    )
    assert conductor.sweep.state == "COMPLETE"
    assert len(words(log, "enqueue")) == 2
    assert len(words(log, "stop")) == 1
    assert sum(trial.by_hand for trial in conductor.sweep.trials.values()) == 2
    assert conductor.sweep.trials["t0002"].ended == "STOPPED"
    assert len(conductor.sweep.trials) == 7
    assert list(requests.pending()) == []
    # Through JSON, as a real journal: the fold is the same in another process.
    again = Sweep.of(json.loads(json.dumps(log.records)))
    assert again.trials == conductor.sweep.trials
