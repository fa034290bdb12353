"""Pictures of models are bit for bit those of `upscale`, of trainings and of a whole picture."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from models_beside import TRIALS, home_with_models
from zero_shot_recipe import zero_shot_recipe

from acutance_models import build_generator, resolve_generator
from acutance_platform.dashboard.index import Index
from acutance_platform.dashboard.panels import Panels
from acutance_platform.dashboard.studio import Studio
from acutance_platform.recipe import RecipeErrors, build_recipe
from acutance_platform.search import sweep_journal
from acutance_platform.training import Pairs, machine_kind
from acutance_platform.training.zero_shot import ZeroShotTraining
from acutance_platform.verbs import model as models
from acutance_platform.verbs.addresses import load_model
from acutance_platform.verbs.model import Model
from acutance_platform.verbs.sides import Sides

ADDRESSES = [*(f"nights/{trial}" for trial in TRIALS), "bicubic", "lr", "hr"]
NOISE = [{"kind": "matlab_bicubic"}, {"kind": "noise_gaussian", "sigma": 6}]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A sweep whose LR is noisy: each picture's noise is its own."""
    data = {"patch": 32, "batch": 2, "degradation": NOISE}
    return home_with_models(tmp_path_factory.mktemp("home"), data=data)


@pytest.fixture(scope="module")
def studio(home):
    made = Studio(home)
    yield made
    made.close()


@pytest.fixture(scope="module")
def panels(home, studio):
    return Panels(home, Index(home), studio.key)


def joined(size, pieces):
    whole = np.zeros((*size, 3), np.uint8)
    for top, left, pixels in pieces:
        whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return whole


UPSCALED = """
import sys, numpy, acutance
lr, folder, *models = sys.argv[1:]
for number, model in enumerate(models):
    numpy.save(f"{folder}/{number}.npy", acutance.load(model).upscale(numpy.load(lr)))
"""


def upscaled(home, folder, lr, models):
    """Return what models make of a picture in a fresh process, as on the command line.

    Not in this one, whose number of threads, which decides a last bit, an earlier test may have
    set.
    """
    np.save(folder / "lr.npy", np.asarray(lr))
    command = [sys.executable, "-c", UPSCALED, str(folder / "lr.npy"), str(folder), *models]
    places = {"ACUTANCE_STORE": home.store.address, "ACUTANCE_LOCAL": str(home.local)}
    subprocess.run(command, env={**os.environ, **places}, check=True, timeout=300)
    return [np.load(folder / f"{number}.npy") for number in range(len(models))]


def test_each_side_is_what_trainings_and_upscale_make(home, studio, panels, tmp_path):
    view = panels.view(ADDRESSES, "photos", "validation/b.png")
    told = studio.wait({panel.key: panel.side for panel in view.panels}, 300)
    assert {each["state"] for each in told.values()} == {"ready"}, told
    found = [studio.gallery.open(panel.key).levels[0] for panel in view.panels]
    recipe = build_recipe(dict(view.panels[0].named.recipe))
    pairs = Pairs(view.dataset, recipe, local=home.local)
    lr = pairs.lr(view.index)
    assert np.array_equal(found[3], lr)
    assert np.array_equal(found[4], view.dataset.hr(view.index))
    assert np.array_equal(found[2], load_model("bicubic").upscale(lr, scale=2))
    expected = upscaled(home, tmp_path, lr, [f"nights/{trial}" for trial in TRIALS])
    for wanted, made in zip(expected, found, strict=False):
        assert np.array_equal(made, wanted)
    assert not np.array_equal(found[0], found[1])
    assert view.said_by == "nights/t0000"


def test_zero_shot_panels_are_the_pictures_that_the_training_measured(home, studio, panels):
    added = {"data": {"dataset": "photos"}, "checkpoint": {"every": 24}, "plugins": []}
    stages = {"train": {"steps": 8, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}}
    recipe = build_recipe(zero_shot_recipe(**added, stages=stages, evaluation={"every": 8}))
    machine = machine_kind(recipe)
    training = ZeroShotTraining(recipe, store=home.store, local=home.local, machine=machine)
    report = training.advance()
    now = {"time": 1.7e9}
    spec = recipe.model_dump(mode="json")
    sweep_journal(home.store, "alone").append(
        {"do": "sweep", "name": "alone", "spec": spec, **now},
        {"do": "start", "driver": "d0", "host": "h", **now},
        {"do": "ask", "trial": "t0000", "recipe": {}, "rungs": [8], **now},
        {"do": "report", "trial": "t0000", "step": 8, "metrics": report.metrics, "executed": 8,
         "cpu_seconds": 1.0, "gpu_seconds": 0.0, **now},
        {"do": "result", "trial": "t0000", "step": 8, "weights": report.weights, **now},
        {"do": "end", "trial": "t0000", "state": "COMPLETE", "step": 8, **now},
        {"do": "finish", "state": "COMPLETE", "reason": "", **now},
    )  # fmt: skip
    found, keys = [], set()
    for name in ("validation/a.png", "validation/b.png"):
        view = panels.view(["alone/t0000", "bicubic"], "photos", name)
        sides = {panel.key: panel.side for panel in (view.hr, *view.panels)}
        told = studio.wait(sides, 300)
        assert {each["state"] for each in told.values()} == {"ready"}, told
        how = {"window": None, "protocol": view.protocol, "grey": False}
        own, bicubic = (panel.key for panel in view.panels)
        scores = studio.scores({own: 2, bicubic: 2}, view.hr.key, **how)
        found.append(scores[own]["psnr_y"])
        assert scores[bicubic]["psnr_y"] != scores[own]["psnr_y"]
        keys.add(own)
    assert len(keys) == 2, "each picture has a network of its own"
    assert np.mean(found) == pytest.approx(report.metrics["psnr_y"], abs=1e-4)


