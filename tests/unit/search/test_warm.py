"""Sweeps that begin with what earlier ones found."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsal import MemoryLog, Trainings, decided, rehearse, tends_to
from sweeps import plan, recipe

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.fold import Sweep
from acutance_platform.search.samplers import SAMPLERS
from acutance_platform.search.schema import parse_search
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.search.warm import read_point, warm_history, warm_note, warm_record

SPACE = {"fake.quality": {"uniform": [0.0, 40.0]}}
TPE = {"kind": "tpe", "startup_trials": 4}


def earlier(**search):
    log = MemoryLog()
    rehearse(plan("before", trials=9, **search), log, Trainings(tends_to))
    return Sweep.of(log.read())


def told_by(sweep, *, base=None, space=SPACE, **search):
    section = {
        "space": space,
        "objectives": {"psnr_y": "max"},
        "sampler": TPE,
        "budget": {"trials": 4},
        "from_sweeps": ["before"],
        **search,
    }
    base = base or recipe()
    return warm_record("before", sweep, parse_search(section, base), base)


def warm_plan(record, **search):
    made = plan("after", sampler=TPE, from_sweeps=["before"], **search)
    return type(made)(**{**vars(made), "warm": lambda: [record]})


def test_complete_trials_are_told_complete_and_resting_ones_with_their_rungs():
    sweep = earlier()
    record, problems = told_by(sweep)
    assert problems == []
    assert record["outside"] == 0
    states = [entry["state"] for entry in record["told"]]
    ended = [trial.ended for trial in sweep.trials.values()]
    names = {"COMPLETE": "complete", "STOPPED": "resting"}
    assert states == [names[state] for state in ended]
    assert set(states) == {"complete", "resting"}
    for entry, trial in zip(record["told"], sweep.trials.values(), strict=True):
        assert {int(rung): tuple(v) for rung, v in entry["values"].items()} == trial.values
    assert warm_note(record) == "9 trials of before are told to the sampler"


def test_points_outside_this_space_are_left_out_and_counted():
    sweep = earlier()
    inside = [t for t in sweep.trials.values() if t.recipe["fake.quality"] <= 20.0]
    record, _ = told_by(sweep, space={"fake.quality": {"uniform": [0.0, 20.0]}})
    assert 0 < len(record["told"]) == len(inside) < 9
    assert record["outside"] == 9 - len(inside)
    assert "outside this space" in warm_note(record)


def test_what_is_searched_in_one_and_fixed_in_the_other_is_told_where_it_agrees():
    choice = {"generator.width": {"choice": [8, 16]}}
    sweep = earlier(space={**SPACE, **choice})
    eights = sum(t.recipe["generator.width"] == 8 for t in sweep.trials.values())
    record, problems = told_by(sweep)
    assert problems == []
    assert 0 < len(record["told"]) == eights < 9
    fixed, problems = told_by(earlier(), space={**SPACE, **choice})
    assert problems == []
    assert [entry["assignment"]["generator.width"] for entry in fixed["told"]] == [0] * 9


def changed(path, value):
    base = copy.deepcopy(recipe())
    node = base
    *way, last = path.split(".")
    for key in way:
        node = node.setdefault(key, {})
    node[last] = value
    return base


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stages.train.steps", 40),
        ("stages.train.loss.pixel.weight", 2.0),
        ("data.dataset", "demo@other"),
        ("evaluation.protocol", "y8"),
        ("evaluation.metrics", [{"kind": "psnr_y", "border": 2}]),
        ("scale", 4),
        ("precision", "bf16"),
        ("generator.width", 16),
    ],
)
def test_values_of_another_fidelity_are_refused_by_path(path, value):
    record, (problem,) = told_by(earlier(), base=changed(path, value))
    assert record["told"] == []
    assert problem.place == "search.from_sweeps.0"
    assert f"{path}" in problem.rule
    assert "equal fidelity" in problem.rule


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resources.cpu", 2),
        ("checkpoint.every", 7),
        ("evaluation.every", 10),
        ("evaluation.metrics", ["ssim_y", "psnr_y"]),
    ],
)
def test_what_changes_no_value_may_differ(path, value):
    record, problems = told_by(earlier(), base=changed(path, value))
    assert problems == []
    assert len(record["told"]) == 9


def test_other_objectives_trainings_and_names_are_refused():
    metrics = {**recipe(), "evaluation": {"metrics": ["psnr_y", "ssim_y"]}}
    _, (problem,) = told_by(earlier(), base=metrics, objectives={"psnr_y": "max", "ssim_y": "max"})
    assert "objectives" in problem.rule
    single = Sweep(name="before", spec=recipe())
    assert "only a sweep" in told_by(single)[1][0].rule
    assert "no such sweep" in told_by(Sweep())[1][0].rule


@pytest.mark.parametrize("kind", ["random", "quasi_random", "grid"])
def test_a_sampler_that_does_not_learn_takes_no_earlier_sweeps(kind):
    with pytest.raises(RecipeErrors, match="learns from no trial"):
        told_by(Sweep(), sampler=kind, space={"fake.quality": {"int": [1, 2]}})


def test_a_sweep_begins_with_them_and_goes_on_from_its_own_journal_alone():
    record, _ = told_by(earlier())
    log = MemoryLog()
    made = warm_plan(record, trials=5)
    whole = rehearse(made, log, Trainings(tends_to))
    kinds = [entry["do"] for entry in log.read()]
    assert kinds[:3] == ["sweep", "warm", "start"]
    assert kinds.count("warm") == 1
    assert len(whole.sweep.trials) == 5
    assert len(warm_history(whole.sweep)) == 9
    assert whole.sweep.executed == sum(t.executed for t in whole.sweep.trials.values())

    cut = MemoryLog()
    cut.append(*json.loads(json.dumps(log.read()[:3])))

    def gone():
        raise AssertionError("the earlier sweep is not read again")

    again = type(made)(**{**vars(made), "warm": gone})
    rehearse(again, cut, Trainings(tends_to))
    assert decided(cut.read()) == decided(log.read())


def test_what_they_say_moves_the_first_points():
    """Told of nine trials, TPE asks its model at once; alone it would draw at random."""
    record, _ = told_by(earlier())
    warm, cold = MemoryLog(), MemoryLog()
    rehearse(warm_plan(record, trials=4), warm, Trainings(tends_to))
    rehearse(plan("after", sampler=TPE, trials=4), cold, Trainings(tends_to))

    def mean(log):
        trials = Sweep.of(log.read()).trials.values()
        return sum(trial.recipe["fake.quality"] for trial in trials) / len(trials)

    assert mean(warm) > mean(cold)
    assert mean(warm) > 25


LOSS = "stages.train.loss"
RICH_BASE = {
    "seed": 1,
    "generator": {"kind": "a"},
    "optimizer": {"lr": 1e-4},
    "data": {"batch": 4},
    "stages": {"train": {"loss": {t: {"kind": t, "weight": 1.0} for t in ("l1", "gram", "gan")}}},
}
ACTS = {"choice": [1, 2]}
RICH = {
    "generator": {
        "choice": [
            {"kind": "a"},
            {
                "kind": "b",
                "width": {"int": [8, 64], "step": 8},
                "tail": {"act": {"choice": [1, 2]}},
            },
        ]
    },
    "optimizer.lr": {"log_uniform": [1e-5, 1e-1], "when": "generator.kind == b"},
    "data.batch": {"int": [1, 32], "log": True},
    LOSS: {"simplex": ["l1", "gram", "gan"], "total": 3.0, "sparse": True},
    f"{LOSS}.gan.form": {"choice": ["x", "y"], "when": f"{LOSS}.gan.weight > 0.5"},
}


@given(seed=st.integers(0, 10**6))
@settings(max_examples=80, deadline=None)
def test_every_point_comes_back_from_its_recipe(seed):
    space = parse_space(RICH, RICH_BASE)
    sampler = SAMPLERS.build(
        {"kind": "random", "seed": seed}, space=space, base=RICH_BASE, directions=("max",)
    )
    outcome = sampler.propose(0, []).outcome
    full = apply_to(RICH_BASE, outcome.apply)
    found = read_point(space, RICH_BASE, full)
    assert found is not None
    again = apply_to(RICH_BASE, space.replay(found, RICH_BASE).apply)
    assert set(found) == set(outcome.assignment)
    assert again["generator"] == full["generator"]
    for term, spec in full["stages"]["train"]["loss"].items():
        assert again["stages"]["train"]["loss"][term]["weight"] == pytest.approx(spec["weight"])


def test_a_recipe_that_no_point_gives_is_no_point():
    space = parse_space(RICH, RICH_BASE)
    for path, value in (("generator", {"kind": "c"}), ("data", {"batch": 64}), ("seed", 2)):
        assert read_point(space, RICH_BASE, {**RICH_BASE, path: value}) is None
