"""Rules, how far a value is from them, and the order that they make."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import recipe

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.constraints import (
    bound_of,
    feasible,
    parse_rule,
    rules_of,
    violations,
)
from acutance_platform.search.front import front
from acutance_platform.search.ranks import order
from acutance_platform.search.schema import parse_search

SECTION = {
    "space": {"fake.quality": {"uniform": [0.0, 1.0]}},
    "objectives": {"psnr_y": "max"},
    "budget": {"trials": 4},
}
BOTH = ["max", "min"]


def problems(table, **changes):
    with pytest.raises(RecipeErrors) as raised:
        parse_search({**SECTION, "constraints": table, **changes}, recipe())
    return {problem.place: problem for problem in raised.value.problems}


def test_a_rule_says_how_far_a_value_is_from_it_as_a_share_of_its_bound():
    rule = parse_rule("psnr_y >= 20")
    assert (str(rule), rule.holds(20.0), rule.excess(25.0)) == ("psnr_y >= 20", True, 0.0)
    assert rule.excess(19.0) == pytest.approx(0.05)
    assert parse_rule("rmse<=0").excess(3.0) == 3.0, "zero has no size"
    assert parse_rule("rmse<=-2").excess(-1.0) == 0.5
    assert 0 < parse_rule("rmse<2").excess(2.0) < 1e-9
    assert parse_rule("rmse<2").excess(math.nan) == math.inf


def test_several_rules_of_one_metric_are_a_range():
    rules = rules_of({"psnr_y": [">= 20", "<= 40"], "rmse": "< 1"})
    assert violations(rules, {"psnr_y": 30.0, "rmse": 0.5}) == {}
    assert violations(rules, {"psnr_y": 44.0, "rmse": 0.5}) == {"psnr_y": pytest.approx(0.1)}
    assert feasible(rules, {"psnr_y": 30.0, "rmse": 0.5}) is True
    assert feasible(rules, {"psnr_y": 30.0}) is None, "rmse was not measured"
    assert feasible(rules, {"psnr_y": 10.0}) is False
    assert feasible(rules, {"psnr_y": None, "rmse": 0.5}) is False, "not a finite number"
    assert feasible((), {}) is True


def test_the_bound_on_the_bad_side_is_the_reference_of_a_cost():
    rules = rules_of({"parameters": ["<= 2e6", "< 1e6", ">= 10"]})
    assert bound_of(rules, "parameters", "min") == 1e6
    assert bound_of(rules, "parameters", "max") == 10
    assert bound_of(rules, "macs_per_pixel", "min") is None


def test_every_mistake_of_a_table_is_told_at_once_beside_the_others():
    table = {
        "niqe": "<= 5",
        "psnr_y": [">= 30", "<= 20"],
        "parameters": 2e6,
        "macs_per_pixel": "at most 5",
        "loss/pixel": "<= inf",
        "loss/other": [],
        "loss/fine": ["> 1", "<= 2"],
    }
    found = problems(table, objectives={"psnr_y": "up"})
    assert set(found) == {
        "search.objectives.psnr_y",
        *(f"search.constraints.{name}" for name in table if name not in ("niqe", "loss/fine")),
    }
    assert "no value meets both" in found["search.constraints.psnr_y"].rule
    assert '">= 28"' in found["search.constraints.parameters"].way_out
    assert "evaluation.metrics" in problems({"niqe": "<= 5"})["search.constraints.niqe"].way_out
    assert set(problems([])) == {"search.constraints"}


@pytest.mark.parametrize(
    ("rules", "agree"),
    [
        ([">= 5", "<= 5"], True),
        ([">= 5", "< 5"], False),
        (["> 5", "<= 5"], False),
        ([">= 5", "> 5", "<= 5"], False),
        (["<= 3", ">= 5"], False),
        (["<= 3", "<= 5"], True),
    ],
)
def test_rules_that_no_value_meets_are_refused(rules, agree):
    table = {"psnr_y": rules}
    if agree:
        assert parse_search({**SECTION, "constraints": table}, recipe()).constraints == table
    else:
        assert set(problems(table)) == {"search.constraints.psnr_y"}


def test_a_cost_objective_takes_its_constraint_for_a_reference():
    costly = {"objectives": {"psnr_y": "max", "parameters": "min"}}
    assert "constraint" in problems({"psnr_y": ">= 1"}, **costly)["search.reference"].way_out
    assert set(problems({"parameters": ">= 1"}, **costly)) == {"search.reference"}, "the good side"
    parse_search({**SECTION, **costly, "constraints": {"parameters": "<= 1e6"}}, recipe())


CLOUD = st.lists(
    st.tuples(
        st.sampled_from([1.0, 2.0, 3.0, math.nan]),
        st.sampled_from([1.0, 2.0, 3.0]),
        st.sampled_from([0.0, 0.0, 0.1, 0.5, math.inf]),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(CLOUD)
def test_what_meets_the_constraints_comes_first_and_the_least_violation_after_it(cloud):
    points, amounts = [row[:2] for row in cloud], [row[2] for row in cloud]
    ranked = order(points, BOTH, amounts)
    assert sorted(ranked) == list(range(len(cloud)))
    known = [i for i in ranked if not math.isnan(points[i][0])]
    assert known == ranked[: len(known)], "NaN comes last"
    assert [amounts[i] for i in known] == sorted(amounts[i] for i in known)
    good = [i for i in known if amounts[i] == 0]
    best = front([points[i] for i in good], BOTH)
    assert set(good[: len(best)]) == {good[k] for k in best}


@settings(max_examples=50, deadline=None)
@given(CLOUD)
def test_where_nothing_or_everything_violates_alike_fronts_decide(cloud):
    points = [row[:2] for row in cloud]
    assert order(points, BOTH, [0.5] * len(points)) == order(points, BOTH)
