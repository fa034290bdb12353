from collections import Counter

import pytest

from acutance_models import FIGURES, METRICS, PRESETS, PROTOCOLS, published_figures


def test_every_figure_names_what_exists_and_is_plausible():
    for figure in FIGURES:
        assert figure.protocol in PROTOCOLS
        assert figure.metric in METRICS
        assert {PRESETS[name].system for name in figure.presets} <= {figure.system}
        low, high = {"psnr_y": (18, 45), "ssim_y": (0.4, 1)}[figure.metric]
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
