"""SRFeat's discriminators: the experiment's own files, tiny in `make test`, whole as campaign."""

import numpy as np
import pytest
from feature_judges import MIXES, flat_acutance, measure, mix_of, spread, table
from grid_trainings import EXPERIMENTS, campaign_home, grid_recipes, train
from scipy.ndimage import gaussian_filter
from shared_data import shared
from tiny_trainings import write_pictures

from acutance_platform.verbs.fetching import fetch
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, open_store

FOLDER = EXPERIMENTS / "srfeat-discriminators"
SEEDS = (0, 1, 2)
DISTILLED = "vgg19-distilled"
TINY = (
    "data.dataset=tiny", "data.patch=32", "data.batch=2", "generator.channels=4",
    "generator.blocks=1", "stages.pretrain.steps=2", "stages.finetune.steps=2",
    "stages.finetune.data={patch: 32, batch: 2}", "evaluation.every=2",
)  # fmt: skip


def test_six_mixes_stand_on_one_pretrain_each_with_its_own_judges(tmp_path):
    home = Home(open_store(tmp_path / "store"), tmp_path / "local")
    add_dataset(home.store, "tiny", write_pictures(tmp_path / "pictures"))
    recipes = grid_recipes(FOLDER / "sweep.yaml", home, TINY)
    assert tuple(mix_of(recipe) for recipe in recipes) == MIXES
    ends, begins = {}, set()
    for recipe in recipes:
        pretrained, ended = train(recipe, home)
        begins.add(pretrained.weights)
        ends[mix_of(recipe)] = ended
    assert len(begins) == 1
    assert len({report.weights for report in ends.values()}) == len(MIXES)
    assert sum(each.told_by("grid").executed for each in ends.values()) == 2 * len(MIXES)
    judges = {"image": {"image"}, "feature": {"feature"}, "image + feature": {"image", "feature"}}
    for mix, report in ends.items():
        seen = {name.split("/")[1] for name in report.metrics if name.startswith("discriminator/")}
        assert seen == judges.get(mix.removesuffix(", convolution"), set())


def test_invented_detail_is_what_is_steep_where_hr_is_flat():
    rng = np.random.default_rng(0)
    hr = gaussian_filter(rng.normal(128, 60, (96, 96)), 2)
    assert flat_acutance(hr, hr) == 1
    assert flat_acutance(gaussian_filter(hr, 2), hr) < 0.9
    assert flat_acutance(hr + rng.normal(0, 5, hr.shape), hr) > 1.5


def test_the_table_has_mean_and_deviation_over_seeds():
    found = [{"mse": {"psnr_y": psnr}, "none": {"psnr_y": 20.0}} for psnr in (29.0, 30.0, 31.0)]
    assert spread(found)["mse"]["psnr_y"] == (30.0, 1.0)
    assert "| mse | 30.00 ± 1.00 |" in table(found)


@pytest.mark.long
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("features", ["random", DISTILLED])
def test_srfeat_discriminators(features, tmp_path, record_property):
    home = campaign_home(tmp_path)
    file = FOLDER / "sweep.yaml"
    if features == DISTILLED:
        fetch(DISTILLED, file=shared("weights/vgg19_distilled_16x_to_conv5_1.pth"), home=home)
        file = FOLDER / "distilled.yaml"
    found = []
    for seed in SEEDS:
        recipes = grid_recipes(file, home, [f"seed={seed}"])
        ended = {mix_of(recipe): train(recipe, home)[-1] for recipe in recipes}
        found.append({mix: measure(report.weights, home) for mix, report in ended.items()})
        record_property(f"seed {seed}", found[-1])
        gaps = {
            f"{mix}, {name}": value
            for mix, report in ended.items()
            for name, value in report.metrics.items()
            if name.startswith("discriminator/")
        }
        record_property(f"seed {seed}, discriminators", gaps)
    record_property("mean and deviation", spread(found))
    for of_seed in found:
        assert of_seed["mse"]["psnr_y"] == max(each["psnr_y"] for each in of_seed.values())
        for mix in MIXES[1:]:
            assert of_seed[mix]["gram_distance"] < of_seed["mse"]["gram_distance"]
            if features != DISTILLED:  # which did not sharpen edges in every seed
                assert of_seed[mix]["edge_acutance"] > of_seed["mse"]["edge_acutance"]
