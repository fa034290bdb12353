"""What a recipe with a zero_shot section may say."""

import pytest
from zero_shot_recipe import zero_shot_recipe

from acutance_platform.recipe import RecipeErrors, build_recipe

WRONG = [
    ({"generator": {"kind": "srresnet"}}, "generator.kind", "zssr"),
    ({"generator": {"kind": "zssr", "colour": "y"}}, "generator.colour", "RGB"),
    ({"data": {"dataset": "d", "patch": 32}}, "data.patch", "zero_shot.crop"),
    ({"data": {"dataset": "d", "batch": 2}}, "data.batch", "one father"),
    ({"data": {"dataset": "d", "augment": "none"}}, "data.augment", "fathers"),
    ({"data": {"dataset": "d", "lr_from": "crop"}}, "data.lr_from", "one LR picture"),
    ({"schedule": {"kind": "cosine"}}, "schedule", "slope rule"),
    ({"ema": 0.9}, "ema", "average"),
    ({"zero_shot": {"as_is": 0.6, "exact": 0.6}}, "zero_shot.exact", "shares of one whole"),
    ({"zero_shot": {"window": 200}}, "zero_shot.window", "5 errors"),
    ({"zero_shot": {"kernel": [[1.0], [1.0, 2.0]]}}, "zero_shot.kernel", "equally long"),
    ({"zero_shot": {"kernel": [[0.0, 0.0]]}}, "zero_shot.kernel", "positive sum"),
    ({"zero_shot": {"noise": -1.0}}, "zero_shot.noise", "0"),
]


@pytest.mark.parametrize(("change", "place", "words"), WRONG)
def test_each_misfit_is_named(change, place, words):
    with pytest.raises(RecipeErrors) as caught:
        build_recipe(zero_shot_recipe(**change))
    problems = {problem.place: str(problem) for problem in caught.value.problems}
    assert words in problems[place], problems


def test_all_misfits_are_told_at_once():
    several = {"ema": 0.9, "schedule": {"kind": "cosine"}, "generator": {"kind": "srresnet"}}
    with pytest.raises(RecipeErrors) as caught:
        build_recipe(zero_shot_recipe(**several))
    assert {p.place for p in caught.value.problems} >= {"ema", "schedule", "generator.kind"}


def test_a_complete_recipe_can_be_built_again():
    recipe = build_recipe(zero_shot_recipe())
    assert build_recipe(recipe.model_dump(mode="json")) == recipe


def test_a_loss_that_needs_more_than_pixels_is_refused():
    stages = {"train": {"steps": 4, "loss": {"pixel": {"kind": "chaos_l1", "weight": 1.0}}}}
    with pytest.raises(RecipeErrors, match=r"pixel losses only"):
        build_recipe(zero_shot_recipe(stages=stages, plugins=["chaos_losses"]))
