"""NIQE: published parameters and values, what a picture needs, parameters of one's own."""

import io

import numpy as np
import pytest
from metric_files import niqe_file
from scipy.ndimage import gaussian_filter
from scipy.special import gamma
from shared_data import read_rgb, shared

from acutance_models import PictureError, RegistryError, build_metrics, fit_niqe, score
from acutance_models.metrics.niqe import _asymmetric_fit, _halved

VALUES = {
    "Set5/HR/baby.png": (3.2655, 3.3221),
    "Set5/HR/bird.png": (4.3621, 5.2831),
    "Set5/HR/butterfly.png": (5.1549, 5.2051),
    "Set5/HR/head.png": (8.3505, 8.7408),
    "Set5/HR/woman.png": (4.3890, 4.6352),
    "demo_photos/astronaut.png": (3.0649, None),
    "demo_photos/coffee.png": (4.1152, None),
    "demo_photos/chelsea.png": (2.6255, None),
}
"""Picture -> the port's value with border 0 and with border 4, with the published parameters."""


def niqe(picture, parameters, border=0):
    built = build_metrics(["niqe"], files={"niqe": parameters})
    return score(picture, picture, protocol="rcan", scale=2, metrics=built, border=border)["niqe"]


def textured(seed, height=200, width=300):
    """Return a picture of smooth noise, everywhere alike."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 1))
    grey = 128 + 400 * gaussian_filter(noise, (1, 1, 0))
    return np.clip(grey, 0, 255).round().astype(np.uint8).repeat(3, axis=2)


@pytest.mark.parametrize("picture", VALUES)
def test_the_published_parameters_give_the_ports_values(picture):
    parameters = shared("weights/niqe_pris_params.npz").read_bytes()
    hr = read_rgb(shared(f"data/{picture}"))
    for border, value in zip((0, 4), VALUES[picture], strict=True):
        if value is not None:
            assert niqe(hr, parameters, border) == pytest.approx(value, abs=1e-3)


def test_hr_is_not_looked_at():
    metric = build_metrics(["niqe"], files={"niqe": niqe_file()})["niqe"]
    sr = textured(0)[..., 0]
    assert metric(sr, sr) == metric(sr, np.zeros_like(sr))


def test_what_lies_beyond_whole_blocks_does_not_count():
    picture = textured(1)
    changed = picture.copy()
    changed[192:], changed[:, 288:] = 0, 255
    assert niqe(changed, niqe_file()) == niqe(picture, niqe_file())


@pytest.mark.parametrize(("height", "width", "has"), [(90, 300, "none"), (100, 180, "1")])
def test_a_picture_of_fewer_than_two_blocks_is_refused(height, width, has):
    with pytest.raises(PictureError, match=f"{height}x{width} has {has}"):
        niqe(textured(2, height, width), niqe_file())


def test_flat_blocks_have_no_statistics():
    picture = textured(3, 192, 400)
    picture[:, 100:] = 90  # the first column of blocks has texture, the second its end, two none
    assert np.isfinite(niqe(picture, niqe_file()))
    with pytest.raises(PictureError, match=r"not flat, inside the border; .* has 0"):
        niqe(picture[:, 192:], niqe_file())


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 4.0])
def test_the_fit_finds_an_asymmetric_gaussians_parameters(shape):
    rng = np.random.default_rng(4)
    length = rng.gamma(1 / shape, size=400_000) ** (1 / shape)
    left, right = 1.0, 2.5
    is_left = rng.random(length.size) < left / (left + right)
    values = np.where(is_left, -left * length, right * length)
    found = _asymmetric_fit(values.reshape(1, 400, 1000))
    assert [float(each[0]) for each in found] == pytest.approx([shape, left, right], rel=0.03)
    assert gamma(1) == 1  # the scale of a shape of 1 is its mean length


def test_halving_mirrors_the_border():
    plane = np.random.default_rng(5).integers(0, 256, (96, 96)).astype(np.float32)
    inside, around = _halved(plane), _halved(np.pad(plane, 96, mode="symmetric"))
    np.testing.assert_allclose(inside, around[48:96, 48:96], atol=1e-3)


def test_own_photographs_are_nearer_to_themselves_than_blurred_ones():
    pictures = [textured(seed, 300, 400) for seed in range(10, 16)]
    parameters = fit_niqe(pictures)
    other = textured(20, 300, 400)
    blurred = gaussian_filter(other.astype(float), (1.5, 1.5, 0)).round().astype(np.uint8)
    noisy = np.clip(other + np.random.default_rng(0).normal(0, 30, other.shape), 0, 255)
    alike = niqe(other, parameters)
    assert alike < niqe(blurred, parameters) / 2
    assert alike < niqe(noisy.round().astype(np.uint8), parameters) / 2


def test_a_fit_is_a_file_like_the_published_one():
    with np.load(io.BytesIO(fit_niqe(textured(seed, 300, 400) for seed in range(5)))) as file:
        shapes = {name: file[name].shape for name in file.files}
    assert shapes == {
        "mu_pris_param": (1, 36),
        "cov_pris_param": (36, 36),
        "gaussian_window": (7, 7),
    }


def test_only_sharp_blocks_are_models():
    soft = textured(30, 300, 400)
    soft[:, 192:] = gaussian_filter(soft[:, 192:].astype(float), (4, 4, 0)).round()
    whole = [textured(seed, 300, 400) for seed in range(31, 36)]
    everything, sharp = (fit_niqe([soft, *whole], sharpness=s) for s in (0.0, 0.75))
    other = textured(40, 300, 400)
    assert niqe(other, sharp) != niqe(other, everything)


def test_too_few_photographs_are_refused():
    with pytest.raises(PictureError, match=r"these 1 photographs have \d+\. Give more"):
        fit_niqe([textured(0)])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no zip", "holds no NIQE parameters"),
        (niqe_file(mu_pris_param=np.zeros((1, 35))), r"mu_pris_param has shape \(1, 35\)"),
        (niqe_file(cov_pris_param=np.full((36, 36), np.nan)), "not finite"),
    ],
)
def test_a_file_of_something_else_is_refused(data, words):
    with pytest.raises(RegistryError, match=words):
        build_metrics(["niqe"], files={"niqe": data})


def test_without_its_file_niqe_says_which():
    with pytest.raises(RegistryError, match="niqe needs the file mine"):
        build_metrics([{"kind": "niqe", "file": "mine"}], files={"niqe": niqe_file()})
