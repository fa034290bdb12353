import copy

import pytest

from acutance_platform.recipe import RecipeErrors, build_recipe, chain

PIXEL = {"pixel": {"kind": "l1", "weight": 1}}
RECIPE = {
    "scale": 2,
    "data": {"dataset": "demo", "patch": 48, "batch": 2},
    "generator": {"kind": "srresnet", "channels": 8, "blocks": 1},
    "optimizer": {"lr": 1e-3, "betas": [0.8, 0.9]},
    "schedule": {"kind": "multistep", "milestones": [4], "gamma": 0.25},
    "stages": {
        "finetune": {
            "after": "pretrain",
            "steps": 7,
            "loss": PIXEL,
            "data": {"patch": 64},
            "optimizer": {"lr": 1e-4},
            "schedule": {"kind": "cosine"},
            "generator": {"blocks": 2},
        },
        "pretrain": {"steps": 10, "loss": PIXEL},
    },
}


def problems(**stages):
    raw = copy.deepcopy(RECIPE)
    for name, change in stages.items():
        raw["stages"].setdefault(name, {"steps": 1, "loss": PIXEL}).update(change)
    with pytest.raises(RecipeErrors) as error:
        build_recipe(raw)
    return {problem.place: str(problem) for problem in error.value.problems}


def test_stages_run_in_the_order_of_after_with_what_really_holds_in_them():
    recipe = build_recipe(RECIPE)
    pretrain, finetune = chain(recipe)
    assert list(recipe.stages) == ["pretrain", "finetune"]
    assert recipe.steps == 17
    assert (pretrain.start, pretrain.end, finetune.start, finetune.end) == (0, 10, 10, 17)
    assert (pretrain.recipe.data.patch, finetune.recipe.data.patch) == (48, 64)
    assert finetune.recipe.data.batch == 2
    assert (pretrain.recipe.optimizer.lr, finetune.recipe.optimizer.lr) == (1e-3, 1e-4)
    assert finetune.recipe.optimizer.betas == (0.8, 0.9)
    assert pretrain.recipe.schedule.gamma == 0.25
    assert finetune.recipe.schedule.kind == "cosine"
    assert (pretrain.recipe.generator["blocks"], finetune.recipe.generator["blocks"]) == (1, 2)
    assert finetune.recipe.generator["channels"] == 8


def test_a_chain_reads_back_the_same():
    recipe = build_recipe(RECIPE)
    assert build_recipe(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize(
    ("stages", "place", "rule"),
    [
        ({"other": {}}, "stages", "exactly one stage is the first"),
        ({"other": {"after": "pretrain"}}, "stages.other.after", "stages are a chain"),
        ({"other": {"after": "nobody"}}, "stages.other.after", "Known: finetune, pretrain"),
        ({"other": {"after": "other"}}, "stages.other.after", "another stage"),
        (
            {"a": {"after": "b"}, "b": {"after": "a"}},
            "stages",
            "in a circle",
        ),
        (
            {"finetune": {"groups": [{"match": "conv_last.*"}, {"match": "conv_lst.*"}]}},
            "stages.finetune.groups.1.match",
            "Left for it: conv_first.*",
        ),
        (
            {"finetune": {"groups": [{"match": "*"}, {"match": "conv_last.*"}]}},
            "stages.finetune.groups.1.match",
            "took all",
        ),
        ({"finetune": {"init": "shipped"}}, "stages.finetune.init", "only the first stage"),
        ({"finetune": {"optimizer": {"rate": 1}}}, "stages.finetune.optimizer.rate", "no such key"),
        ({"finetune": {"optimizer": {"lr": -1}}}, "stages.finetune.optimizer.lr", "greater than 0"),
        (
            {"finetune": {"schedule": {"gamma": 9}}},
            "stages.finetune.schedule.gamma",
            "equal to 1",
        ),
        ({"finetune": {"data": {"patch": 33}}}, "stages.finetune.data.patch", "multiple of scale"),
        (
            {"finetune": {"schedule": {"warmup": 8}}},
            "stages.finetune.schedule.warmup",
            "stage's 7 steps",
        ),
        (
            {"finetune": {"generator": {"kind": "idn"}}},
            "stages.finetune.generator.kind",
            "srresnet",
        ),
        ({"finetune": {"generator": {"blokcs": 1}}}, "stages.finetune.generator.blokcs", "blocks"),
    ],
)
def test_what_cannot_be_a_chain_is_refused_where_it_stands(stages, place, rule):
    found = problems(**stages)
    assert place in found
    assert rule in found[place]
