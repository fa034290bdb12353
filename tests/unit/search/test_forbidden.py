"""Forbidden combinations, and conditions that no point can meet."""

import pytest

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.forbidden import survey
from acutance_platform.search.samplers import SAMPLERS, Told, propose
from acutance_platform.search.schema import parse_search
from acutance_platform.search.table import parse_space

LOSS = "stages.train.loss"
BASE = {
    "seed": 5,
    "ema": None,
    "generator": {"kind": "a", "blocks": 4},
    "data": {"patch": 64, "batch": 4},
    "optimizer": {"lr": 1e-4},
    "stages": {
        "train": {"steps": 9, "loss": {t: {"kind": t, "weight": 1.0} for t in ("l1", "gan")}}
    },
    "evaluation": {"metrics": ["psnr_y"]},
}
TABLE = {
    "generator": {
        "choice": [
            {"kind": "a"},
            {"kind": "b", "width": {"int": [8, 32], "step": 8}},
            {"kind": "c"},
        ]
    },
    "data.patch": {"int": [32, 128], "step": 32},
    "data.batch": {"choice": [1, 2, 4]},
}
FORBIDDEN = [
    {"generator.kind": "b", "data.patch": "> 64"},
    {"data.batch": 1, "generator.kind": "c"},
]


def is_forbidden(outcome):
    shown = outcome.shown
    return (shown["generator.kind"] == "b" and shown["data.patch"] > 64) or (
        shown["generator.kind"] == "c" and shown["data.batch"] == 1
    )


def section(**changes):
    return {
        "space": TABLE,
        "forbidden": FORBIDDEN,
        "objectives": {"psnr_y": "max"},
        "budget": {"trials": 4},
        **changes,
    }


def refused(**changes):
    with pytest.raises(RecipeErrors) as raised:
        parse_search(section(**changes), BASE)
    return {problem.place: problem.rule for problem in raised.value.problems}


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "random"},
        {"kind": "quasi_random"},
        {"kind": "tpe", "startup_trials": 3},
        {"kind": "nsga2", "population": 3},
    ],
)
def test_no_sampler_proposes_what_is_forbidden(spec):
    """Forbidden points score best, so that what learns would love to."""
    space = parse_space(TABLE, BASE, FORBIDDEN)
    sampler = SAMPLERS.build(spec, space=space, base=BASE, directions=("max",))
    history = []
    for ordinal in range(40):
        proposal = sampler.propose(ordinal, history)
        assert not is_forbidden(proposal.outcome)
        near = float(proposal.outcome.shown["data.patch"])
        told = Told(proposal.outcome.assignment, "complete", {9: (near,)}, proposal.attrs)
        assert sampler.propose(ordinal, history) == proposal
        history.append(told)
    assert {told.assignment["generator"] for told in history} == {0, 1, 2}


def test_a_grid_passes_over_what_is_forbidden():
    def points(forbidden):
        space = parse_space(TABLE, BASE, forbidden)
        grid = SAMPLERS.build({"kind": "grid"}, space=space, base=BASE, directions=("max",))
        found = []
        while (proposal := grid.propose(len(found), [])) is not None:
            found.append(proposal.outcome)
        return found

    every = points([])
    assert len(every) == 6 * 4 * 3
    assert points(FORBIDDEN) == [point for point in every if not is_forbidden(point)]


def test_what_an_initial_point_leaves_open_is_drawn_until_it_is_allowed():
    search = parse_search(section(initial=[{"generator": {"kind": "b"}}] * 4), BASE)
    space = search.build_space()
    for ordinal in range(4):
        outcome = propose(None, ordinal, [], initial=search.initial, space=space, base=BASE).outcome
        assert outcome.shown["generator.kind"] == "b"
        assert outcome.shown["data.patch"] <= 64


def test_a_forbidden_initial_point_is_refused():
    found = refused(
        initial=[{"generator": {"kind": "c"}}, {"generator": {"kind": "c"}, "data.batch": 1}]
    )
    assert list(found) == ["search.initial.1"]
    assert "forbidden" in found["search.initial.1"]


