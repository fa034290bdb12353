import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.distributions import Integer, Real
from acutance_platform.search.grid import grid_points, grid_problems
from acutance_platform.search.space import Space, apply_to
from acutance_platform.search.table import parse_space

BASE = {
    "seed": 0,
    "ema": None,
    "generator": {"kind": "srresnet", "blocks": 4},
    "data": {"degradation": [{"kind": "jpeg", "quality": 80}]},
    "optimizer": {"lr": 1e-4, "betas": [0.9, 0.999]},
    "stages": {"train": {"steps": 100, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
}
CONDITIONAL = {
    "generator": {
        "choice": [
            {"kind": "enhancenet"},
            {"kind": "rcan", "groups": {"int": [2, 10], "step": 4}, "blocks": {"int": [4, 5]}},
        ]
    },
    "optimizer.lr": {"choice": [1e-4, 1e-3], "when": "generator.kind == rcan"},
}


class Scripted:
    """Draws the values that a test names; of what it does not name, the first."""

    def __init__(self, **values):
        self.values, self.asked = values, []

    def choice(self, name, distribution):
        self.asked.append(name)
        return self.values.get(name, 0)

    def integer(self, name, distribution):
        self.asked.append(name)
        return self.values.get(name, distribution.low)

    def real(self, name, distribution):
        self.asked.append(name)
        return self.values.get(name, distribution.low)


def problems(table, base=BASE):
    with pytest.raises(RecipeErrors) as raised:
        parse_space(table, base)
    return raised.value.problems


def test_a_branch_not_taken_has_no_value():
    space = parse_space(CONDITIONAL, BASE)
    outcome = space.draw(Scripted(generator=0), BASE)
    assert outcome.assignment == {"generator": 0}
    assert outcome.apply == {"generator": {"kind": "enhancenet"}}
    assert outcome.shown == {"generator.kind": "enhancenet"}


def test_a_chosen_map_replaces_the_recipes_and_is_shown_as_leaves():
    space = parse_space(CONDITIONAL, BASE)
    draw = Scripted(**{"generator": 1, "generator[1].groups": 6, "optimizer.lr": 1})
    outcome = space.draw(draw, BASE)
    assert outcome.apply["generator"] == {"kind": "rcan", "groups": 6, "blocks": 4}
    assert outcome.shown == {
        "generator.kind": "rcan",
        "generator.groups": 6,
        "generator.blocks": 4,
        "optimizer.lr": 1e-3,
    }
    recipe = apply_to(BASE, outcome.apply)
    assert recipe["generator"] == {"kind": "rcan", "groups": 6, "blocks": 4}
    assert recipe["optimizer"] == {"lr": 1e-3, "betas": [0.9, 0.999]}
    assert BASE["generator"] == {"kind": "srresnet", "blocks": 4}


def test_an_assignment_replays_as_the_same_point():
    space = parse_space(CONDITIONAL, BASE)
    for outcome in grid_points(space, BASE):
        assert space.replay(outcome.assignment, BASE) == outcome


def test_names_differ_between_branches_that_set_one_path():
    table = {
        "generator": {
            "choice": [{"kind": "a", "n": {"int": [1, 2]}}, {"kind": "b", "n": {"int": [1, 9]}}]
        }
    }
    names = [variable.name for variable in parse_space(table, BASE)]
    assert names == ["generator", "generator[0].n", "generator[1].n"]


def test_an_option_may_itself_be_a_distribution():
    table = {"optimizer.lr": {"choice": [0.5, {"uniform": [1.0, 2.0]}]}}
    space = parse_space(table, BASE)
    draw = Scripted(**{"optimizer.lr": 1, "optimizer.lr[1]": 1.5})
    assert space.draw(draw, BASE).shown == {"optimizer.lr": 1.5}


def test_a_condition_waits_for_what_it_reads_wherever_it_stands_in_the_file():
    table = {
        "seed": {"int": [0, 5], "when": "optimizer.lr > 0.5"},
        "optimizer.lr": {"uniform": [0.0, 1.0]},
    }
    space = parse_space(table, BASE)
    draw = Scripted(**{"optimizer.lr": 0.75})
    assert list(space.draw(draw, BASE).assignment) == ["optimizer.lr", "seed"]
    assert list(space.draw(Scripted(), BASE).assignment) == ["optimizer.lr"]


def test_a_nested_distribution_may_depend_on_its_neighbour():
    table = {
        "generator": {
            "choice": [
                {
                    "kind": "rcan",
                    "blocks": {"int": [4, 8], "when": "generator.groups >= 3"},
                    "groups": {"int": [2, 5]},
                }
            ]
        }
    }
    space = parse_space(table, BASE)
    assert "blocks" not in space.draw(Scripted(), BASE).apply["generator"]
    drawn = space.draw(Scripted(**{"generator[0].groups": 3}), BASE).apply["generator"]
    assert drawn == {"kind": "rcan", "groups": 3, "blocks": 4}


def test_a_path_below_a_chosen_map_is_set_after_it():
    table = {
        "generator.width": {"choice": [32, 64]},
        "generator": {"choice": [{"kind": "a"}, {"kind": "b"}]},
    }
    space = parse_space(table, BASE)
    outcome = space.draw(Scripted(**{"generator": 1, "generator.width": 1}), BASE)
    assert apply_to(BASE, outcome.apply)["generator"] == {"kind": "b", "width": 64}


def test_a_path_may_step_into_a_list():
    table = {"data.degradation.0.quality": {"int": [10, 90]}}
    outcome = parse_space(table, BASE).draw(Scripted(), BASE)
    assert apply_to(BASE, outcome.apply)["data"]["degradation"] == [{"kind": "jpeg", "quality": 10}]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("generator.blocks == 4", True),
        ("generator.blocks != 4", False),
        ("generator.blocks <= 4.0", True),
        ("generator.kind == srresnet", True),
        ("generator.kind == 'srresnet'", True),
        ("generator.kind > 3", False),
        ("ema == null", True),
        ("seed == false", False),
    ],
)
def test_conditions_compare_values_of_one_type(condition, holds):
    table = {"optimizer.lr": {"choice": [1, 2], "when": condition}}
    assert bool(parse_space(table).draw(Scripted(), BASE).assignment) is holds


