"""What may be asked of several ranks, and what a stage's key makes of it."""

from dataclasses import replace

import pytest
from tiny_trainings import tiny_recipe

from acutance_platform.recipe import RecipeErrors, build_recipe, rank_count, rank_threads
from acutance_platform.sweep.placing import Node
from acutance_platform.sweep.room import Share, share_of
from acutance_platform.training import machine_kind, resolve_auto, room_problems, stage_keys
from acutance_platform.training.costs import peak_memory
from acutance_platform.training.machine import facts_here
from acutance_platform.training.speed import _small


def recipe(resources, *, batch=4, **changes):
    tiny = tiny_recipe(plugins=[], resources=resources, **changes)
    loss = {"pixel": {"kind": "l1", "weight": 1.0}}
    stages = {"train": {"steps": 60, "loss": loss}}
    return {"stages": stages, **tiny, "data": {**tiny["data"], "batch": batch}} | {"stages": stages}


def problems(content):
    with pytest.raises(RecipeErrors) as caught:
        build_recipe(content)
    return {problem.place: problem.rule for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("resources", "ranks", "threads"),
    [
        ({}, 1, 1),
        ({"cpu": 4, "gpu": 0}, 1, 4),
        ({"cpu": 4, "gpu": 0.25}, 1, 4),
        ({"cpu": 4, "gpu": 1}, 1, 4),
        ({"cpu": 1, "gpu": 2}, 2, 1),
        ({"cpu": 8, "gpu": 4}, 4, 2),
        ({"cpu": 4, "gpu": 4, "ranks": 4}, 4, 1),
        ({"cpu": 4, "gpu": 0, "ranks": 2}, 2, 2),
        ({"cpu": 2, "gpu": "auto", "ranks": 2}, 2, 1),
    ],
)
def test_each_whole_gpu_has_a_rank(resources, ranks, threads):
    asked = build_recipe(recipe(resources)).resources
    assert (rank_count(asked), rank_threads(asked)) == (ranks, threads)


@pytest.mark.parametrize(
    ("resources", "place", "rule"),
    [
        ({"gpu": 1.5}, "resources.gpu", "above one, GPUs are counted whole"),
        ({"gpu": 2, "ranks": 4}, "resources.ranks", "each rank has a GPU of its own"),
        ({"gpu": 2, "ranks": 1}, "resources.ranks", "each rank has a GPU of its own"),
        ({"gpu": 0.5, "ranks": 2}, "resources.ranks", "each rank has a GPU of its own"),
        ({"cpu": 3, "gpu": 0, "ranks": 2}, "resources.cpu", "equally many threads"),
        ({"cpu": 1, "gpu": "auto", "ranks": 2}, "resources.cpu", "equally many threads"),
        ({"cpu": 3, "gpu": 0, "ranks": 3}, "data.batch", "equally many crops"),
        ({"gpu": 3}, "data.batch", "equally many crops"),
    ],
)
def test_what_ranks_cannot_do_is_refused_when_the_file_is_read(resources, place, rule):
    assert rule in problems(recipe(resources))[place]


def test_the_batch_of_a_stage_is_divided_as_well():
    content = recipe({"cpu": 2, "gpu": 0, "ranks": 2})
    content["stages"]["train"]["data"] = {"batch": 5}
    assert "equally many crops" in problems(content)["stages.train.data.batch"]


def test_a_network_per_picture_has_no_batches_to_divide():
    content = recipe({"cpu": 2, "gpu": 0, "ranks": 2}) | {"zero_shot": {}}
    assert "without batches" in problems(content)["resources.ranks"]


def test_parts_smaller_than_that_of_a_rank_may_not_couple_pictures():
    content = recipe({"cpu": 2, "gpu": 0, "ranks": 2})
    content["generator"] = {"kind": "srfeat", "channels": 4, "blocks": 1}
    content["data"]["micro_batch"] = 2  # what each rank computes at once anyhow
    build_recipe(content)
    content["data"]["micro_batch"] = 1
    assert "normalises by the batch's statistics" in problems(content)["data.micro_batch"]


def test_a_term_that_averages_over_some_pictures_may_not_be_computed_in_parts():
    content = recipe({})
    content["generator"] = {"kind": "sftgan", "blocks": 1, "channels": 8, "classes": 3}
    critic = {"kind": "sftgan", "channels": 4, "classes": 3}
    content["stages"]["train"]["loss"] |= {
        "adversarial": {"kind": "adversarial", "weight": 1.0, "discriminator": critic},
        "classes": {"kind": "classification", "of": "adversarial", "weight": 1.0},
    }
    content["data"]["micro_batch"] = 2
    rule = problems(content)["data.micro_batch"]
    assert "the term classes is a mean over those pictures of the batch with a class" in rule


def test_ranks_are_part_of_the_machine_kind_and_one_rank_is_as_before():
    alone = build_recipe(recipe({"cpu": 2, "gpu": 0}))
    shared = build_recipe(recipe({"cpu": 2, "gpu": 0, "ranks": 2}))
    kinds = machine_kind(alone), machine_kind(shared)
    assert "ranks" not in kinds[0].as_dict()
    assert (kinds[0].ranks, kinds[0].threads) == (1, 2)
    assert (kinds[1].as_dict()["ranks"], kinds[1].threads) == (2, 1)
    assert kinds[0].for_recipe(shared) == kinds[1]
    said = build_recipe(recipe({"cpu": 2, "gpu": 0, "ranks": 1}))
    keys = [
        stage_keys(each, dataset_version="v", machine=machine_kind(each))
        for each in (alone, shared, said)
    ]
    assert keys[0] == keys[2] != keys[1]


def test_auto_is_a_gpu_for_each_rank():
    content = build_recipe(recipe({"cpu": 2, "ranks": 2}))
    here = facts_here()
    assert resolve_auto(content, replace(here, gpus=4)).resources.gpu == 2.0
    assert share_of(content.model_dump(), [Node("a", 8.0, 4)]) == Share(2, 2)
    assert resolve_auto(content, replace(here, gpus=0)).resources.gpu == 0.0


def test_a_machine_with_fewer_gpus_is_refused():
    (problem,) = room_problems(build_recipe(recipe({"gpu": 2})), replace(facts_here(), gpus=1))
    assert (problem.place, problem.value) == ("resources.gpu", "2")
    assert "this machine has 1 GPUs" in problem.rule


def test_costs_are_those_of_a_rank():
    of_one = peak_memory(build_recipe(recipe({"cpu": 2, "gpu": 0}, batch=2)))
    of_each = peak_memory(build_recipe(recipe({"cpu": 2, "gpu": 0, "ranks": 2}, batch=4)))
    assert of_each == pytest.approx(of_one, rel=0.01)
    asked = build_recipe(recipe({"cpu": 4, "gpu": 0, "ranks": 2}))
    timed = _small(asked, {"kind": "srresnet", "channels": 8, "blocks": 2}, 32, 1).resources
    assert (timed.cpu, rank_count(timed)) == (2, 1)