@pytest.mark.parametrize(
    ("rules", "place", "said"),
    [
        ([{"generator.kind": "d"}], "search.forbidden.0.generator.kind", "never happens"),
        ([{"data.patch": "> 128"}], "search.forbidden.0.data.patch", "32 to 128"),
        ([{"data.patch": 48}], "search.forbidden.0.data.patch", "never happens"),
        ([{"optimizer.lr": 1e-3}], "search.forbidden.0.optimizer.lr", "is 0.0001"),
        ([{"generator.depth": 3}], "search.forbidden.0.generator.depth", "there is no"),
        ([{"data.patch": "> big"}], "search.forbidden.0.data.patch", "compares numbers"),
        ([{}], "search.forbidden.0", "maps recipe paths"),
        ([{"data.patch": ">= 32"}], "search.forbidden", "each of 1000 points"),
        ([{"data.patch": "> 64"}, {"data.patch": "<= 64"}], "search.forbidden", "each of 1000"),
    ],
)
def test_a_combination_that_forbids_nothing_or_everything_is_refused(rules, place, said):
    found = refused(forbidden=rules)
    assert said in found[place], found


def test_a_combination_of_maps_says_what_to_write():
    assert "search.forbidden.0.generator.dict[str" not in str(
        refused(forbidden=[{"generator": {}}])
    )


def test_a_survey_counts_what_each_combination_takes():
    counts = survey(parse_space(TABLE, BASE, FORBIDDEN), BASE)
    assert sum(counts.values()) == 1000
    assert counts[0] == pytest.approx(1000 / 6, abs=40)
    assert counts[1] == pytest.approx(1000 / 9, abs=40)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("generator.kind == d", "a or b or c"),
        ("generator.width > 32", "8 to 32"),
        ("generator.width == 12", "8 to 32"),
        ("generator.width < 8", "8 to 32"),
        ("data.patch > 200", "32 to 128"),
        ("optimizer.lr > 1", "is 0.0001"),
        ("ema != null", "is None"),
        (f"{LOSS}.gan.weight > 2", "to 2"),
        (f"{LOSS}.gan.weight <= 0", "to 2"),
        (f"{LOSS}.gan.kind == l1", "is gan"),
    ],
)
def test_a_condition_that_no_point_meets_is_refused(when, said):
    mix = {LOSS: {"simplex": ["l1", "gan"], "total": 2.0}}
    table = {**TABLE, **mix, "data.batch": {"choice": [1, 2], "when": when}}
    with pytest.raises(RecipeErrors) as raised:
        parse_space(table, BASE)
    (problem,) = raised.value.problems
    assert problem.place == "search.space.data.batch.when"
    assert said in problem.rule


@pytest.mark.parametrize(
    "when",
    [
        "generator.kind == b",
        "generator.kind != b",
        "generator.width >= 32",
        "generator.width == 16",
        "data.patch > 127",
        "data.patch != 32",
        "optimizer.lr == 0.0001",
        f"{LOSS}.gan.weight > 1.9",
        f"{LOSS}.gan.kind == gan",
    ],
)
def test_a_condition_that_some_point_meets_is_not(when):
    mix = {LOSS: {"simplex": ["l1", "gan"], "total": 2.0}}
    space = parse_space({**TABLE, **mix, "data.batch": {"choice": [1, 2], "when": when}}, BASE)
    sampler = SAMPLERS.build({"kind": "random"}, space=space, base=BASE, directions=("max",))
    taken = ["data.batch" in sampler.propose(n, []).outcome.assignment for n in range(120)]
    assert any(taken)


def test_a_value_that_stays_where_a_condition_fails_counts_as_possible():
    """blocks is 4 in the recipe, and 8 where it is drawn, which not every point does."""
    table = {
        "generator.blocks": {"int": [8, 9], "when": "data.patch > 32"},
        "data.patch": {"choice": [32, 64]},
        "data.batch": {"choice": [1, 2], "when": "generator.blocks == 4"},
    }
    assert parse_space(table, BASE) is not None
    del table["generator.blocks"]["when"]
    with pytest.raises(RecipeErrors, match="8 to 9"):
        parse_space(table, BASE)
