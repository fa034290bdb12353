"""EnhanceNet's toy example: the squared error gives the mean of all solutions, a critic a solution.

The experiment's own file and pictures, both trials on one pretrain.
"""

import itertools

import numpy as np
import pytest
import toy_bars
import yaml
from toy_bars import EXPERIMENT, PICTURES, SCALE, SOLUTIONS

from acutance_models import Degradation, load_generator
from acutance_platform.recipe import build_recipe
from acutance_platform.search.space import apply_to
from acutance_platform.search.table import parse_space
from acutance_platform.training import Training, machine_kind
from acutance_platform.verbs.model import Model
from acutance_storage import add_dataset, get_blob, open_store

MIXES = ("mse", "adversarial")


def recipes():
    """Return the recipes of the experiment's two trials."""
    base = yaml.safe_load((EXPERIMENT / "sweep.yaml").read_text())
    search = base.pop("search")
    base["data"]["dataset"] = "bars"
    space = parse_space(search["space"], base)
    found = [
        build_recipe(apply_to(base, space.replay({"stages.finetune.loss": option}, base).apply))
        for option in range(2)
    ]
    assert ["adversarial" in r.stages["finetune"].loss for r in found] == [False, True]
    return dict(zip(MIXES, found, strict=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return mix -> (reports, network) of the two trainings, which share a store."""
    folder = tmp_path_factory.mktemp("bars")
    store = open_store(folder / "store")
    add_dataset(store, "bars", PICTURES)
    made = {}
    for mix, recipe in recipes().items():
        training = Training(
            recipe, store=store, local=folder / "local", machine=machine_kind(recipe), owner=mix
        )
        while training.step < recipe.steps:
            training.advance()
        weights = training.reports[-1].weights
        network = load_generator(get_blob(store, weights)).eval()
        made[mix] = training.reports, Model(mix, weights, network).upscale
    return made


def test_the_pictures_are_those_of_the_generative_model(tmp_path):
    toy_bars.write_pictures(tmp_path)
    for split, count in toy_bars.PICTURE_COUNTS.items():
        written, shipped = (sorted((each / split).iterdir()) for each in (tmp_path, PICTURES))
        assert [file.name for file in written] == [file.name for file in shipped]
        assert len(shipped) == count
    again = np.random.default_rng(0)
    for hr in toy_bars.real_pictures("train"):
        np.testing.assert_array_equal(hr, toy_bars.draw_bars(again))


def test_the_mean_in_closed_form_is_the_mean_of_all_solutions_and_none_can_be_told_from_another():
    places = [(0, 0), (0, 1), (1, 2), (2, 2)]
    solutions, seen = [], set()
    for chosen in itertools.product(range(len(SOLUTIONS)), repeat=len(places)):
        hr = np.ones((6, 6))
        for (row, column), bar in zip(places, chosen, strict=True):
            hr[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = SOLUTIONS[bar]
        solutions.append(hr)
        seen.add(toy_bars.reduced(hr).tobytes())
        exact = Degradation([{"kind": "box"}], SCALE).unrounded(toy_bars.pixels(hr), None) * 255
        assert set(np.unique(exact)) == {127, 254}, "nothing is rounded"
    assert len(solutions) == 16
    assert len(seen) == 1
    for hr in solutions:
        np.testing.assert_array_equal(toy_bars.mean_solution(hr), np.mean(solutions, axis=0))


def test_a_solution_is_valid_and_the_mean_a_blank_and_a_blob_are_not():
    hr = toy_bars.real_pictures("validation")[0]
    for picture in (hr, toy_bars.other_solution(hr)):
        assert toy_bars.validity(picture, hr)[:2] == (1, 1)
    upright = [toy_bars.validity(each, hr).upright for each in (hr, toy_bars.other_solution(hr))]
    assert sum(upright) == pytest.approx(1)
    assert 0.3 < upright[0] < 0.7
    assert toy_bars.validity(toy_bars.mean_solution(hr), hr)[:2] == (0, 1)
    assert toy_bars.validity(np.ones_like(hr), hr)[:2] == (0, 1)
    assert toy_bars.validity(np.full_like(hr, 0.5), hr)[:2] == (0, 0)


def test_the_squared_error_gives_the_mean_and_the_discriminator_a_solution(trained):
    mse, adversarial = (toy_bars.measure(trained[mix][1]) for mix in MIXES)
    assert mse.rms <= 0.05
    assert mse.validity.bars <= 0.05
    assert mse.validity.blank >= 0.95
    assert adversarial.rms > 0.05
    assert adversarial.validity.bars >= 0.8
    assert adversarial.validity.blank >= 0.95
    assert adversarial.psnr < mse.psnr - 1.5, "a bar that lies wrong costs twice what the mean does"


def test_both_stand_on_one_pretrain(trained):
    (mse, _), (adversarial, _) = (trained[mix] for mix in MIXES)
    assert mse[0].weights == adversarial[0].weights
    assert sum(report.told_by("mse").executed for report in mse) == 900
    assert sum(report.told_by("adversarial").executed for report in adversarial) == 600
