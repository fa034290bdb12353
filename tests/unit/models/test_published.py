from collections import Counter
from pathlib import Path

import pytest
import yaml

from acutance_models import FIGURES, LOSS_WEIGHTS, METRICS, PRESETS, PROTOCOLS, published_figures


def test_every_figure_names_what_exists_and_is_plausible():
    for figure in FIGURES:
        assert figure.protocol in PROTOCOLS
        assert figure.metric in METRICS
        assert {PRESETS[name].system for name in figure.presets} <= {figure.system}
        low, high = {"psnr": (18, 45), "ssim": (0.4, 1)}[figure.metric.partition("_")[0]]
        assert low < figure.value < high


def test_no_figure_is_stated_twice():
    places = Counter(
        (each.system, each.variant, each.set, each.scale, each.metric, each.recalled)
        for each in FIGURES
    )
    assert max(places.values()) == 1


@pytest.mark.parametrize("system", sorted({figure.system for figure in FIGURES}))
def test_a_larger_scale_and_a_harder_set_lose(system):
    rows = {
        (each.variant, each.set, each.scale, each.metric): each.value
        for each in FIGURES
        if each.system == system and not each.recalled
    }
    for (variant, name, scale, metric), value in rows.items():
        smaller = rows.get((variant, name, scale // 2 if scale == 8 else scale - 1, metric))
        assert smaller is None or smaller > value
        easier = rows.get((variant, "Set5", scale, metric))
        assert easier is None or name in ("Set5", "Manga109") or easier > value


def test_figures_from_memory_are_given_only_when_asked_for():
    assert published_figures("zssr") == []
    recalled = published_figures("zssr", scale=2, recalled=True)
    assert {figure.set for figure in recalled} == {"Set5", "Set14", "B100"}
    assert all(figure.recalled for figure in recalled)


def test_a_presets_figures_are_found_by_scale():
    found = published_figures("rcan", scale=4)
    own = {(each.set, each.metric): each.value for each in found if not each.self_ensemble}
    assert own["Set5", "psnr_y"] == 32.63
    assert own["Manga109", "psnr_y"] == 31.22
    assert own["Urban100", "ssim_y"] == 0.8087
    assert {each.scale for each in published_figures("rcan")} == {2, 3, 4, 8}


def test_figures_of_the_gan_family_say_which_network_they_are_of():
    of_the_psnr_network = published_figures("esrgan-23", scale=4)
    values = {(each.variant, each.set, each.metric): each.value for each in of_the_psnr_network}
    assert values["RRDB (PSNR)", "Set5", "psnr_y"] == 32.73
    assert values["RRDB (PSNR)", "Manga109", "ssim_y"] == 0.9196
    assert values["ESRGAN", "Set14", "psnr_y"] == 26.2835
    assert values["ESRGAN", "Set14", "psnr_rgb"] == 24.4956
    (pat,) = {(each.variant, each.protocol) for each in published_figures("enhancenet")}
    assert pat == ("ENet-PAT", "enhancenet")
    assert published_figures("sftgan-paper") == published_figures("srfeat-128") == []
    assert len(published_figures("enhancenet", recalled=True)) == 4 + 4 * 5 + 4


@pytest.mark.parametrize("name", LOSS_WEIGHTS)
def test_published_loss_weights_are_those_of_the_recipe_that_they_name(name):
    published = LOSS_WEIGHTS[name]
    file = Path(__file__).parents[3] / "experiments" / "base" / f"{published.recipe}.yaml"
    *_, last = yaml.safe_load(file.read_text())["stages"].values()
    written = {term: spec["weight"] for term, spec in last["loss"].items()}
    assert written == dict(published.weights)
    assert published.system in {preset.system for preset in PRESETS.values()}
