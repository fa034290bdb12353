import math

import numpy as np
import pytest
import torch
from formula_picture import formula_picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from acutance_models import PictureError, bicubic_upscale, crop_to_multiple, matlab_resize
from acutance_models.resize import bicubic_enlarge, bicubic_taps, pil_resize, torch_resize

_SIDES = st.integers(1, 40)
_SCALES = st.sampled_from([1 / 8, 1 / 4, 1 / 3, 1 / 2, 0.7, 1, 1.5, 2, 3, 8])


def _slow_row(row, scale):
    """The definition, one output pixel at a time."""
    made = []
    for place in range(1, math.ceil(len(row) * scale - 1e-9) + 1):
        centre = place / scale + 0.5 * (1 - 1 / scale)
        width = 4 / min(scale, 1)
        taps = [math.floor(centre - width / 2) + each for each in range(math.ceil(width) + 2)]
        weights = [_keys((centre - tap) * min(scale, 1)) for tap in taps]
        values = [row[min(max(tap - 1, 0), len(row) - 1)] for tap in taps]
        made.append(sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights))
    return made


def _keys(d):
    d = abs(d)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d <= 2 else 0.0


@given(_SIDES, _SCALES)
def test_one_pass_is_its_definition(side, scale):
    row = np.linspace(0, 9, side) ** 2 % 7
    rows = matlab_resize(np.tile(row, (8, 1)), scale=scale)
    np.testing.assert_allclose(rows[0], _slow_row(row, scale), atol=1e-9)


@given(_SIDES, _SIDES, _SCALES, st.integers(0, 255))
def test_a_constant_picture_stays_constant(height, width, scale, level):
    for picture in (
        np.full((height, width, 3), level, np.uint8),
        np.full((height, width), level / 255),
    ):
        made = matlab_resize(picture, scale=scale)
        assert made.dtype == picture.dtype
        np.testing.assert_allclose(made, picture.flat[0], atol=1e-12)


@given(_SIDES, _SIDES, _SCALES)
def test_size_is_the_ceiling_and_both_ways_of_asking_agree(height, width, scale):
    picture = formula_picture(height, width)
    made = matlab_resize(picture, scale=scale)
    assert made.shape == (math.ceil(height * scale), math.ceil(width * scale), 3)
    if scale in (2, 3, 8):
        np.testing.assert_array_equal(made, matlab_resize(picture, size=made.shape[:2]))


def test_eight_bits_are_rounded_between_the_passes():
    picture = formula_picture()
    whole = matlab_resize(picture.astype(np.float64), scale=1 / 2)
    rounded = matlab_resize(picture, scale=1 / 2)
    once = np.clip(np.floor(whole + 0.5), 0, 255)
    differing = (rounded != once).mean()
    assert 0.02 < differing < 0.4
    assert np.abs(rounded - once).max() <= 1


def test_the_vertical_pass_comes_first():
    picture = formula_picture(16, 16)
    turned = matlab_resize(picture.swapaxes(0, 1), scale=1 / 2).swapaxes(0, 1)
    assert (turned != matlab_resize(picture, scale=1 / 2)).any()


def test_floats_may_leave_their_range_and_keep_their_type():
    edge = np.zeros((8, 8), np.float32)
    edge[:, 4:] = 1
    made = bicubic_upscale(edge, 2)
    assert made.dtype == np.float32
    assert made.max() > 1
    assert made.min() < 0


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
def test_pil_resize_is_pillows(kernel):
    picture = formula_picture()
    resample = Image.Resampling[kernel.upper()]
    wanted = np.array(Image.fromarray(picture).resize((9, 24), resample))
    np.testing.assert_array_equal(pil_resize(picture, (24, 9), kernel), wanted)


def test_torchs_antialiased_bicubic_is_close_to_matlabs_inside():
    picture = formula_picture().astype(np.float32)
    torchs = torch_resize(picture, (24, 18))[4:-4, 4:-4]
    np.testing.assert_allclose(torchs, matlab_resize(picture, scale=1 / 2)[4:-4, 4:-4], atol=1e-3)


@pytest.mark.parametrize(
    ("picture", "asked", "words"),
    [
        (np.zeros((4, 4)), {}, "scale, size or both"),
        (np.zeros(4), {"scale": 2}, r"shape \(4,\)"),
        (np.zeros((0, 4)), {"scale": 2}, r"shape \(0, 4\)"),
        (np.zeros((4, 4)), {"size": (0, 3)}, "no pixel"),
    ],
)
def test_what_cannot_be_resized_is_refused(picture, asked, words):
    with pytest.raises(PictureError, match=words):
        matlab_resize(picture, **asked)


def test_cropping_leaves_a_multiple():
    assert crop_to_multiple(formula_picture(11, 10), 4).shape == (8, 8, 3)
    with pytest.raises(PictureError, match="smaller than scale=4"):
        crop_to_multiple(formula_picture(3, 9), 4)


@given(_SIDES, _SIDES, st.integers(2, 8))
def test_enlarging_inside_a_network_is_matlabs_without_rounding(height, width, scale):
    picture = np.linspace(0, 9, height * width * 3).reshape(height, width, 3) ** 2 % 7
    tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]
    made = bicubic_enlarge(tensor, scale)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(made, matlab_resize(picture, scale=scale), atol=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_taps_of_an_enlargement_sum_to_one(scale):
    taps = [bicubic_taps(scale, phase) for phase in range(scale)]
    assert [sum(each.values()) for each in taps] == pytest.approx([1] * scale)
    assert (taps[scale // 2] == {0: 1.0}) == (scale % 2 == 1)


def test_the_way_back_from_a_rounded_up_size_keeps_the_factor():
    ramp = np.arange(9.0)[:, None].repeat(9, 1)
    small = matlab_resize(ramp, scale=0.5)
    assert small.shape == (5, 5)
    back = matlab_resize(small, scale=2, size=(9, 9))
    np.testing.assert_array_equal(back, matlab_resize(small, scale=2)[:9, :9])
    np.testing.assert_allclose(back[3:6], ramp[3:6], atol=0.05)


def test_the_two_factors_of_a_resize_are_those_of_height_and_width():
    picture = np.random.default_rng(0).random((10, 12, 3))
    made = matlab_resize(picture, scale=(1.5, 0.5))
    assert made.shape == (15, 6, 3)
    once = matlab_resize(picture, scale=(1.5, 1.0))
    np.testing.assert_allclose(matlab_resize(once, scale=(1.0, 0.5)), made, atol=1e-12)
