"""ESRGAN's network interpolation: the experiment's file, tiny in `make test`, whole as campaign."""

import numpy as np
import pytest
from grid_trainings import EXPERIMENTS, campaign_home, grid_recipes, train
from interpolation_curves import METRIC_NAMES, advantage, measure_ways, summary
from shared_data import shared
from tiny_trainings import write_pictures

from acutance_platform.verbs.fetching import fetch
from acutance_platform.verbs.home import Home
from acutance_storage import add_dataset, open_store

FILE = EXPERIMENTS / "esrgan-interpolation" / "sweep.yaml"
SEEDS = (0, 1, 2)
TINY = (
    "data.dataset=tiny", "data.patch=32", "data.batch=2", "generator.channels=4",
    "generator.growth=4", "stages.pretrain.steps=4", "stages.finetune.steps=4",
    "evaluation.every=2",
)  # fmt: skip


def ways_of(recipe, home, folder, **arguments):
    """Train the GAN model; return its reports and the three curves."""
    reports = train(recipe, home)
    stage = [each for each in reports if each.step >= recipe.stages["pretrain"].steps]
    ends = stage[0].weights, stage[-1].weights
    stopped = [report.metrics for report in stage]
    return reports, measure_ways(ends, stopped, home, folder=folder, **arguments)


def test_the_three_ways_share_their_ends_and_the_pretrain_is_computed_once(tmp_path):
    home = Home(open_store(tmp_path / "store"), tmp_path / "local")
    pictures = write_pictures(tmp_path / "pictures")
    add_dataset(home.store, "tiny", pictures)
    pixel, gan = grid_recipes(FILE, home, TINY)
    assert list(pixel.stages["finetune"].loss) == ["pixel"]
    assert pixel.stages["pretrain"] == gan.stages["pretrain"]
    data = pictures / "validation"
    reports, ways = ways_of(gan, home, tmp_path, data=data, alphas=[0.0, 0.5, 1.0])
    for place in (0, -1):
        assert ways["networks"][place] == ways["pictures"][place]
        assert ways["stopped"][place] == pytest.approx(ways["networks"][place])
    assert ways["networks"][0] != ways["networks"][-1]
    assert ways["networks"][1] != ways["pictures"][1]
    assert len(ways["stopped"]) == 3, "the pretrain's end, the middle, the end"
    assert set(ways["networks"][0]) == set(METRIC_NAMES)
    again = train(pixel, home)
    assert again[1].weights == reports[1].weights
    assert "discriminator/adversarial/logit_gap" in reports[-1].metrics


def test_the_advantage_is_told_at_equal_distance():
    def line(*points):
        return [{"psnr_y": psnr, "feature_distance": far} for psnr, far in points]

    ends = (30.0, 0.2), (28.0, 0.1)
    straight = line(ends[0], ends[1])
    bulging = line(ends[0], (30.0, 0.15), ends[1])
    assert advantage(straight, straight, "feature_distance") == [0.0] * 9
    gaps = advantage(bulging, straight, "feature_distance")
    assert gaps[4] == pytest.approx(1.0, abs=0.02), "half way, the straight one is at 29"
    assert advantage(straight, bulging, "feature_distance") == pytest.approx([-g for g in gaps])
    beyond = line(ends[0], (30.0, 0.05), ends[1])
    assert min(advantage(beyond, straight, "feature_distance")) > 0.1
    assert advantage(straight[::-1], bulging[::-1], "feature_distance") == []
    told = summary({"networks": bulging, "pictures": straight, "stopped": bulging})
    assert told["feature_distance"]["over pictures"] == round(float(np.mean(gaps)), 3)
    assert told["feature_distance"]["over stopped"] == 0


def test_nearer_to_one_is_better_where_the_metric_says_so():
    curve = [{"psnr_y": 30.0, "edge_acutance": 0.5}, {"psnr_y": 28.0, "edge_acutance": 1.3}]
    assert advantage(curve, curve, "edge_acutance") == [0.0] * 9
    assert advantage(curve[::-1], curve[::-1], "edge_acutance") == []


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_esrgan_interpolation(tmp_path, record_property):
    home = campaign_home(tmp_path)
    fetch("niqe", file=shared("weights/niqe_pris_params.npz"), home=home)
    told = {}
    for seed in SEEDS:
        _, gan = grid_recipes(FILE, home, [f"seed={seed}"])
        metrics = (*METRIC_NAMES, "niqe")
        _, ways = ways_of(gan, home, tmp_path, metrics=metrics)
        told[seed] = summary(ways)
        record_property(f"seed {seed}, ends", [ways["networks"][0], ways["networks"][-1]])
        record_property(f"seed {seed}, curves", ways)
        record_property(f"seed {seed}, dB above at equal distance", told[seed])
        first, last = ways["networks"][0], ways["networks"][-1]
        assert last["psnr_y"] < first["psnr_y"] - 0.3
        assert last["feature_distance"] < first["feature_distance"]
        assert last["gram_distance"] < first["gram_distance"]
