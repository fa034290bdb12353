"""The command line, called as a person calls it, and small things to call it with."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from acutance_platform.cli import acutance
from acutance_platform.cli.outcome import run

RECIPE = """\
scale: 2
data: {dataset: photos, patch: 32, batch: 2}
generator: {kind: srresnet, channels: 8, blocks: 1}
optimizer: {kind: adam, lr: 1.0e-3}
stages: {train: {steps: 4, loss: {pixel: {kind: l1, weight: 1.0}}}}
evaluation: {every: 2}
checkpoint: {every: 2}
resources: {cpu: 1, gpu: 0}
"""
SEARCH = """\
search:
  space:
    optimizer.lr: {log_uniform: [1.0e-4, 1.0e-3]}
  objectives: {psnr_y: max}
  sampler: {kind: random}
  scheduler: {kind: asha, first_rung: 0.5, reduction: 2}
  budget: {trials: 2}
"""


@dataclass(frozen=True)
class Called:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class CommandLine:
    """Calls acutance in this process, which is quick, or in one of its own."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> Called:
        self._capture.readouterr()
        code = run(acutance, [str(each) for each in arguments])
        out, err = self._capture.readouterr()
        return Called(code, out, err)

    def apart(self, *arguments: object, timeout: float = 400, **variables: str) -> Called:
        """Run it as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "acutance", *map(str, arguments)],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Called(done.returncode, done.stdout, done.stderr)

    def begin(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Start it as a process of its own, to be killed."""
        command = [sys.executable, "-m", "acutance", *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def refused(called: Called, *said: str, code: int = 2) -> None:
    """Assert that a command ended with one clear message."""
    everything = f"exit {called.code}\n{called.out}\n{called.err}"
    assert called.code == code, everything
    assert "Traceback" not in called.err, everything
    assert called.out == "", everything
    errors = [line for line in called.err.splitlines() if line.startswith("error: ")]
    assert errors, everything
    for text in said:
        assert text in called.err, everything


def photograph(seed: int, height: int = 96, width: int = 120) -> NDArray[np.uint8]:
    """Return a picture with edges, gratings and a little noise that resembles no other seed's."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    picture = np.zeros((height, width, 3))
    for channel in range(3):
        angle, wave, phase = rng.uniform(0, 3.1), rng.uniform(9, 40), rng.uniform(0, 6)
        picture[..., channel] = 60 * np.sin((x * np.cos(angle) + y * np.sin(angle)) / wave + phase)
    for _ in range(12):
        top, left = rng.integers(0, height), rng.integers(0, width)
        tall, wide = rng.integers(2, height // 2), rng.integers(2, width // 2)
        picture[top : top + tall, left : left + wide] += rng.uniform(-70, 70, 3)
    picture += 128 + rng.normal(0, 2, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def photographs(folder: Path, number: int = 5, height: int = 96, width: int = 120) -> Path:
    """Write pictures to a new folder and return it."""
    folder.mkdir(parents=True)
    for seed in range(number):
        Image.fromarray(photograph(seed, height, width)).save(folder / f"p{seed}.png")
    return folder
