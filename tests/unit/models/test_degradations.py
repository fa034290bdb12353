import io
import re

import numpy as np
import pytest
from formula_picture import formula_picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from acutance_models import (
    DEGRADATIONS,
    Degradation,
    DegradationError,
    PictureError,
    RegistryError,
    check_degradation,
    matlab_resize,
    stream,
)
from acutance_models.degradations.blurring import gaussian_kernel
from acutance_models.zero_shot import Shrink

RESIZES = [
    "box",
    "matlab_bicubic",
    "matlab_bicubic_float",
    "pil_bicubic",
    "pil_lanczos",
    "torch_bicubic",
]
FULL = [
    {"kind": "blur_isotropic", "sigma": [0.2, 2.0]},
    {"kind": "blur_anisotropic", "sigma_x": [0.5, 2.0], "sigma_y": 1.0},
    {"kind": "matlab_bicubic"},
    {"kind": "noise_poisson", "photons": [200, 1000]},
    {"kind": "noise_gaussian", "sigma": [1.0, 10.0]},
    {"kind": "jpeg", "quality": [30, 95]},
]
SAME = {"kind": "matlab_bicubic"}  # at scale 1 it changes nothing, so single steps can be seen


def _alone(step, picture, key=0):
    return Degradation([step, SAME], 1)(picture, stream(key, "test"))


