"""`import acutance`: the verbs as functions, without a line of set-up."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import acutance as face
from acutance_platform.recipe import RecipeErrors


def test_the_face_has_no_code_of_its_own_and_names_its_verbs():
    tree = ast.parse(Path(face.__file__).read_text())
    kinds = {type(node) for node in tree.body[1:]}
    assert kinds == {ast.ImportFrom, ast.Assign}
    assert face.__all__ == sorted(face.__all__)
    promised = {"load", "train", "sweep", "resume", "front", "evaluate", "upscale"}
    assert promised <= set(face.__all__)


@pytest.mark.parametrize("name", face.__all__)
def test_every_verb_is_explained_and_needs_no_home(name):
    function = getattr(face, name)
    assert inspect.getdoc(function)
    home = inspect.signature(function).parameters["home"]
    assert home.default is None


def test_a_loaded_model_enlarges_arrays(place, weights):
    Path("m.safetensors").write_bytes(weights)
    lr = np.asarray(Image.open("photos/p0.png"))
    model = face.load("m.safetensors")
    sr = model.upscale(lr)
    assert sr.shape == (192, 240, 3)
    assert sr.dtype == np.uint8
    np.testing.assert_allclose(model.upscale(lr, tile=32).astype(int), sr, atol=1)
    face.upscale("photos/p0.png", output="sr.png", model="m.safetensors")
    np.testing.assert_array_equal(np.asarray(Image.open("sr.png")), sr)
    assert face.load(Path("m.safetensors")).weights == model.weights


def test_the_shipped_model_beats_bicubic_on_a_photograph_it_has_not_seen(place):
    photo = Path(__file__).parents[2] / "experiments/quickstart/photos/validation/chelsea.png"
    if not photo.exists():
        (photo,) = photo.parents[1].rglob("chelsea*")
    folder = place / "one"
    folder.mkdir()
    (folder / photo.name).write_bytes(photo.read_bytes())
    ours = face.evaluate("shipped", folder).mean["psnr_y"]
    assert ours > face.evaluate("bicubic", folder, scale=2).mean["psnr_y"] + 0.5


def test_bicubic_is_a_model_too(place):
    lr = np.asarray(Image.open("photos/p0.png"))
    assert face.load("bicubic").upscale(lr, scale=3).shape == (288, 360, 3)
    with pytest.raises(RecipeErrors, match="Add --scale N"):
        face.load("bicubic").upscale(lr)


def test_evaluate_takes_paths_and_says_what_the_command_line_says(place, acutance, weights):
    Path("m.safetensors").write_bytes(weights)
    found = face.evaluate("m.safetensors", place / "photos")
    shown = acutance("evaluate", "m.safetensors", place / "photos", "--json").json
    assert found.as_dict() == shown


def test_questions_about_sweeps_that_do_not_exist(place):
    for verb in (face.status, face.front, face.resume, face.report):
        with pytest.raises(RecipeErrors, match="there is no sweep of this name"):
            verb("nope")