def test_a_path_that_is_absent_meets_no_condition():
    table = {
        "generator": {"choice": [{"kind": "a"}, {"kind": "b", "width": 3}]},
        "optimizer.lr": {"choice": [1, 2], "when": "generator.width != 5"},
    }
    space = parse_space(table, BASE)
    assert list(space.draw(Scripted(generator=0), BASE).assignment) == ["generator"]
    drawn = space.draw(Scripted(generator=1), BASE)
    assert list(drawn.assignment) == ["generator", "optimizer.lr"]


@pytest.mark.parametrize(
    ("table", "place", "rule"),
    [
        ({}, "search.space", "at least one"),
        ({"a..b": {"int": [1, 2]}}, "search.space.a..b", "single dots"),
        ({"seed": 5}, "search.space.seed", "an entry is"),
        ({"seed": {"dirichlet": ["a"]}}, "search.space.seed", "an entry is"),
        ({"seed": {"int": [1, 2], "choice": [1]}}, "search.space.seed", "exactly one of"),
        ({"seed": {"int": [1, 2], "stp": 1}}, "search.space.seed.stp", "only log, step, when"),
        ({"seed": {"int": [2, 1]}}, "search.space.seed.int", "lower end comes first"),
        ({"seed": {"int": [1, 2.5]}}, "search.space.seed.int", "two finite whole numbers"),
        ({"seed": {"int": [1, 8], "step": 2}}, "search.space.seed.int", "do not reach 8"),
        ({"seed": {"int": [0, 8], "log": True}}, "search.space.seed.int", "1 or above"),
        ({"seed": {"int": [1, 8], "step": 0}}, "search.space.seed.step", "1 or more"),
        ({"seed": {"choice": []}}, "search.space.seed.choice", "at least one"),
        ({"seed": {"choice": [1, 1]}}, "search.space.seed.choice", "each value once"),
        ({"seed": {"uniform": ["1e-4", 1]}}, "search.space.seed.uniform", "two finite numbers"),
        ({"seed": {"uniform": [0, 1], "step": 0.3}}, "search.space.seed.uniform", "do not reach"),
        ({"seed": {"uniform": [0, float("inf")]}}, "search.space.seed.uniform", "two finite"),
        ({"seed": {"log_uniform": [0, 1]}}, "search.space.seed.log_uniform", "above 0"),
        (
            {"seed": {"log_uniform": [1, 2], "step": 0.3}},
            "search.space.seed.log_uniform",
            "reach 2",
        ),
        ({"seed": {"log_uniform": [1, 2], "step": -1}}, "search.space.seed.step", "above 0"),
        ({"seed": {"int": [1, 8], "log": True, "step": 4}}, "search.space.seed.int", "not reach 8"),
        ({"ema.decay": {"uniform": [0, 1]}}, "search.space.ema.decay", "ema is None"),
        ({"seed": {"choice": [1, 2], "when": "x"}}, "search.space.seed.when", "PATH OP LITERAL"),
        (
            {"seed": {"choice": [1, 2], "when": "ema == __import__('os')"}},
            "search.space.seed.when",
            "one number, word",
        ),
        ({"seed": {"choice": [1, 2], "when": "ema < big"}}, "search.space.seed.when", "numbers"),
        ({"seed": {"choice": [1, 2], "when": "no.such == 1"}}, "search.space.seed.when", "reads"),
        ({"seed": {"choice": [1, 2], "when": "seed == 1"}}, "search.space.seed.when", "circle"),
        (
            {"optimizer.betas": {"choice": [[0.9, {"uniform": [0, 1]}]]}},
            "search.space.optimizer.betas.choice.0",
            "not in a list",
        ),
        (
            {"generator": {"choice": [{"kind": "a"}]}, "generator.kind": {"choice": ["b", "c"]}},
            "search.space.generator.kind",
            "may not set one path",
        ),
        (
            {"generator": {"choice": ["a", "b"]}, "generator.width": {"choice": [1, 2]}},
            "search.space.generator.width",
            "may not set one path",
        ),
    ],
)
def test_each_mistake_is_named_with_place_and_rule(table, place, rule):
    (problem,) = problems(table)
    assert problem.place == place
    assert rule in problem.rule
    assert problem.way_out


