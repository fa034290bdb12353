"""Costs in reports, plans and files: there where something asks, and nowhere else."""

import math

import pytest
import torch
import yaml
from memory_of_steps import PIXEL
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_models import build_generator
from acutance_platform.recipe import RecipeErrors, build_recipe, chain
from acutance_platform.training import machine_kind, stage_keys, structural_costs
from acutance_platform.training.costs import peak_memory, step_work
from acutance_platform.training.latency import latency_ms
from acutance_platform.training.speed import known_speed, speed_of
from acutance_platform.verbs.files import read_file
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.plans import spec_of, sweep_plan

BOTH = ["peak_memory", "latency_ms"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("costs")
    return Place(folder / "place", write_pictures(folder / "pictures"))


def _plain(**data):
    """Return a small recipe without plug-ins."""
    stages = {"train": {"steps": 4, "loss": PIXEL}}
    data = {"dataset": "pictures", "patch": 32, "batch": 2, **data}
    return build_recipe(tiny_recipe(stages=stages, plugins=[], data=data))


def _chained(costs):
    """Return a chain whose first stage is the heavier one."""
    stages = {
        "large": {"steps": 2, "loss": PIXEL, "data": {"patch": 48, "batch": 4}},
        "small": {"after": "large", "steps": 2, "loss": PIXEL},
    }
    return tiny_recipe(stages=stages, plugins=[], evaluation={"every": 2, "costs": costs})


def test_reports_tell_the_costs_that_are_asked_for(place):
    training = place.training(_chained(BOTH))
    first, last = training.advance().metrics, training.advance().metrics
    recipe = build_recipe(_chained(BOTH))
    heaviest = peak_memory(recipe)
    assert first["peak_memory"] == last["peak_memory"] == heaviest
    assert step_work(chain(recipe)[1]).peak_memory < heaviest
    assert structural_costs(recipe) == {
        name: last[name] for name in ("parameters", "macs_per_pixel", "peak_memory")
    }
    assert math.isfinite(last["latency_ms"])
    assert last["latency_ms"] > 0
    bare = place.training(_chained([])).advance().metrics
    assert not {"peak_memory", "latency_ms"} & set(bare)


def test_costs_change_no_weights_and_no_other_key(place):
    asked, bare = place.training(_chained(BOTH)), place.training(_chained([]))
    for training in (asked, bare):
        while training.step < 4:
            training.advance()
    tensors = [training._stage._learner.generator.state_dict() for training in (asked, bare)]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert asked.keys != bare.keys
    silent = _chained([])
    del silent["evaluation"]["costs"]
    recipe = build_recipe(silent)
    version = place.training(silent)._pairs.dataset.version
    same = stage_keys(recipe, dataset_version=version, machine=machine_kind(recipe))
    assert same == tuple(bare.keys)


def test_a_sweeps_objectives_are_told_without_being_asked_for(place):
    search = {
        "space": {"generator.blocks": {"int": [1, 3]}},
        "objectives": {"psnr_y": "max", "peak_memory": "min"},
        "budget": {"trials": 2},
        "reference": {"peak_memory": 1e9},
    }
    path = place.local.parent / "costs.yaml"
    home = Home(place.store, place.local)
    path.write_text(yaml.safe_dump({**_chained([]), "search": search}))
    file = read_file(path, (), home)
    assert file.recipe.evaluation.costs == ["peak_memory"]
    plan = sweep_plan("s", spec_of(file), home)
    few, many = (plan.costs(plan.recipe_for({"generator.blocks": n})) for n in (1, 3))
    assert few["parameters"] < many["parameters"]
    assert few["peak_memory"] < many["peak_memory"]
    path.write_text(yaml.safe_dump({**_chained([]), "search": {**search, "reference": {}}}))
    with pytest.raises(RecipeErrors, match="peak_memory: NUMBER"):
        read_file(path, (), home)


def test_a_cost_among_the_metrics_of_pictures_says_where_it_belongs():
    with pytest.raises(RecipeErrors, match=r"evaluation: \{costs: \[latency_ms\]\}"):
        build_recipe(tiny_recipe(evaluation={"metrics": ["psnr_y", "latency_ms"]}))


def test_a_larger_network_takes_longer_for_a_picture():
    small, large = (
        build_generator({"kind": "srresnet", "channels": c, "blocks": b}, scale=4).eval()
        for c, b in ((8, 1), (64, 8))
    )
    cpu = torch.device("cpu")
    assert 3 * latency_ms(small, cpu) < latency_ms(large, cpu)


def test_a_machine_kind_is_timed_once(place, monkeypatch):
    recipe = _plain()
    kind = machine_kind(recipe)
    assert known_speed(kind, local=place.local) is None
    speed = speed_of(recipe, kind, local=place.local)
    monkeypatch.setattr("acutance_platform.training.speed.measured_speed", None)
    assert speed_of(recipe, kind, local=place.local) == speed
    assert speed.context == 0
    small, large = (step_work(chain(_plain(batch=n))[0]) for n in (2, 16))
    assert 0 < speed.seconds(small) < speed.seconds(large)
    for damage in ("", '{"schema": 99}'):
        next((place.local / "speed").glob("*.json")).write_text(damage)
        assert known_speed(kind, local=place.local) is None
