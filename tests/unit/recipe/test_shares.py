import pytest
from tiny_trainings import tiny_recipe

from acutance_platform.recipe import RecipeErrors, build_recipe, with_shares


def built(**resources):
    return build_recipe(tiny_recipe(resources={"cpu": 1} | resources))


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"gpu": 1.5}, "resources.gpu.*Write 1 or 2"),
        ({"ranks": 2, "pack": True, "cpu": 2}, "resources.pack.*one rank"),
        ({"ranks": 2, "max_gpus": 1, "cpu": 2}, "resources.max_gpus: one trial may take 2"),
        ({"gpu": 0.5, "pack": True}, "resources.pack.*gpu: auto"),
        ({"gpu": 0, "max_gpus": 2}, "resources.max_gpus: trials without GPUs hold none"),
        ({"gpu": 2, "max_gpus": 1}, "resources.max_gpus: one trial may take 2.*Write 2 or more"),
        ({"gpu": "auto", "max_gpus": 0.5}, "resources.max_gpus: one trial may take 1"),
        ({"max_gpus": 0}, "resources.max_gpus"),
        ({"priority": 1001}, "resources.priority"),
        ({"priority": 1.5}, "resources.priority"),
        ({"prority": 1}, "Did you mean 'priority'"),
    ],
)
def test_each_mistake_names_rule_and_way_out(resources, said):
    with pytest.raises(RecipeErrors, match=said):
        built(**resources)


@pytest.mark.parametrize(
    ("asked", "gpu", "sweep", "pack", "most"),
    [
        ({"gpu": "auto", "max_gpus": 3}, 1.0, True, True, 3),
        ({"gpu": "auto", "pack": False}, 1.0, True, None, None),
        ({"gpu": "auto"}, 1.0, False, None, None),
        ({"gpu": "auto", "ranks": 2, "cpu": 2}, 2.0, True, None, None),
        ({"gpu": "auto", "max_gpus": 3, "pack": True}, 0.0, True, None, None),
        ({"gpu": 1, "max_gpus": 3}, 1.0, True, None, 3),
    ],
)
def test_auto_packs_the_trials_of_a_sweep_where_there_are_gpus(asked, gpu, sweep, pack, most):
    recipe = built(**asked)
    found = recipe.model_copy(
        update={"resources": recipe.resources.model_copy(update={"gpu": gpu})}
    )
    told = with_shares(found, recipe.resources, sweep=sweep)
    assert (told.resources.gpu, told.resources.pack, told.resources.max_gpus) == (gpu, pack, most)
    assert build_recipe(told.model_dump(mode="json")) == told, "a journal's spec is built again"
