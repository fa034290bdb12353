"""What a chain will cost: shared stages once, finished ones not at all, and what stages inherit."""

import pytest
import yaml
from calling import CommandLine
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.verbs import planning
from acutance_platform.verbs.chains import Payment
from acutance_platform.verbs.files import read_file
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.plans import spec_of, sweep_plan

PIXEL = {"kind": "l1", "weight": 1.0}
PRETRAIN, FINETUNE = 20, 10


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, write_pictures(tmp_path / "pictures"))


def chained(place, **space):
    """Write a sweep over a chain of two stages and return its path."""
    stages = {
        "pretrain": {"steps": PRETRAIN, "loss": {"pixel": PIXEL}},
        "finetune": {"after": "pretrain", "steps": FINETUNE, "loss": {"pixel": PIXEL}},
    }
    recipe = tiny_recipe(stages=stages, evaluation={"every": 10}, plugins=[])
    if space:
        recipe["search"] = {
            "space": space,
            "objectives": {"psnr_y": "max"},
            "sampler": "grid",
            "scheduler": "none",
            "budget": {},
        }
    path = place.local.parent / "chained.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


KINDS = {"stages.finetune.loss.pixel.kind": {"choice": ["l1", "mse", "charbonnier"]}}
RATES = {"optimizer.lr": {"choice": [1e-3, 2e-3, 4e-3]}}


def forecast(place, **space):
    return planning.plan(chained(place, **space), (), Home(place.store, place.local))


def test_a_shared_prefix_is_counted_once(place):
    shared = forecast(place, **KINDS)
    assert shared.steps == 3 * (PRETRAIN + FINETUNE)
    assert shared.steps_expected == PRETRAIN + 3 * FINETUNE
    assert shared.steps_saved == 2 * PRETRAIN
    told = [(s["name"], s["steps"], s["shared_by"], s["cached"]) for s in shared.stages]
    assert told == [("pretrain", PRETRAIN, 3, False), *[("finetune", FINETUNE, 1, False)] * 3]
    apart = forecast(place, **RATES)
    assert (apart.steps_expected, apart.steps_saved) == (3 * (PRETRAIN + FINETUNE), 0)


def test_searched_steps_are_counted_as_drawn(place):
    lengths = {"stages.finetune.steps": {"choice": [FINETUNE, 3 * FINETUNE]}}
    told = forecast(place, **lengths)
    assert told.steps == (PRETRAIN + FINETUNE) + (PRETRAIN + 3 * FINETUNE)
    assert told.steps_expected == PRETRAIN + FINETUNE + 3 * FINETUNE


def test_a_sweep_is_told_its_hours_at_the_start_once_the_machine_was_timed(place):
    home = Home(place.store, place.local)
    path = chained(place, **RATES)
    assert planning.outlook(path, (), home) is None
    planning.plan(path, (), home)
    hours = planning.outlook(path, (), home)
    assert 0 < hours.low < hours.expected < hours.high
    longer = planning.outlook(path, ("stages.finetune.steps=2000",), home)
    assert longer.expected > hours.expected
    assert planning.outlook(path, ("search.budget.wall_hours=1e-6",), home).high == 1e-6
    assert planning.outlook(chained(place), (), home) is None, "no search, no sweep"


def test_what_is_paid_for_is_not_counted(place):
    file = read_file(chained(place, **KINDS), (), Home(place.store, place.local))
    running = sweep_plan("s", spec_of(file), Home(place.store, place.local))
    recipe = running.recipe_for({})
    training = place.training({k: v for k, v in recipe.items() if k != "search"}, rungs=[30])
    while training.step < PRETRAIN:
        training.advance()
    assert training.keys[0] == running.stages(recipe)[0][0]
    half = forecast(place, **KINDS)
    assert half.steps_expected == 3 * FINETUNE
    assert half.steps_saved == 3 * PRETRAIN
    while training.step < PRETRAIN + FINETUNE:
        training.advance()
    most = forecast(place, **KINDS)
    assert most.steps_expected == 2 * FINETUNE
    assert [stage["cached"] for stage in most.stages] == [True, True, False, False]


def test_beyond_the_known_draws_new_stages_come_as_often_as_lately():
    few = Payment([], 0, [20, 0, 20, 0, 0, 0, 0, 0], 0.0)
    assert few.prefix_steps(100) == 40, "every prefix is known"
    many = Payment([], 0, [20] * 8, 0.0)
    assert many.prefix_steps(100) == 2000, "each trial has its own"
    assert many.prefix_steps(4) == 80


def test_validate_lists_what_stages_inherit_and_the_command_names_it(place, capsys, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", place.store.address)
    monkeypatch.setenv("ACUTANCE_LOCAL", str(place.local))
    path = chained(place)
    acutance = CommandLine(capsys)
    grown = ("validate", path, "--set", "stages.finetune.generator.blocks=2")
    first, second = acutance(*grown, "--json").json["stages"]
    assert (first["inherited"], first["dropped"]) == (0, [])
    assert second["inherited"] == len(first["fresh"])
    assert second["fresh"]
    assert all(".1." in name for name in second["fresh"]), "the second block alone is new"
    shown = acutance(*grown).out
    assert "stage      pretrain: 20 steps" in shown
    assert (
        f"{second['inherited']} tensors from the stage before, {len(second['fresh'])} new" in shown
    )
    told = acutance("plan", path).out
    for text in ("pretrain", "finetune", "paid for", "steps need not be computed"):
        assert text in told


def test_a_plan_shows_draws_and_what_forbidden_combinations_take(place):
    path = chained(place, **KINDS, **RATES)
    spec = yaml.safe_load(path.read_text())
    spec["search"]["forbidden"] = [
        {"stages.finetune.loss.pixel.kind": "mse", "optimizer.lr": "> 1.5e-3"}
    ]
    path.write_text(yaml.safe_dump(spec))
    found = planning.plan(path, (), Home(place.store, place.local))
    assert found.trials == found.listed == 7
    assert len(found.points) == 5
    kinds = [point["stages.finetune.loss.pixel.kind"] for point in found.points]
    assert kinds == ["l1", "mse", "charbonnier", "l1", "charbonnier"]
    (note,) = found.notes
    taken = float(note.split("takes ")[1].split("%")[0])
    assert taken == pytest.approx(100 * 2 / 9, abs=4)


def test_a_plan_says_how_many_draws_constraints_refuse(place):
    """Of three networks the two larger ones cost too much: a grid of six trains two of them."""
    widths = {"generator.channels": {"choice": [4, 32, 48]}}
    path = chained(place, **widths, **{"optimizer.lr": {"choice": [1e-3, 2e-3]}})
    spec = yaml.safe_load(path.read_text())
    spec["search"].update(sampler="grid", budget={}, constraints={"parameters": "<= 4000"})
    path.write_text(yaml.safe_dump(spec))
    found = planning.plan(path, (), Home(place.store, place.local))
    assert (found.listed, found.refused, found.trials) == (2, 4, 2)
    note = "constraints refuse 4 of the first 6 draws before a step is paid (parameters <= 4000: 4)"
    assert found.notes == [note]
    assert found.as_dict()["refused"] == 4
