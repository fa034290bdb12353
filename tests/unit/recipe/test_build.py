import copy

import pytest

from acutance_platform.recipe import Recipe, RecipeErrors, build_recipe

RECIPE = {
    "scale": 2,
    "data": {"dataset": "demo", "patch": 48, "batch": 2},
    "generator": {"kind": "srresnet", "channels": 8, "blocks": 1},
    "stages": {"train": {"steps": 10, "loss": {"pixel": {"kind": "l1", "weight": 1}}}},
}


def changed(**paths):
    raw = copy.deepcopy(RECIPE)
    for dotted, value in paths.items():
        *parents, last = dotted.split("__")
        node = raw
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return raw


def places(raw):
    with pytest.raises(RecipeErrors) as error:
        build_recipe(raw)
    return {problem.place: str(problem) for problem in error.value.problems}


def test_a_built_recipe_is_complete_and_reads_back_the_same():
    recipe = build_recipe(RECIPE)
    dumped = recipe.model_dump(mode="json")
    assert dumped["generator"]["channels"] == 8
    assert "kind" in dumped["data"]["degradation"][0]
    assert Recipe.model_validate(dumped) == recipe
    assert build_recipe(dumped) == recipe


def test_every_mistake_is_reported_at_once():
    found = places(
        changed(
            scale="two",
            data__patch=-3,
            optimizer__lr="fast",
            generator__kind="srresnett",
            stages__train__loss__pixel__weight=0,
            evaluation__metrics=["psnr"],
            colour="blue",
        )
    )
    assert set(found) == {
        "scale",
        "data.patch",
        "optimizer.lr",
        "generator.kind",
        "stages.train.loss.pixel.weight",
        "evaluation.metrics.0",
        "colour",
    }
    assert "Did you mean 'srresnet'?" in found["generator.kind"]
    assert "Did you mean 'psnr_y'?" in found["evaluation.metrics.0"]


@pytest.mark.parametrize(
    ("raw", "place", "said"),
    [
        (changed(data__patch=49), "data.patch", "Write 48 or 50"),
        (changed(generator={"kind": "enhancenet"}, scale=3), "generator", "3"),
        (changed(generator=None), "generator", "map"),
        (changed(stages={}), "stages", ""),
        (changed(stages__second={"steps": 1, "loss": {}}), "stages", "one stage"),
        (changed(stages__train__steps=0), "stages.train.steps", "greater"),
        (changed(stages__train__loss__pixel="l1"), "stages.train.loss.pixel", "map"),
        (changed(stages__train__loss__pixel={"kind": "l1"}), "stages.train.loss.pixel.weight", ""),
        (changed(data__degradation=[]), "data.degradation", ""),
        (changed(data__degradation=[{"kind": "blurr"}]), "data.degradation.0.kind", "Did you mean"),
        (changed(schedule={"kind": "cosinus"}), "schedule.kind", "Did you mean 'cosine'"),
        (changed(schedule={"kind": "cosine", "warmup": 11}), "schedule.warmup", "within"),
        (
            changed(schedule={"kind": "multistep", "milestones": [5, 3]}),
            "schedule.milestones",
            "rise",
        ),
        (changed(optimizer__betas=[0.9, 1.0]), "optimizer.betas.1", "less than 1"),
        (changed(plugins=["no_such_module_here"]), "plugins.0", "could not be loaded"),
        (changed(evaluation__protocol="rkan"), "evaluation.protocol", "Did you mean 'rcan'"),
        (changed(resources__cpu=0), "resources.cpu", "Threads"),
        (changed(ema=1.0), "ema", "less than 1"),
        (changed(optimizer__lr=float("nan")), "optimizer.lr", "finite"),
    ],
)
def test_each_mistake_names_place_value_rule_and_way_out(raw, place, said):
    found = places(raw)
    assert place in found, found
    assert said in found[place]


def test_numbers_as_text_are_refused_in_components():
    assert "generator.channels" in places(changed(generator__channels="many"))
