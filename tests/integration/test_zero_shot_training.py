"""A network per picture, in lockstep: reports, resume, keys, published weights."""

import pytest
import torch
from tiny_trainings import Place, history, write_pictures
from zero_shot_recipe import zero_shot_recipe

from acutance_models import WeightsError, load_generator, load_generators, score
from acutance_platform.recipe import build_recipe
from acutance_platform.training import (
    Interrupted,
    TrainingDiverged,
    ZeroShotTraining,
    machine_kind,
    open_training,
    picture_result,
)
from acutance_storage import add_dataset, get_blob, open_store


class ZeroShotPlace(Place):
    def training(self, recipe, **arguments):
        complete = build_recipe(recipe)
        kind = machine_kind(complete)
        return open_training(
            complete, store=self.store, local=self.local, machine=kind, **arguments
        )


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures")


@pytest.fixture
def place(tmp_path, pictures):
    return ZeroShotPlace(tmp_path, pictures)


def finish(training):
    while training.step < 24:
        training.advance()
    return history(training.reports), training.reports[-1].weights


def test_it_reports_and_publishes_like_any_training(place):
    training = place.training(zero_shot_recipe(), rungs=[20], owner="s/t0000")
    assert isinstance(training, ZeroShotTraining)
    reports = [training.advance() for _ in range(3)]
    assert [report.step for report in reports] == [10, 20, 24]
    assert [report.weights is None for report in reports] == [True, False, False]
    assert all({"psnr_y", "ssim_y", "loss/pixel", "parameters"} <= set(r.metrics) for r in reports)
    assert reports[0].metrics["psnr_y"] != reports[1].metrics["psnr_y"]
    with pytest.raises(ValueError, match="ended at step 24"):
        training.advance()


@pytest.mark.parametrize("stop", [3, 7, 10, 13])
def test_a_resumed_training_is_the_undisturbed_one(place, tmp_path, pictures, stop):
    other = ZeroShotPlace(tmp_path / "other", pictures)
    expected = finish(other.training(zero_shot_recipe()))
    disturbed = place.training(zero_shot_recipe())
    steps = disturbed._train_step

    def step():
        steps()
        if disturbed.step == stop:
            disturbed.request_stop()

    disturbed._train_step = step
    with pytest.raises(Interrupted):
        finish(disturbed)
    resumed = place.training(zero_shot_recipe())
    assert resumed.step == stop
    assert finish(resumed) == expected


def test_a_killed_training_goes_on_from_its_checkpoint(place, tmp_path, pictures):
    other = ZeroShotPlace(tmp_path / "other", pictures)
    expected = finish(other.training(zero_shot_recipe()))
    killed = place.training(zero_shot_recipe())
    steps = killed._train_step

    def step():
        if killed.step == 18:
            raise KeyboardInterrupt  # nothing is saved
        steps()

    killed._train_step = step
    with pytest.raises(KeyboardInterrupt):
        finish(killed)
    resumed = place.training(zero_shot_recipe())
    assert resumed.step == 15
    assert finish(resumed) == expected


def test_what_a_picture_learns_does_not_depend_on_its_neighbours(place, tmp_path, pictures):
    finish(both := place.training(zero_shot_recipe()))
    data = get_blob(place.store, both.reports[-1].weights)
    with pytest.raises(WeightsError, match=r"2 networks, each for one picture .*--zero-shot"):
        load_generator(data)
    networks = load_generators(data)
    assert len(networks) == 2

    (pictures / "validation" / "4.png").unlink()
    alone = ZeroShotPlace(tmp_path / "alone", pictures)
    finish(one := alone.training(zero_shot_recipe()))
    network = load_generator(get_blob(alone.store, one.reports[-1].weights))
    (name,) = [name for name in networks if name.endswith("5.png")]
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, networks[name].state_dict()[key])


def test_the_report_is_what_the_published_network_makes(place, pictures):
    (pictures / "validation" / "4.png").unlink()
    place.store = open_store(place.local / "one")
    add_dataset(place.store, "pictures", pictures)
    training = place.training(zero_shot_recipe())
    finish(training)
    network = load_generator(get_blob(place.store, training.reports[-1].weights))
    pairs, (index,) = training._pairs, training._indices
    sr = picture_result(build_recipe(zero_shot_recipe()), pairs.lr(index), network)
    found = score(sr, pairs.hr(index), protocol="rcan", scale=2, metrics=["psnr_y"])
    assert found["psnr_y"] == pytest.approx(training.reports[-1].metrics["psnr_y"], abs=0.05)


def test_a_picture_whose_rate_has_ended_rests(place):
    recipe = zero_shot_recipe()
    recipe["zero_shot"] |= {"min_lr": 1.0}  # above the first rate: it ends before it begins
    training = place.training(recipe)
    finish(training)
    assert training.step == 24
    assert [report.executed for report in training.reports] == [0, 0, 0]
    values = {report.metrics["psnr_y"] for report in training.reports}
    assert len(values) == 1


def test_every_value_of_the_section_is_in_the_key(place):
    key = place.training(zero_shot_recipe()).key
    assert place.training(zero_shot_recipe()).key == key
    changes = {
        "crop": 24,
        "as_is": 0.1,
        "exact": 0.4,
        "min_scale": 0.6,
        "anisotropy": 0.2,
        "shear": 0.2,
        "rotate": False,
        "noise": 0.02,
        "kernel": [[0.5, 0.5], [0.5, 0.5]],
        "ensemble": False,
        "back_projections": 2,
        "test_every": 2,
        "check_every": 5,
        "window": 12,
        "patience": 9,
        "ratio": 2.0,
        "min_lr": 1e-5,
    }
    assert set(changes) == set(type(build_recipe(zero_shot_recipe()).zero_shot).model_fields)
    for name, value in changes.items():
        section = {**zero_shot_recipe()["zero_shot"], "window": 12, name: value}
        base = {**section, name: zero_shot_recipe()["zero_shot"].get(name)}
        if base[name] is None:
            del base[name]
        assert (
            place.training(zero_shot_recipe(zero_shot=section)).key
            != place.training(zero_shot_recipe(zero_shot=base)).key
        ), name


def test_weights_that_are_not_finite_end_it_with_a_word(place):
    recipe = zero_shot_recipe(optimizer={"kind": "adam", "lr": 1e30})
    with pytest.raises(TrainingDiverged, match=r"not finite at step 10.*Lower optimizer\.lr"):
        place.training(recipe).advance()


def test_training_pictures_are_not_needed(place, tmp_path, pictures):
    for file in (pictures / "train").iterdir():
        if file.name != "0.png":
            file.unlink()
    recipe = zero_shot_recipe()
    recipe["evaluation"] = {"every": 10, "split": "train"}
    assert ZeroShotPlace(tmp_path / "few", pictures).training(recipe).advance().step == 10
