"""Sweeps of named variants: points by hand, repeats, importance, earlier sweeps."""

from rehearsal import MemoryLog, Trainings, rehearse, tends_to
from sweeps import plan, recipe

from acutance_platform.search.fold import Sweep
from acutance_platform.search.importance import importance
from acutance_platform.search.requests import Requests
from acutance_platform.search.schema import parse_search
from acutance_platform.search.warm import warm_record
from acutance_storage import open_store

FAKE = {
    "quality": {"variants": {"low": {"fake.quality": 10.0}, "high": {"fake.quality": 30.0}}},
    "width": {"variants": {"as it is": {}, "wide": {"generator.width": 16}}},
}


def test_a_point_added_by_hand_names_a_label(tmp_path):
    requests = Requests(open_store(tmp_path), "demo")
    requests.post("enqueue", point={"quality": "high"})
    made = plan(space=FAKE, sampler={"kind": "grid"}, trials=1)
    log = MemoryLog()
    sweep = rehearse(made, log, Trainings(tends_to), requests=requests).sweep
    (added,) = (trial for trial in sweep.trials.values() if trial.by_hand)
    assert added.recipe["quality"] == "high"


def run(name, space, **search):
    log = MemoryLog()
    rehearse(
        plan(name, space=space, scheduler={"kind": "none"}, **search), log, Trainings(tends_to)
    )
    return Sweep.of(log.read())


def test_a_grid_of_variants_runs_is_repeated_and_told_apart_by_importance():
    repeats = {"top": 8, "seeds": 3}
    sweep = run("demo", FAKE, sampler={"kind": "grid"}, repeats=repeats)
    assert sweep.state == "COMPLETE"
    assert len(sweep.trials) == 4 * 3
    assert sweep.trials["t0000"].recipe == {"quality": "low", "width": "as it is"}
    seconds = [trial for trial in sweep.trials.values() if trial.repeats == "t0000"]
    assert [trial.recipe for trial in seconds] == [sweep.trials["t0000"].recipe] * 2
    assert sweep.trials[sweep.best].recipe["quality"] == "high"
    shares = importance(sweep)
    assert shares["quality"] > 0.9


def test_trials_of_earlier_sweeps_are_matched_by_what_they_set():
    plain = {
        "fake.quality": {"choice": [10.0, 20.0, 30.0]},
        "generator.width": {"choice": [8, 16]},
    }
    earlier = run("before", plain, sampler={"kind": "grid"})
    search = {"space": FAKE, "objectives": {"psnr_y": "max"}, "from_sweeps": ["before"]}
    base = recipe()
    parsed = parse_search({**search, "scheduler": "none", "budget": {"trials": 4}}, base)
    record, problems = warm_record("before", earlier, parsed, base)
    assert problems == []
    assert record["outside"] == 2, "no label sets 20"
    told = [parsed.build_space().shown(each["assignment"], base) for each in record["told"]]
    assert told == [
        {"quality": quality, "width": width}
        for quality in ("low", "high")
        for width in ("as it is", "wide")
    ]
