import pytest
from sweeps import recipe

from acutance_platform.recipe.errors import RecipeErrors
from acutance_platform.search.schema import Search, parse_search
from acutance_platform.sweep.plan import split_spec

GOOD = {
    "space": {"fake.quality": {"uniform": [0.0, 1.0]}},
    "objectives": {"psnr_y": "max"},
    "budget": {"trials": 4},
}


def problems(**changes):
    section = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    with pytest.raises(RecipeErrors) as raised:
        parse_search(section, recipe())
    return {problem.place: problem for problem in raised.value.problems}


def test_defaults_are_filled_in():
    search = parse_search(GOOD, recipe())
    assert search.sampler == {"kind": "tpe", "startup_trials": 8, "seed": None}
    assert search.scheduler == {"kind": "asha", "first_rung": 0.2, "reduction": 3}
    assert (search.objective, search.direction) == ("psnr_y", "max")


def test_a_bare_name_stands_for_its_kind():
    search = parse_search({**GOOD, "sampler": "random", "scheduler": "none"}, recipe())
    assert search.sampler == {"kind": "random", "seed": None}
    assert search.scheduler == {"kind": "none"}


def test_an_objective_is_named_as_its_metric_is():
    base = {**recipe(), "evaluation": {"metrics": [{"kind": "niqe", "name": "ours"}, "psnr_y", 3]}}
    search = parse_search({**GOOD, "objectives": {"ours": "min"}}, base)
    assert search.objectives == {"ours": "min"}
    with pytest.raises(RecipeErrors, match="use one of ours, psnr_y"):
        parse_search({**GOOD, "objectives": {"niqe": "min"}}, base)


def test_a_resolved_section_reads_as_itself():
    search = parse_search(GOOD, recipe())
    dumped = search.model_dump(mode="json")
    assert parse_search(dumped, recipe()) == search
    assert split_spec({**recipe(), "search": dumped}) == (recipe(), search)


@pytest.mark.parametrize(
    ("changes", "place", "rule"),
    [
        ({"space": ...}, "search.space", "required"),
        ({"budget": ...}, "search.budget", "required"),
        ({"budget": {}}, "search.budget", "ends by itself"),
        ({"budget": {"trials": 0}}, "search.budget.trials", "greater"),
        ({"budget": {"trails": 3}}, "search.budget.trails", "no such key"),
        ({"objectives": {"psnr_y": "up"}}, "search.objectives.psnr_y", "max"),
        ({"objectives": {"niqe": "min"}}, "search.objectives.niqe", "evaluates"),
        ({"objectives": {"psnr_y": "max", "x": "min"}}, "search.objectives.x", "evaluates"),
        ({"sampler": {"kind": "tpe", "startup_trials": 0}}, "search.sampler.startup_trials", ""),
        ({"sampler": {"kind": "tpe", "startup": 5}}, "search.sampler.startup", "no argument"),
        ({"sampler": "cmaes"}, "search.sampler.kind", "Unknown sampler"),
        ({"sampler": "grid"}, "search.space.fake.quality", "every value"),
        ({"scheduler": {"kind": "asha", "reduction": 1}}, "search.scheduler.reduction", ""),
        ({"scheduler": "hyperband"}, "search.scheduler.kind", "Unknown scheduler"),
        ({"constraint": {}}, "search.constraint", "no such key"),
        ({"alphas": [0.5, 0.25, 0.5]}, "search.alphas", "one model"),
        ({"initial": [{}, {}], "budget": {"trials": 1}}, "search.budget.trials", "lists 2"),
        (
            {"space": {"stages.train.steps": {"choice": [5, 9]}}},
            "search.space.stages.train.steps",
            "same steps",
        ),
    ],
)
def test_each_mistake_is_named_with_place_and_rule(changes, place, rule):
    found = problems(**changes)
    assert list(found) == [place]
    assert rule in found[place].rule
    assert found[place].way_out


def test_all_mistakes_are_told_at_once():
    found = problems(
        space={"fake.quality": {"uniform": [1.0, 0.0]}},
        objectives={"psnr_y": "up"},
        sampler="tpo",
        scheduler={"kind": "asha", "first_rung": 2.0},
        budget={"trials": "many"},
    )
    assert set(found) == {
        "search.space.fake.quality.uniform",
        "search.objectives.psnr_y",
        "search.sampler.kind",
        "search.scheduler.first_rung",
        "search.budget.trials",
    }


@pytest.mark.parametrize("section", [None, [], "tpe"])
def test_a_section_that_is_no_map_is_one_problem(section):
    with pytest.raises(RecipeErrors) as raised:
        parse_search(section)
    (problem,) = raised.value.problems
    assert problem.place == "search"


def test_every_field_says_what_it_is():
    schema = Search.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert all("description" in field for field in model["properties"].values())
