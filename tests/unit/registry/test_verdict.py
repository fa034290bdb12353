"""What a gate says to figures: each rule alone, all at once, and what cannot be checked."""

import numpy as np
import pytest

from acutance_platform.recipe import RecipeErrors
from acutance_platform.registry.gates import Gate, load_gate
from acutance_platform.registry.verdict import NO_PICTURES, judge, means


def measured(gained, *, bicubic=30.0, champion=True, **more):
    pictures = []
    for index, gain in enumerate(gained):
        its = {"psnr_y": 31.0 + index, "ssim_y": 0.9, "niqe": 5.0, "rmse": 3.0}
        mine = {**its, "psnr_y": its["psnr_y"] + gain}
        pictures.append(
            {
                "challenger": mine,
                "champion": its if champion else None,
                "bicubic": {"psnr_y": bicubic},
            }
        )
    sets = [{"data": "d", "pictures": pictures}] if pictures else []
    return {"sets": sets, "known": True, "machine": "AMD EPYC 9B14", **more}


BETTER = [0.1, 0.3, 0.2, 0.25, 0.15, 0.05, 0.4, 0.2, 0.1, 0.3]
NOISE = [0.1, -0.1, 0.05, -0.06, 0.02, -0.02, 0.2, -0.19, 0.0, 0.0]


def test_the_better_one_passes_the_worse_and_the_equal_one_are_told_their_figures():
    assert judge(Gate(), measured(BETTER))[0] == []
    (worse,) = judge(Gate(), measured([-gain for gain in BETTER]))[0]
    assert "-0.2050 on average over 10 pictures" in worse
    assert "lower 95 % bound -0.26" in worse
    (equal,) = judge(Gate(), measured(NOISE))[0]
    assert "not shown to be better" in equal
    (same,) = judge(Gate(), measured([0.0] * 10))[0]
    assert "+0.0000" in same


def test_a_margin_lets_an_equal_pass_where_the_win_lies_elsewhere():
    gate = Gate(compare={"psnr_y": 0.2})
    assert judge(gate, measured(NOISE))[0] == []
    assert "less 0.2" in judge(gate, measured([-gain for gain in BETTER]))[0][0]


def test_less_is_better_where_a_metric_says_so():
    figures = measured(BETTER)
    for picture in figures["sets"][0]["pictures"]:
        picture["challenger"]["niqe"] = 4.0
    assert judge(Gate(compare={"niqe": 0.0, "psnr_y": 0.0}), figures)[0] == []
    for picture in figures["sets"][0]["pictures"]:
        picture["challenger"]["niqe"] = 6.0
    reasons = judge(Gate(compare={"niqe": 0.0, "psnr_y": 0.0}), figures)[0]
    assert [reason.partition(":")[0] for reason in reasons] == ["niqe"]
    assert "Holm over 2 metrics" in reasons[0]


def test_without_a_champion_only_the_absolute_rules_count():
    reasons, figures = judge(Gate(), measured([0.0] * 3, champion=False))
    assert reasons == []
    assert figures["champion"] is None
    (reason,) = judge(Gate(), measured([0.0] * 3, champion=False, bicubic=40.0))[0]
    assert reason == "psnr_y: 32.0000 does not beat bicubic's 40.0000"


def test_no_picture_is_a_reason_with_the_way_out():
    reasons, _ = judge(Gate(), measured([]))
    assert reasons == [NO_PICTURES]
    assert "--data FOLDER" in reasons[0]


def test_every_rule_that_fails_is_told_at_once():
    gate = Gate.model_validate(
        {
            "thresholds": {"psnr_y": ">= 50", "ssim_y": "> 0.5"},
            "lineage": "required",
            "validation": 0.01,
            "latency_ms": {"at_most": 5, "machine": "AMD*"},
            "peak_memory_mb": {"at_most": 5, "machine": "NVIDIA*"},
            "seam": {"at_least": 60},
            "onnx": 1e-4,
        }
    )
    figures = measured(
        [-1.0] * 4,
        bicubic=60.0,
        latency_ms=7.0,
        peak_memory_mb=1.0,
        seam_db=55.0,
        onnx="cannot be checked here",
        validation={"psnr_y": {"stored": 30.0, "measured": 30.02}},
    )
    figures["known"] = False
    reasons = judge(gate, figures)[0]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "psnr_y", "psnr_y", "psnr_y", "lineage", "latency_ms", "peak_memory_mb", "seam", "onnx",
        "validation",
    ]  # fmt: skip
    assert "cannot be checked here" in reasons[5]


def test_means_are_pooled_as_the_metric_says():
    assert means([{"rmse": 3.0, "psnr_y": 3.0}, {"rmse": 4.0, "psnr_y": 4.0}]) == {
        "rmse": pytest.approx(np.sqrt(12.5)),
        "psnr_y": 3.5,
    }


def test_the_shipped_default_is_the_built_in_one_and_all_shipped_gates_load(tmp_path):
    from pathlib import Path

    folder = Path(__file__).parents[3] / "experiments" / "gates"
    assert load_gate("default", folder) == load_gate("default", tmp_path) == ("default", Gate())
    for file in folder.glob("*.yaml"):
        assert load_gate(file.stem, folder)[0] == file.stem


def test_all_that_is_wrong_with_a_gate_is_told_at_once_with_its_lines(tmp_path):
    (tmp_path / "bad.yaml").write_text(
        "compare: {psnr: 0.0}\nthresholds: {psnr_y: 28}\nbeats_bicubic: [nique]\n"
    )
    with pytest.raises(RecipeErrors) as refused:
        load_gate("bad", tmp_path)
    assert "thresholds" in str(refused.value)
    (tmp_path / "bad.yaml").write_text("compare: {psnr: 0.0}\nbeats_bicubic: [nique]\n")
    with pytest.raises(RecipeErrors) as refused:
        load_gate("bad", tmp_path)
    assert len(refused.value.problems) == 2
    assert "bad.yaml:1" in str(refused.value)
    assert "Did you mean 'niqe'" in str(refused.value)
    with pytest.raises(RecipeErrors, match="Gates here: bad, default"):
        load_gate("other", tmp_path)
