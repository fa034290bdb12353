"""`acutance upscale --zero-shot`, and a sweep over a recipe with a `zero_shot` section."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from calling import photograph, refused
from PIL import Image

from acutance_models import bicubic_upscale
from acutance_platform.verbs.zero_shot import PRESETS, Step, read_kernel, upscale_zero_shot

ZERO_SHOT = ("--zero-shot", "--steps", 2)
RECIPE = """\
scale: 2
data: {dataset: photos}
generator: {kind: zssr, channels: 4, layers: 3}
optimizer: {kind: adam, lr: 1.0e-3}
stages: {train: {steps: 4, loss: {pixel: {kind: l1, weight: 1.0}}}}
zero_shot: {crop: 32, back_projections: 1}
evaluation: {every: 2}
checkpoint: {every: 2}
resources: {cpu: 1, gpu: 0}
"""
SEARCH = """\
search:
  space:
    zero_shot.noise: {choice: [0.0, 0.0125]}
    generator.layers: {int: [2, 3]}
  objectives: {psnr_y: max}
  sampler: {kind: random}
  scheduler: {kind: asha, first_rung: 0.5, reduction: 2}
  budget: {trials: 2}
"""


@pytest.fixture(autouse=True)
def _small_fathers(monkeypatch):
    """A sixteenth of the work per step."""
    for settings in PRESETS.values():
        monkeypatch.setitem(settings, "crop", 32)


@pytest.fixture
def small(place):
    Image.fromarray(photograph(2, 24, 20)).save("small.png")
    return Path("small.png")


def read(path):
    with Image.open(path) as picture:
        return np.array(picture)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_picture_is_enlarged_from_nothing(small, place, acutance, scale):
    done = acutance("upscale", small, *ZERO_SHOT, "--scale", scale)
    assert done.code == 0, done.err
    assert f"small.png -> small_x{scale}.png  (2 steps, " in done.out
    sr = read(f"small_x{scale}.png")
    assert sr.shape == (24 * scale, 20 * scale, 3)
    assert np.abs(sr - bicubic_upscale(read(small), scale).astype(float)).mean() < 12
    assert not (place / "store").exists(), "it needs no store"


def test_the_seed_decides_every_bit(small, acutance):
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        assert acutance("upscale", small, *ZERO_SHOT, "--seed", seed, "-o", name).code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert Path("a.png").read_bytes() != Path("c.png").read_bytes()


def test_gradual_goes_through_the_published_scales(small):
    seen: list[Step] = []
    (done,) = upscale_zero_shot(small, gradual=True, steps=1, watch=seen.append)
    assert read(done.target).shape == (48, 40, 3)
    assert [step.factors for step in seen] == [
        (1, 1.5), (1.5, 1), (1.5, 1.5), (1.5, 2), (2, 1.5), (2, 2),
    ]  # fmt: skip


def test_a_kernel_and_noise_change_the_result(small, acutance):
    np.save("kernel.npy", np.ones((5, 5)))
    made = {}
    for name, options in {
        "plain": (),
        "kernel": ("--kernel", "kernel.npy"),
        "ideal_with_kernel": ("--kernel", "kernel.npy", "--preset", "ideal"),
        "noise": ("--noise", 0.1),
        "real": ("--preset", "real"),
    }.items():
        done = acutance("upscale", small, *ZERO_SHOT, *options, "-o", f"{name}.png")
        assert done.code == 0, done.err
        made[name] = Path(f"{name}.png").read_bytes()
    assert len(set(made.values())) == len(made)
    assert PRESETS["real"]["noise"] == 0.0125


def test_every_form_of_kernel_is_the_same_kernel(place):
    kernel = np.outer([1, 2, 1, 0], [1, 3, 1, 0, 0]).astype(np.uint8) * 40
    np.save("k.npy", kernel)
    np.savez("k.npz", kernel=kernel)
    np.savetxt("k.txt", kernel)
    np.savetxt("k.csv", kernel, delimiter=",")
    Image.fromarray(kernel).save("k.png")
    for name in ("k.npy", "k.npz", "k.txt", "k.csv", "k.png"):
        np.testing.assert_array_equal(read_kernel(Path(name), 2), kernel)


def test_what_is_no_kernel_is_refused_before_anything_is_written(small, acutance):
    np.save("flat.npy", np.zeros((3, 3)))
    np.save("line.npy", np.ones(3))
    np.save("large.npy", np.ones((99, 99)))
    np.save("object.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    np.savez("two.npz", a=np.ones((3, 3)), b=np.ones((3, 3)))
    Path("words.txt").write_text("a kernel\n")
    Path("half.png").write_bytes(b"\x89PNG half")
    Path("k.mat").write_bytes(b"MATLAB 5.0")
    for name, words in {
        "flat.npy": "positive sum",
        "line.npy": "rows and columns",
        "large.npy": "at most",
        "object.npy": "cannot be read",
        "two.npz": "2 arrays",
        "words.txt": "cannot be read",
        "half.png": "cannot be read",
        "k.mat": "no format of kernels",
        "none.npy": "no such file",
    }.items():
        refused(acutance("upscale", small, *ZERO_SHOT, "--kernel", name), "--kernel", words)
    assert not Path("small_x2.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--noise", 0.1), "--noise would do nothing"),
        (("--preset", "real", "--seed", 3), "--preset, --seed would do nothing"),
        (("--zero-shot", "--model", "shipped"), "--model would do nothing"),
        (("--zero-shot", "--tile", 64), "--tile would do nothing"),
        (("--zero-shot", "--self-ensemble"), "--self-ensemble would do nothing"),
        (("--zero-shot", "--scale", 8), "by 2, 3 or 4"),
        (("--zero-shot", "--gradual", "--kernel", "k.npy"), "one scale"),
    ],
)
def test_options_that_do_not_go_together_are_refused(small, acutance, options, words):
    refused(acutance("upscale", small, *options), words)


def test_files_folders_and_overwrite_are_as_ever(small, place, acutance):
    folder = place / "few"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(photograph(3, 16, 18)[..., 0]).save(folder / name)
    (folder / "bad.png").write_bytes(b"")
    done = acutance("upscale", folder, *ZERO_SHOT, "-o", "out")
    assert done.code == 1
    assert "bad.png: the file is empty" in done.err
    assert sorted(os.listdir("out")) == ["a_x2.png", "b_x2.png"]
    assert read("out/a_x2.png").shape == (32, 36), "grey stays grey"
    before = Path("out/a_x2.png").read_bytes()
    refused(acutance("upscale", folder / "a.png", *ZERO_SHOT, "-o", "out"), "--overwrite")
    done = acutance("upscale", folder / "a.png", *ZERO_SHOT, "-o", "out", "--overwrite")
    assert done.code == 0
    assert Path("out/a_x2.png").read_bytes() == before


def test_ctrl_c_leaves_nothing_half_written(small):
    Image.fromarray(photograph(1, 700, 900)).save("huge.png")  # its result takes many seconds
    command = [sys.executable, "-m", "acutance", "upscale", str(small), "huge.png", "-o", "out"]
    process = subprocess.Popen(
        [*command, "--zero-shot", "--steps", "1"],
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background, such as these tests, with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not Path("out/small_x2.png").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert os.listdir("out") == ["small_x2.png"]


def test_a_recipe_trains_and_a_sweep_searches_over_it(place, acutance):
    Path("sweep.yaml").write_text(RECIPE + SEARCH)
    assert acutance("validate", "sweep.yaml", "--json").json["steps"] == 4
    assert acutance("plan", "sweep.yaml", "--json").json["trials"] == 2
    done = acutance.apart("sweep", "sweep.yaml", "--name", "zs", "--json")
    assert done.code == 0, done.err
    status = acutance("status", "zs", "--json").json
    assert status["state"] == "COMPLETE"
    assert len(status["trials"]) == 2
    assert {"psnr_y", "ssim_y"} <= set(status["baseline"])
    best = next(trial for trial in status["trials"] if trial["trial"] == status["best"])
    assert best["steps"] == 4
    assert "zero_shot.noise" in best["recipe"]
    assert acutance("report", "zs").code == 0


def test_validate_tells_every_misfit_at_once(place, acutance):
    raw = yaml.safe_load(RECIPE) | {"ema": 0.9, "generator": {"kind": "srresnet"}}
    raw["data"]["patch"] = 32
    Path("wrong.yaml").write_text(yaml.safe_dump(raw))
    refused(acutance("validate", "wrong.yaml"), "ema", "generator.kind", "data.patch")
