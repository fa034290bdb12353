"""Metrics in a training: their files, their place in a stage's key, their reports."""

import pytest
from metric_files import lpips_files, niqe_file
from tiny_trainings import Place, tiny_recipe, write_pictures

from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.training import files_of_metrics, machine_kind, metric_problems, stage_keys
from acutance_platform.training.features import FEATURES, feature_files, feature_problems
from acutance_storage import put_blob, set_ref

SEVERAL = [
    "psnr_y",
    "lr_consistency",
    {"kind": "feature_distance", "layers": {"conv2_1": 1.0}, "name": "shallow"},
    "feature_distance",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    return Place(folder, write_pictures(folder / "pictures"))


def measuring(*metrics, **changes):
    return build_recipe(tiny_recipe(evaluation={"every": 20, "metrics": list(metrics)}, **changes))


def keep(store, name, data):
    sha = put_blob(store, data)
    ref = {"blob": sha, "sha256": sha, "source": "a test", "licence": ""}
    set_ref(store, FEATURES, name, ref)
    return sha


def key(recipe, files=None):
    kind = machine_kind(recipe)
    return stage_keys(recipe, dataset_version="1", machine=kind, files=files)[-1]


def test_a_training_reports_each_metric_by_its_name(place):
    evaluation = {"every": 20, "metrics": SEVERAL}
    report = place.training(tiny_recipe(evaluation=evaluation)).advance()
    told = [report.metrics[name] for name in ("lr_consistency", "shallow", "feature_distance")]
    assert all(value > 0 for value in told)
    assert told[1] != told[2]


def test_files_of_metrics_are_looked_up_beside_those_of_losses(place):
    missing = measuring("niqe", "lpips", "psnr_y")
    found = feature_problems(missing, place.store)
    assert [problem.place for problem in found] == ["evaluation.metrics.0", "evaluation.metrics.1"]
    assert "acutance fetch niqe" in str(found[0])
    assert "`acutance fetch vgg16`, `acutance fetch lpips-vgg`" in str(found[1])
    assert feature_files(missing, place.store) == {}
    with pytest.raises(RecipeErrors, match="needs the file niqe"):
        place.training(missing.model_dump(mode="json"))


def test_files_that_are_here_are_handed_to_the_metrics(place):
    shas = {name: keep(place.store, name, data) for name, data in lpips_files().items()}
    recipe = measuring("lpips", "psnr_y")
    assert feature_problems(recipe, place.store) == []
    assert feature_files(recipe, place.store) == shas
    report = place.training(recipe.model_dump(mode="json")).advance()
    assert report.metrics["lpips"] > 0


def test_a_file_may_be_named_by_its_content(place):
    sha = put_blob(place.store, niqe_file())
    entries = [{"kind": "niqe", "file": f"blob:{sha}"}]
    assert metric_problems(entries, place.store, "here") == []
    assert files_of_metrics(entries, place.store) == {f"blob:{sha}": niqe_file()}


def test_another_file_another_argument_or_another_metric_is_another_stage():
    """A state carries its reports: who shares it must have asked for the same numbers."""
    keys = [
        key(measuring("psnr_y")),
        key(measuring("psnr_y", "niqe"), {"niqe": "a" * 64}),
        key(measuring("psnr_y", "niqe"), {"niqe": "b" * 64}),
        key(measuring("psnr_y", "edge_acutance")),
        key(measuring("psnr_y", {"kind": "edge_acutance", "share": 0.2})),
    ]
    assert len(set(keys)) == len(keys)
    same = measuring("psnr_y", {"kind": "edge_acutance", "share": 0.1})
    assert key(same) == keys[3]


def test_a_metric_that_gives_other_numbers_makes_other_stages(monkeypatch):
    from acutance_models import METRICS

    before = key(measuring("psnr_y", "edge_acutance"))
    monkeypatch.setattr(METRICS["edge_acutance"], "revision", 2)
    assert key(measuring("psnr_y", "edge_acutance")) != before