def test_all_mistakes_are_told_at_once():
    table = {
        "seed": {"int": [2, 1]},
        "optimizer.lr": {"log_uniform": [0, 1], "when": "?"},
        "generator": {"choice": [{"kind": "a", "n": {"int": [1.5, 2]}}]},
    }
    assert sorted(problem.place for problem in problems(table)) == [
        "search.space.generator.choice.0.n.int",
        "search.space.optimizer.lr.log_uniform",
        "search.space.optimizer.lr.when",
        "search.space.seed.int",
    ]


def test_the_grid_goes_depth_first_and_takes_each_branch_once():
    points = [outcome.shown for outcome in grid_points(parse_space(CONDITIONAL, BASE), BASE)]
    assert points[0] == {"generator.kind": "enhancenet"}
    assert len(points) == 1 + 3 * 2 * 2
    assert points[1]["optimizer.lr"] == 1e-4
    assert points[2]["optimizer.lr"] == 1e-3
    assert len({tuple(point.items()) for point in points}) == len(points)


def test_the_grid_refuses_the_continuum():
    table = {
        "optimizer.lr": {"log_uniform": [1e-4, 1e-2]},
        "seed": {"uniform": [0, 1]},
        "generator.blocks": {"uniform": [0, 1], "step": 0.25},
    }
    space = parse_space(table, BASE)
    places = [problem.place for problem in grid_problems(space)]
    assert places == ["search.space.optimizer.lr", "search.space.seed"]


@settings(max_examples=60, deadline=None)
@given(
    low=st.integers(-50, 50),
    count=st.integers(0, 20),
    step=st.integers(1, 7),
)
def test_the_grid_of_an_int_is_its_members(low, count, step):
    table = {"seed": {"int": [low, low + count * step], "step": step}}
    members = [outcome.apply["seed"] for outcome in grid_points(parse_space(table, BASE), BASE)]
    assert members == list(range(low, low + count * step + 1, step))


@settings(max_examples=100, deadline=None)
@given(value=st.floats(-10, 10), step=st.sampled_from([0.1, 0.25, 0.3]))
def test_snapping_stays_inside_and_is_idempotent(value, step):
    real = Real(-0.3, 2.7, step)
    snapped = real.snap(value)
    assert real.low <= snapped <= real.high
    assert real.snap(snapped) == snapped


def test_a_space_can_be_driven_by_anything():
    space = parse_space({"seed": {"int": [1, 3]}}, BASE)
    assert isinstance(space, Space)
    assert next(iter(space)).distribution == Integer(1, 3)
