"""Degradations without rounding: linear, and within rounding the ones that data is made by."""

import numpy as np
import pytest
from calling import photograph

from acutance_models import Degradation, stream

KERNEL = [[0.0, 0.2, 0.0], [0.1, 0.4, 0.1], [0.0, 0.2, 0.0]]
LINEAR = [
    [{"kind": "matlab_bicubic"}],
    [{"kind": "matlab_bicubic_float"}],
    [{"kind": "pil_bicubic"}],
    [{"kind": "pil_lanczos"}],
    [{"kind": "torch_bicubic"}],
    [{"kind": "box"}],
    [{"kind": "blur_isotropic", "sigma": 1.2}, {"kind": "box"}],
    [{"kind": "blur_anisotropic", "sigma_x": 2.0, "sigma_y": 0.7, "angle": 30.0}, {"kind": "box"}],
    [{"kind": "blur_kernel", "kernel": KERNEL}, {"kind": "matlab_bicubic"}],
]


def name(chain):
    return "-".join(step["kind"] for step in chain)


@pytest.mark.parametrize("chain", LINEAR, ids=name)
def test_it_is_the_degradation_but_for_rounding_and_linear(chain):
    made = Degradation(chain, 2)
    shrink = made.linear()
    hr, other = (photograph(seed, 48, 60).astype(np.float32) / 255 for seed in (1, 2))
    lr = made(photograph(1, 48, 60), stream(0, "degradation"))
    # 8 bits are rounded and clipped once or twice.
    assert np.abs(np.clip(shrink(hr), 0, 1) * 255 - lr).max() < 4
    assert np.abs(np.clip(shrink(hr), 0, 1) * 255 - lr).mean() < 0.6
    sum_of_both = shrink(3 * hr - 2 * other)
    np.testing.assert_allclose(sum_of_both, 3 * shrink(hr) - 2 * shrink(other), atol=1e-5)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "blur_isotropic", "sigma": [0.2, 2.0]},
        {"kind": "noise_gaussian", "sigma": 3.0},
        {"kind": "jpeg", "quality": 80},
    ],
    ids=lambda step: step["kind"],
)
def test_what_is_random_or_not_linear_has_no_such_form(step):
    assert Degradation([step, {"kind": "matlab_bicubic"}], 2).linear() is None
