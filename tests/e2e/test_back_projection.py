"""`--back-project` corrects by the degradation with which the model was trained."""

from pathlib import Path

import numpy as np
import pytest
from calling import RECIPE, photograph
from PIL import Image

import acutance as face
from acutance_models import Degradation, matlab_resize
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.shrinking import shrinking_of

OWN = [{"kind": "blur_isotropic", "sigma": 1.5}, {"kind": "box"}]
BLURRED = "[{kind: blur_isotropic, sigma: 1.5}, {kind: box}]"


def missing(sr, lr, chain):
    small = Degradation(chain, 2).linear()(sr.astype(np.float32))
    return float(np.abs(small - lr).mean())


def test_the_models_own_degradation_is_used_and_named(place, acutance):
    patch = "patch: 32,"
    Path("own.yaml").write_text(RECIPE.replace(patch, f"{patch} degradation: {BLURRED},"))
    trained = acutance("train", "own.yaml", "--json")
    assert trained.code == 0, trained.err
    Image.fromarray(photograph(4, 60, 70)).save("in.png")
    for address in (f"blob:{trained.json['weights']}", f"run:{trained.json['run_id']}"):
        done = acutance("upscale", "in.png", "-o", "out.png", "--overwrite", "--model", address,
                        "--back-project", 20)  # fmt: skip
        assert "back-projected by the model's blur_isotropic, box" in done.out
    lr = photograph(4, 60, 70)
    own = face.load(f"blob:{trained.json['weights']}")
    np.testing.assert_array_equal(
        np.asarray(Image.open("out.png")), own.upscale(lr, back_projections=20)
    )
    elsewhere = Model("m", own.weights, own.generator)  # of a store that does not know it
    assert elsewhere.shrinking.note == ""
    sr = own.upscale(lr, back_projections=20)
    other = elsewhere.upscale(lr, back_projections=20)
    assert 2 * missing(sr, lr, OWN) < missing(other, lr, OWN)
    tiled = own.upscale(lr, back_projections=2, tile=24)
    assert np.abs(tiled.astype(int) - own.upscale(lr, back_projections=2)).max() <= 1


def test_what_is_not_linear_is_bicubic_and_said():
    noisy = shrinking_of([{"kind": "noise_gaussian", "sigma": 3.0}, {"kind": "box"}], 2)
    assert "by bicubic: the model's noise_gaussian, box is random, or not linear" in noisy.note
    unknown, usual = shrinking_of(None, 2), shrinking_of([{"kind": "matlab_bicubic"}], 2)
    assert (unknown.note, usual.note) == ("", "")
    hr = photograph(1, 20, 20) / 255
    for found in (noisy, unknown, usual):
        np.testing.assert_array_equal(found.down(hr), matlab_resize(hr, scale=1 / 2))
        assert found.reach == 5
    wide = shrinking_of([{"kind": "blur_isotropic", "sigma": 4.0}, {"kind": "box"}], 2)
    assert 8 < wide.reach <= 12, "sixteen HR pixels of blur are eight of LR"


@pytest.mark.parametrize("gone", [False, True])
def test_a_store_that_is_not_there_is_none_that_knows(gone, place, acutance, weights, monkeypatch):
    Path("m.safetensors").write_bytes(weights)
    if gone:
        monkeypatch.setenv("ACUTANCE_STORE", str(place / "nowhere"))
    done = acutance("upscale", "photos/p0.png", "-o", "out.png", "--model", "m.safetensors",
                    "--back-project", 2)  # fmt: skip
    assert (done.code, "back-projected" in done.out) == (0, False)
    assert not (place / "nowhere").exists()
