"""What may stand in a list of metrics, and what becomes of it."""

import pytest

from acutance_models import (
    METRICS,
    RegistryError,
    build_metrics,
    default_metrics,
    metric_name,
    resolve_metric,
)


def test_a_name_stays_a_name_where_there_is_nothing_to_fill_in():
    assert resolve_metric("psnr_y") == resolve_metric({"kind": "psnr_y"}) == "psnr_y"
    assert resolve_metric({"kind": "psnr_y", "name": "mine"}) == {"kind": "psnr_y", "name": "mine"}


def test_defaults_are_filled_in_down_to_the_feature_network():
    resolved = resolve_metric("feature_distance")
    assert resolved["name"] == metric_name(resolved) == "feature_distance"
    assert resolved["features"]["seed"] == 0
    assert resolved["layers"] == {"conv5_4": 1.0}
    assert resolve_metric(resolved) == resolved


def test_one_kind_may_stand_twice_under_two_names():
    shallow = {"kind": "feature_distance", "layers": {"relu2_2": 1.0}, "name": "shallow"}
    assert list(build_metrics(["feature_distance", shallow])) == ["feature_distance", "shallow"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("psnr", "Did you mean 'psnr_y'"),
        (3, "a metric is written NAME or"),
        ({"kind": "psnr_y", "border": 4}, "psnr_y has no argument 'border'"),
        ({"kind": "psnr_y", "name": "a/b"}, "a metric's name is letters"),
        ({"kind": "psnr_y", "name": 5}, "a metric's name is letters"),
        ({"kind": "edge_acutance", "share": 0}, "greater than 0"),
        ({"kind": "feature_distance", "layers": {"conv9_9": 1.0}}, "has no layer 'conv9_9'"),
        ({"kind": "gram_distance", "features": "vgg20"}, "Did you mean"),
        ({"kind": "gram_distance", "features": {"kind": "random", "channels": 0}}, "channels"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused(entry, words):
    with pytest.raises(RegistryError, match=words):
        resolve_metric(entry)


def test_every_metric_says_what_it_looks_at_and_which_way_is_better():
    for name in METRICS:
        metric = METRICS[name]
        assert metric.colour in ("y", "rgb")
        assert metric.beside in ("hr", "lr")
        assert metric.better in ("max", "min") or isinstance(metric.better, float)


def test_metrics_that_need_a_file_are_shown_by_no_protocol_of_itself():
    assert default_metrics("rcan") == ["psnr_rgb", "psnr_y", "ssim_rgb", "ssim_y"]
    assert default_metrics("pirm") == ["psnr_rgb", "psnr_y", "rmse", "ssim_rgb", "ssim_y"]
