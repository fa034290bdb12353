"""The formulas of zero-shot training."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acutance_models import DegradationError, matlab_resize, stream
from acutance_models.resize import resized_size
from acutance_models.zero_shot import (
    Augmentation,
    Shrink,
    SlopeRule,
    draw_father,
    enlarge,
    fitted_kernel,
    fitted_slope,
    jumps,
    warp,
    with_noise,
)


def picture(height=40, width=36, seed=0):
    return stream(seed, "picture").random((height, width, 3), dtype=np.float32)


def moved(x, y):
    matrix = np.eye(3)
    matrix[:2, 2] = x, y
    return matrix


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_shift_by_whole_pixels_is_a_crop(x, y):
    source = picture()
    np.testing.assert_array_equal(warp(source, moved(-x, -y), 24), source[y : y + 24, x : x + 24])


@given(st.integers(0, 3), st.booleans())
def test_quarter_turns_and_mirrors_are_exact(turns, mirrored):
    source = picture(17, 17)
    middle, angle = moved(8, 8), turns * math.pi / 2
    turn = np.array(
        [[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    mirror = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    found = warp(source, middle @ turn @ mirror @ np.linalg.inv(middle), 17)
    expected = np.rot90(source[:, ::-1] if mirrored else source, turns)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_warp_is_zero_outside_and_keys_cubic_between_pixels():
    source = picture(9, 9)
    assert (warp(source, moved(20, 0), 9) == 0).all()
    found = warp(source, moved(-3.25, -4), 1)[0, 0]
    a, taps = -0.75, np.abs(np.array([-1, 0, 1, 2]) - 0.25)
    near = (a + 2) * taps**3 - (a + 3) * taps**2 + 1
    far = a * (taps**3 - 5 * taps**2 + 8 * taps - 4)
    weights = np.where(taps <= 1, near, far)
    np.testing.assert_allclose(found, weights @ source[4, 2:6], atol=1e-6)


def fathers(augmentation, count=400, **changes):
    given = {"pool": [picture(60, 50)], "base_scales": [1.0], "max_scale": 1.0, **changes}
    return [
        draw_father(**given, augmentation=augmentation, rng=stream(3, "father", step))
        for step in range(count)
    ]


def values_of(picture):
    return set(np.round(picture.astype(np.float64), 6).ravel().tolist())


def test_fathers_as_they_are_are_crops():
    source = picture(60, 50)
    windows = np.lib.stride_tricks.sliding_window_view(source, (32, 32), axis=(0, 1))
    crops = {np.moveaxis(w, 0, -1).tobytes() for row in windows for w in row}
    found = fathers(Augmentation(crop=32, as_is=1.0, exact=0.0), count=40)
    assert all(father.tobytes() in crops for father in found)
    assert len({father.tobytes() for father in found}) > 20, "they are the same crop"


def test_exact_fathers_hold_only_the_pictures_own_values():
    values = {0.0, *values_of(picture(60, 50))}
    found = fathers(Augmentation(crop=32, as_is=0.0, exact=1.0), count=40)
    assert all(values_of(father) <= values for father in found)


def test_modes_come_in_their_shares():
    crops = {f.tobytes() for f in fathers(Augmentation(crop=60, as_is=1.0, exact=0.0), count=1)}
    plain = Augmentation(crop=60, as_is=0.05, exact=0.45)  # no room to shift: `as is` is one crop
    values = {0.0, *values_of(picture(60, 50))}
    found = fathers(plain)
    exact = [values_of(f) <= values for f in found]
    assert 0.42 < np.mean(exact) < 0.58
    # One in eight of the exact ones looks like those as they are, by chance.
    assert 0.06 < np.mean([f.tobytes() in crops for f in found]) < 0.16


def test_without_rotation_only_scale_and_shift_are_left():
    calm = Augmentation(crop=32, as_is=0, exact=0, rotate=False, anisotropy=0, shear=0)
    slope = np.linspace(0, 1, 50, dtype=np.float32)[None, :, None].repeat(60, 0).repeat(3, 2)
    for father in fathers(calm, count=20, pool=[slope]):
        inside = father[8:-8, 8:-8]
        rows = inside[(inside > 0.05).all(axis=(1, 2))]
        assert (np.diff(rows, axis=1) >= -1e-6).all(), "mirrored or turned"


def test_the_smallest_picture_that_is_large_enough_is_taken():
    small, large = np.full((40, 40, 3), 0.2, np.float32), np.full((60, 60, 3), 0.8, np.float32)
    both = {"pool": [small, large], "base_scales": [1.0, 1.5], "max_scale": 1.5}
    found = fathers(Augmentation(crop=32, as_is=0, exact=1.0, min_scale=0.5), **both)
    share = np.mean([father.max() > 0.5 for father in found])
    assert 0.4 < share < 0.6, "half of the scales from 0.5 to 1.5 are above 1"


def test_fathers_depend_on_their_stream_alone():
    again = fathers(Augmentation(crop=32), count=5)
    for first, second in zip(fathers(Augmentation(crop=32), count=5), again, strict=True):
        np.testing.assert_array_equal(first, second)


FACTORS = st.tuples(st.sampled_from([1.0, 1.5, 2.0, 3.0]), st.sampled_from([1.0, 1.5, 2.0, 2.5]))


@given(FACTORS, st.integers(6, 25), st.integers(6, 25))
def test_sons_come_back_to_their_fathers_size_and_place(factors, height, width):
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    father = np.stack([rows, columns], axis=2)
    son = Shrink(factors)(father)
    assert son.shape[:2] == resized_size((height, width), (1 / factors[0], 1 / factors[1]))
    back = enlarge(son, factors, (height, width))
    assert back.shape == father.shape
    middle = (slice(2 * height // 5, -(2 * height // 5)), slice(2 * width // 5, -(2 * width // 5)))
    if min(height, width) > 20:
        np.testing.assert_allclose(back[middle], father[middle], atol=0.35)


def bicubic_kernel(factor):
    side = 4 * factor - factor % 2  # where the factor is odd, the LR pixel stands on an HR pixel
    d = np.abs(np.arange(side) - (side - 1) / 2) / factor
    line = np.where(d <= 1, 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * (d**3 - 5 * d**2 + 8 * d - 4))
    return np.outer(line, line)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(24, 36), (25, 31)])
def test_the_bicubic_kernel_gives_what_matlab_gives(factor, size):
    source = picture(*size).astype(np.float64)
    found = Shrink((factor, factor), bicubic_kernel(factor))(source)
    np.testing.assert_allclose(found, matlab_resize(source, scale=1 / factor), atol=1e-9)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("side", [9, 10])
def test_a_kernel_is_moved_to_where_bicubic_expects_it(factor, side):
    kernel = np.zeros((side, side))
    kernel[2:5, 5:7] = 1.0  # off centre, and of another sum than 1
    ramp = np.mgrid[0:60, 0:60].astype(np.float64).transpose(1, 2, 0)
    found = Shrink((factor, factor), kernel)(ramp)
    expected = Shrink((factor, factor))(ramp)
    middle = slice(6, -6)
    np.testing.assert_allclose(found[middle, middle], expected[middle, middle], atol=0.02)


def test_the_first_row_of_a_kernel_weighs_what_lies_above():
    kernel = np.zeros((21, 21))
    kernel[10, 10], kernel[7, 10], kernel[14, 10] = 0.5, 0.3, 0.2
    fitted = fitted_kernel(kernel, 1)
    assert fitted.sum() == pytest.approx(1)
    point = np.zeros((41, 41, 1))
    point[20, 20] = 1.0
    # Correlated: the pixel three rows above the point sees it through the rows below the middle.
    seen = Shrink((1, 1), kernel)(point)[:, 20, 0]
    assert seen[23] == pytest.approx(0.3, abs=0.1)
    assert seen[16] == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize(
    "kernel", [np.ones(3), np.zeros((3, 3)), np.full((3, 3), np.nan), -np.ones((2, 2))]
)
def test_what_is_no_kernel_is_refused(kernel):
    with pytest.raises(DegradationError, match="kernel"):
        fitted_kernel(kernel, 2)
    with pytest.raises(DegradationError, match="whole scale"):
        Shrink((1.0, 1.5), np.ones((3, 3)))


def test_noise_has_its_deviation_and_stays_in_range():
    grey = np.full((200, 200, 3), 0.5, np.float32)
    noisy = with_noise(grey, 0.0125, stream(0, "noise"))
    assert noisy.std() == pytest.approx(0.0125, rel=0.02)
    assert with_noise(grey, 0.9, stream(0, "noise")).max() == 1.0
    np.testing.assert_array_equal(with_noise(grey, 0.0, stream(0, "noise")), grey)


@given(st.lists(st.floats(-1, 1), min_size=5, max_size=9), st.integers(0, 3000))
def test_the_slope_is_numpys_and_its_deviation_old_numpys(errors, start):
    steps = [start + 50 * i for i in range(len(errors))]
    slope, deviation = fitted_slope(steps, errors)
    (expected, _), covariance = np.polyfit(np.array(steps) - start, errors, 1, cov=True)
    n = len(errors)
    assert slope == pytest.approx(expected, abs=1e-9)
    old = math.sqrt(max(covariance[0, 0], 0) * (n - 2) / (n - 4))
    assert deviation == pytest.approx(old, rel=1e-6, abs=1e-9)


def run(rule, error_of, most=3000):
    changes = []
    for iteration in range(most):
        if rule.wants_error(iteration):
            rule.note(iteration, error_of(iteration))
        drops = rule.drops
        rule.judge(iteration)
        if rule.drops > drops:
            changes.append(iteration + 1)
        if rule.ended:
            break
    return changes


def test_a_flat_scattered_error_lowers_the_rate_as_soon_as_it_may():
    flat = run(SlopeRule(lr=1e-3), lambda i: 1.0 + 0.1 * (-1) ** (i // 50))
    # Judged every 60 steps, more than 256 after the last change; three times from 1e-3.
    assert flat == [300, 600, 900]


def test_a_steady_fall_keeps_the_rate():
    rule = SlopeRule(lr=1e-3)
    assert run(rule, lambda i: 1.0 - 1e-4 * i) == []
    assert rule.lr == 1e-3
    assert not rule.ended


def test_the_ratio_decides_between_fall_and_scatter():
    # The deviation of the slope of (0, -1, -2, -3, -4) + (e, -e, e, -e, e) is known by hand.
    steps, tilt = [0, 1, 2, 3, 4], [0.3, -0.3, 0.3, -0.3, 0.3]
    slope, deviation = fitted_slope(steps, [-s + t for s, t in zip(steps, tilt, strict=True)])
    assert slope == pytest.approx(-1)
    assert deviation == pytest.approx(math.sqrt(0.432 / 1 / 10))


def test_gradual_jumps_are_the_published_ones():
    way = jumps(2, gradual=True)
    assert [jump.factors for jump in way] == [
        (1, 1.5),
        (1.5, 1),
        (1.5, 1.5),
        (1.5, 2),
        (2, 1.5),
        (2, 2),
    ]
    assert [jump.back_projections for jump in way] == [6, 6, 8, 10, 10, 12]
    for scale in (2, 3, 4):
        assert jumps(scale, gradual=True)[-1].factors == (scale, scale)
        assert [jump.factors for jump in jumps(scale, gradual=False)] == [(scale, scale)]
    assert {jump.back_projections for jump in jumps(3, gradual=True, back_projections=0)} == {0}