@pytest.mark.parametrize("kind", RESIZES)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_each_resize_makes_the_picture_smaller_by_the_scale(kind, scale):
    degradation = Degradation([{"kind": kind}], scale)
    hr = formula_picture(48, 72)
    lr = degradation(hr, stream(0, "unused"))
    assert (lr.shape, lr.dtype) == ((48 // scale, 72 // scale, 3), np.uint8)
    assert not degradation.random
    assert degradation.revisions == [1]


def test_the_box_takes_the_mean_of_each_square_and_rounds_once():
    hr = formula_picture(8, 12)
    made = Degradation([{"kind": "box"}], 4)
    exact = made.unrounded(hr, stream(0, "unused")) * 255
    for row, column in np.ndindex(2, 3):
        square = hr[4 * row : 4 * row + 4, 4 * column : 4 * column + 4].astype(np.float64)
        np.testing.assert_allclose(exact[row, column], square.mean(axis=(0, 1)), rtol=1e-6)
    rounded = made(hr, stream(0, "unused"))
    np.testing.assert_array_equal(rounded, np.floor(np.round(exact, 4) + 0.5))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_kernel_subsampled_is_what_zero_shot_takes_the_lr_picture_for(scale):
    kernel = [[0.0, 0.1, 0.2], [0.1, 0.2, 0.1], [0.2, 0.1, 0.0], [0.3, 0.0, 0.0]]
    hr = formula_picture(48, 72)
    made = Degradation([{"kind": "kernel_subsample", "kernel": kernel}], scale)
    exact = made.unrounded(hr, stream(0, "unused"))
    shrink = Shrink((float(scale), float(scale)), np.array(kernel))
    np.testing.assert_allclose(exact, shrink((hr / 255.0).astype(np.float32)), atol=1e-6)
    assert not made.random


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_kernel_subsampled_lies_where_bicubic_lays_it(scale):
    """A slope keeps its place: neither half a pixel up nor to the left."""
    row, column = np.mgrid[0:48, 0:72]
    hr = np.repeat((20 + row + 2 * column)[..., None], 3, axis=2).astype(np.uint8)
    lone = {
        "kind": "kernel_subsample",
        "kernel": [[0.0, 0.1, 0.0], [0.3, 0.3, 0.2], [0.0, 0.1, 0.0]],
    }
    found, wanted = (
        Degradation([step], scale).unrounded(hr, stream(0, "unused"))[3:-3, 3:-3] * 255
        for step in (lone, {"kind": "matlab_bicubic_float"})
    )
    np.testing.assert_allclose(found, wanted, atol=0.05)


def test_rounding_happens_where_the_step_says():
    hr = formula_picture()
    step = Degradation([{"kind": "matlab_bicubic_float"}], 2)
    exact = step.unrounded(hr, stream(0, "unused"))
    wanted = matlab_resize(hr.astype(np.float64), scale=1 / 2)
    np.testing.assert_allclose(exact * 255, wanted, atol=1e-4)
    rounded = Degradation([{"kind": "matlab_bicubic"}], 2).unrounded(hr, stream(0, "unused"))
    np.testing.assert_array_equal(
        np.round(rounded * 255, 3), matlab_resize(hr, scale=1 / 2).astype(np.float32)
    )


def test_a_key_decides_everything_random():
    degradation = Degradation(FULL, 2)
    assert degradation.random
    hr = formula_picture()
    one, again, other = (degradation(hr, stream(0, "degradation", key)) for key in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_hr_picture_is_left_as_it_is():
    hr = formula_picture()
    hr.flags.writeable = False
    Degradation(FULL, 2)(hr, stream(0, "degradation"))
    np.testing.assert_array_equal(hr, formula_picture())


@pytest.mark.parametrize("step", FULL)
def test_a_complete_spec_builds_the_same_again(step):
    chain = [step] if step["kind"] in RESIZES else [step, {"kind": "pil_bicubic"}]
    spec = Degradation(chain, 4).spec
    assert Degradation(spec, 4).spec == spec


@pytest.mark.parametrize(
    ("chain", "problems"),
    [
        ([], ["exactly one step must resize, 0 do"]),
        ([SAME, {"kind": "pil_lanczos"}], ["exactly one step must resize, 2 do"]),
        ("matlab_bicubic", ["a degradation is a list of steps"]),
        ({"kind": "matlab_bicubic"}, ["a degradation is a list of steps"]),
        (
            [{"kind": "blur_isotropic"}, {"kind": "jepg"}, {"kind": "jpeg", "quality": 101}],
            ["0.sigma: ", "1.kind: Unknown degradation step 'jepg'", "2.quality: "],
        ),
        ([{"kind": "blur_isotropic", "sigma": [2, 1]}, SAME], ["0: .*upside down. Write"]),
        ([{"kind": "noise_gaussian", "sigma": 0}, SAME], ["changes nothing"]),
        ([{"kind": "noise_gaussian", "sigma": -1}, SAME], ["0.sigma: "]),
        ([{"kind": "noise_poisson", "photons": [0, 9]}, SAME], ["no light is left"]),
        ([{"kind": "jpeg", "quality": [90, 30]}, SAME], ["upside down"]),
        ([{"kind": "blur_kernel", "kernel": [[1.0, 0.0]]}, SAME], ["odd number of rows"]),
        ([{"kind": "blur_kernel", "kernel": [[0.5]]}, SAME], ["add up to 1"]),
        ([{"kind": "blur_kernel", "kernel": [[0.5], [1, 2]]}, SAME], ["equally long rows"]),
        ([{"kind": "kernel_subsample", "kernel": [[0.5], [1, 2]]}], ["equally long rows"]),
        ([{"kind": "kernel_subsample", "kernel": [[0.5, -1]]}], ["kernel_subsample: .*positive"]),
        ([{"kind": "kernel_subsample", "kernel": [[1.0]]}, SAME], ["exactly one step must resize"]),
        (
            [{"kind": "blur_anisotropic", "sigma_x": 1, "sigma_y": 2, "angle": [9, 0]}, SAME],
            ["angle=.*upside down"],
        ),
    ],
)
def test_everything_wrong_with_a_chain_is_listed(chain, problems):
    with pytest.raises(RegistryError) as caught:
        Degradation(chain, 2)
    assert list(caught.value.problems) == check_degradation(chain, scale=2)
    for problem, words in zip(caught.value.problems, problems, strict=True):
        assert re.search(words, str(problem))


@pytest.mark.parametrize(
    ("hr", "error", "words"),
    [
        (np.zeros((7, 8, 3), np.uint8), DegradationError, "7x8 is not a multiple.*Crop to 6x8"),
        (np.zeros((8, 8, 3), np.float32), DegradationError, "must be uint8"),
        (np.zeros((8, 8), np.uint8), PictureError, r"\(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), PictureError, r"\(8, 8, 4\)"),
    ],
)
def test_pictures_that_cannot_be_degraded_are_refused(hr, error, words):
    with pytest.raises(error, match=words):
        Degradation([SAME], 2)(hr, stream(0, "unused"))


@given(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-180, 180))
def test_a_gaussian_kernel_has_its_spread_and_direction(sigma_x, sigma_y, degrees):
    kernel = gaussian_kernel(sigma_x, sigma_y, degrees)
    assert kernel.sum() == pytest.approx(1)
    reach = kernel.shape[0] // 2
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    turn = np.radians(degrees)
    along = right * np.cos(turn) - down * np.sin(turn)
    if min(sigma_x, sigma_y) > 0.7:  # below, sampling at whole pixels widens the curve
        assert (kernel * along**2).sum() ** 0.5 == pytest.approx(sigma_x, rel=0.03)


def test_both_gaussian_blurs_agree_where_they_are_the_same():
    picture = formula_picture()
    isotropic = _alone({"kind": "blur_isotropic", "sigma": 1.3}, picture)
    step = {"kind": "blur_anisotropic", "sigma_x": 1.3, "sigma_y": 1.3, "angle": 40.0}
    difference = _alone(step, picture).astype(int) - isotropic
    assert np.abs(difference).max() <= 1


def test_a_given_kernel_is_the_picture_of_a_white_pixel():
    picture = np.zeros((7, 7, 3), np.uint8)
    picture[3, 3] = 250
    kernel = [[0.0, 0.1, 0.2], [0.0, 0.4, 0.1], [0.1, 0.1, 0.0]]
    blurred = _alone({"kind": "blur_kernel", "kernel": kernel}, picture)
    np.testing.assert_array_equal(blurred[2:5, 2:5, 0], np.array(kernel) * 250)


@pytest.mark.parametrize("kind", ["blur_isotropic", "blur_anisotropic", "blur_kernel"])
def test_blurs_leave_a_constant_picture_alone(kind):
    arguments = {
        "blur_isotropic": {"sigma": 3},
        "blur_anisotropic": {"sigma_x": 3, "sigma_y": 1},
        "blur_kernel": {"kernel": [[0.25, 0.5, 0.25]]},
    }[kind]
    picture = np.full((9, 12, 3), 77, np.uint8)
    np.testing.assert_array_equal(_alone({"kind": kind, **arguments}, picture), picture)


def test_noise_has_the_stated_strength():
    grey = np.full((200, 200, 3), 100, np.uint8)
    gaussian = _alone({"kind": "noise_gaussian", "sigma": 8}, grey).astype(float)
    assert gaussian.std() == pytest.approx(8, rel=0.02)
    assert gaussian.mean() == pytest.approx(100, abs=0.1)
    poisson = _alone({"kind": "noise_poisson", "photons": 500}, grey).astype(float)
    assert poisson.std() == pytest.approx((100 * 255 / 500) ** 0.5, rel=0.02)
    assert poisson.mean() == pytest.approx(100, abs=0.1)


def test_grey_noise_is_the_same_on_all_colours():
    grey = np.full((20, 20, 3), 100, np.uint8)
    noisy = _alone({"kind": "noise_gaussian", "sigma": 8, "grey": True}, grey)
    assert (noisy[..., 0] == noisy[..., 1]).all()
    assert (noisy[..., 0] == noisy[..., 2]).all()
    coloured = _alone({"kind": "noise_gaussian", "sigma": 8}, grey)
    assert (coloured[..., 0] != coloured[..., 1]).any()


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_jpeg_is_what_a_file_would_hold(subsampling):
    picture = formula_picture()
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=40, subsampling=subsampling)
    step = {"kind": "jpeg", "quality": 40, "subsampling": subsampling}
    np.testing.assert_array_equal(_alone(step, picture), np.array(Image.open(file)))


def test_every_value_of_a_range_is_inside_it_and_ends_are_reached():
    class Recorder:
        def __init__(self):
            self.drawn = []

        def integers(self, low, high, *, endpoint):
            value = stream(len(self.drawn), "quality").integers(low, high, endpoint=endpoint)
            self.drawn.append(int(value))
            return value

    recorder = Recorder()
    step = DEGRADATIONS.build({"kind": "jpeg", "quality": [50, 53]})
    for _ in range(60):
        step(formula_picture(8, 8), recorder)
    assert set(recorder.drawn) == {50, 51, 52, 53}
    weak = {"kind": "noise_gaussian", "sigma": [1, 4]}
    grey = np.full((60, 60, 3), 100, np.uint8)
    spreads = [_alone(weak, grey, key).astype(float).std() for key in range(30)]
    assert 1 < min(spreads) < 1.8
    assert 3.2 < max(spreads) < 4.2


def test_a_range_makes_a_chain_random_and_a_value_does_not():
    assert Degradation([{"kind": "jpeg", "quality": [30, 90]}, SAME], 2).random
    assert not Degradation([{"kind": "jpeg", "quality": 30}, SAME], 2).random
    assert not Degradation([{"kind": "blur_isotropic", "sigma": [1, 1]}, SAME], 2).random
    assert Degradation([{"kind": "noise_gaussian", "sigma": 1}, SAME], 2).random
