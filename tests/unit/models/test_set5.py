"""The figures that the literature prints for bicubic on Set5."""

import numpy as np
import pytest
from shared_data import read_rgb, shared

from acutance_models import Degradation, crop_to_multiple, score_bicubic, stream

NAMES = ("baby", "bird", "butterfly", "head", "woman")


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_the_distributed_lr_pictures_are_reproduced_bit_for_bit(name, scale):
    folder = shared("data/Set5")
    hr = crop_to_multiple(read_rgb(folder / "HR" / f"{name}.png"), scale)
    lr = Degradation([{"kind": "matlab_bicubic"}], scale)(hr, stream(0, "unused"))
    np.testing.assert_array_equal(lr, read_rgb(folder / f"LRx{scale}" / f"{name}.png"))


@pytest.mark.parametrize(
    ("protocol", "scale", "decibels", "similarity"),
    [
        ("rcan", 2, 33.67, None),
        ("rcan", 3, 30.41, None),
        ("rcan", 4, 28.43, None),
        ("y8", 2, 33.66, 0.9299),
        ("y8", 3, 30.39, 0.8682),
        ("y8", 4, 28.42, 0.8104),
    ],
)
def test_bicubic_scores_what_the_literature_prints(protocol, scale, decibels, similarity):
    folder = shared("data/Set5/HR")
    scores = [
        score_bicubic(
            read_rgb(folder / f"{name}.png"),
            protocol=protocol,
            scale=scale,
            metrics=["psnr_y", "ssim_y"],
        )
        for name in NAMES
    ]
    assert np.mean([each["psnr_y"] for each in scores]) == pytest.approx(decibels, abs=0.01)
    if similarity is not None:
        found = np.mean([each["ssim_y"] for each in scores])
        assert found == pytest.approx(similarity, abs=1e-4)