def test_metrics_of_a_window_count_its_pixels_alone(studio, panels):
    view = panels.view(["bicubic", "nights/t0000"], "photos", "validation/a.png")
    sides = {panel.key: panel.side for panel in (view.hr, *view.panels)}
    studio.wait(sides, 300)
    keys = {panel.key: 2 for panel in view.panels}
    how = {"protocol": "rcan", "grey": False}
    window = (20, 30, 70, 90)
    whole = studio.scores(keys, view.hr.key, window=None, **how)
    seen = studio.scores(keys, view.hr.key, window=window, **how)
    sr, hr = (studio.gallery.open(key).levels[0] for key in (view.panels[0].key, view.hr.key))
    weights = np.array([65.481, 128.553, 24.966]) / 255
    luma = [picture[20:70, 30:90] @ weights for picture in (sr, hr)]
    expected = 10 * np.log10(255**2 / np.mean((luma[0] - luma[1]) ** 2))
    assert seen[view.panels[0].key]["psnr_y"] == pytest.approx(expected, abs=1e-6)
    assert whole != seen
    tiny = studio.scores(keys, view.hr.key, window=(0, 0, 8, 8), **how)
    assert all("smaller" in each["error"] for each in tiny.values())


def test_a_process_that_died_is_started_again(studio, panels):
    studio.wait({p.key: p.side for p in panels.view(["lr"], "photos", "train/a.png").panels}, 300)
    studio._process.kill()
    studio._process.wait(60)
    view = panels.view(["bicubic"], "photos", "train/a.png")
    told = studio.wait({panel.key: panel.side for panel in view.panels}, 300)
    assert {each["state"] for each in told.values()} == {"ready"}


IDLE = """
import sys
from acutance_platform.dashboard import painter
painter.IDLE = 0.05
painter.main()
"""


def test_a_process_that_nobody_asks_ends_in_peace(home):
    command = [sys.executable, "-c", IDLE, home.store.address, str(home.local), "s", "1000"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # its server is there, and silent
        assert process.wait(300) == 0
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_what_cannot_be_made_says_why(home, studio, panels):
    view = panels.view(["nights/t0007", "nowhere", "bicubic"], "photos", "validation/a.png")
    assert "no trial 't0007'" in view.panels[0].problem
    assert "names no model" in view.panels[1].problem
    assert view.panels[2].problem == ""
    for address in ("/etc/passwd", "x.safetensors", "../a/b", "run:3"):
        with pytest.raises(RecipeErrors):
            panels.named(address)
    broken = panels.view(["bicubic"], "photos", "validation/a.png").panels[0].side
    gone = type(broken)(**{**broken.__dict__, "what": "model", "model": "blob:" + "0" * 64})
    (told,) = studio.wait({"f" * 64: gone}, 300).values()
    assert told["state"] == "failed"
    assert "0000" in told["error"]


@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "srresnet", "channels": 8, "blocks": 1},
        {"kind": "rcan", "channels": 8, "groups": 1, "blocks": 1, "reduction": 4},
    ],
)
def test_pieces_make_the_whole_and_the_nearest_comes_first(monkeypatch, kind):
    monkeypatch.setattr(models, "_WHOLE", 32 * 32)
    monkeypatch.setattr(models, "_TILE", 32)
    generator = build_generator(resolve_generator(kind), scale=2, seed=0).eval()
    model = Model("x", None, generator)
    lr = np.random.default_rng(0).integers(0, 256, (70, 101, 3), np.uint8)
    with torch.inference_mode():
        pieces = list(model.pieces(lr, nearest=lambda: (139, 100)))
        assert np.array_equal(joined((140, 202), pieces), model.upscale(lr))
    if generator.receptive_field is not None:
        assert (pieces[0].top, pieces[0].left) == (128, 64)
        assert len(pieces) == 12


def test_lr_is_made_once_for_several_models(home, panels, monkeypatch):
    made = []
    real = Sides._made_lr
    monkeypatch.setattr(
        Sides, "_made_lr", lambda self, *what: made.append(what) or real(self, *what)
    )
    sides = Sides(home)
    for panel in panels.view(["bicubic", "lr", "nights/t0000"], "photos", "train/a.png").panels:
        size, pieces = sides.pieces(panel.side)
        assert joined(size, pieces).any()
    assert len(made) == 1
