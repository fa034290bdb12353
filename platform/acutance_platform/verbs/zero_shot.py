"""Enlarge pictures without any model: each trains a network of its own, on itself alone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from acutance_models import DegradationError
from acutance_models.zero_shot import Jump, fitted_kernel, jumps
from acutance_platform.recipe import Recipe, build_recipe, refuse
from acutance_platform.training import TrainingDiverged, resolve_auto
from acutance_platform.training.picture import PictureTraining
from acutance_platform.verbs.depth import Pixels, Taken, refuse_shallow, white
from acutance_platform.verbs.home import StrPath
from acutance_platform.verbs.joining import rounded
from acutance_platform.verbs.upscaling import Bands, Enlarged, enlarge_files, plan_files

PRESETS: dict[str, dict[str, Any]] = {
    "ideal": {},
    "kernel": {"rotate": False, "ensemble": False, "back_projections": 2},
    "real": {
        "rotate": False,
        "ensemble": False,
        "back_projections": 0,
        "noise": 0.0125,
        "anisotropy": 0.0,
        "shear": 0.0,
        "min_scale": 0.75,
    },
}
"""The authors' settings by what is known of a picture: shrunk by bicubic, by a known kernel, or
taken by a camera."""

_LARGEST_KERNEL = 65
"""A kernel file with a longer side is a photograph named by mistake."""


@dataclass(frozen=True)
class Step:
    """How far the training on one picture has come."""

    source: Path
    """The picture."""
    factors: tuple[float, float]
    """Enlargement of height and width that is being trained."""
    step: int
    """Steps of this enlargement, of at most `limit`."""
    limit: int
    """Where it ends at the latest."""
    lr: float
    """Learning rate; a training ends when it has fallen three times."""


def upscale_zero_shot(
    pictures: StrPath | Sequence[StrPath],
    *,
    output: StrPath | None = None,
    scale: int = 2,
    gradual: bool = False,
    kernel: StrPath | None = None,
    noise: float | None = None,
    preset: str | None = None,
    steps: int = 3000,
    seed: int = 0,
    precision: str = "auto",
    bits: int | None = None,
    overwrite: bool = False,
    progress: Callable[[Enlarged], None] | None = None,
    watch: Callable[[Step], None] | None = None,
) -> list[Enlarged]:
    """Enlarge pictures and folders of pictures, each by a network trained on it alone (ZSSR).

    Args:
        pictures: A file, or a folder whose pictures are all taken, or several of them.
        output: A file for one picture, else a folder; None writes NAME_xN.png beside each.
        scale: 2, 3 or 4.
        gradual: Rise by halves of a scale, height and width in turn, instead of in one jump.
        kernel: File with the kernel that made the picture (.npy, .npz, .txt, .csv, .png).
        noise: Standard deviation of the noise added to sons, where white is 1; None takes the
            preset's.
        preset: A row of `PRESETS`; None is `kernel` where there is one, else `ideal`.
        steps: Limit per jump; most trainings end earlier by themselves.
        seed: Keys every random draw.
        precision: Arithmetic of training: f32, bf16, or auto (bf16 where it is native).
        bits: Per channel of what is written: 8, 16 (PNG, TIFF), or None for those of each file.
        overwrite: Whether existing files may be replaced.
        progress: Called after each picture.
        watch: Called after each step of a training.

    Raises:
        RecipeErrors: If an option, the kernel or a target cannot be used; nothing is written then.
        TrainingDiverged: If a network has become useless.
    """
    if gradual and kernel is not None:
        rule = "a kernel belongs to one scale, and --gradual goes through several"
        raise refuse("--kernel", str(kernel), rule, "Leave one of them out.")
    section = _section(preset, noise, Path(kernel) if kernel is not None else None, scale)
    recipe = _recipe(section, scale=scale, steps=steps, seed=seed, precision=precision)
    number = section.get("back_projections", 10)
    way = jumps(scale, gradual=gradual, back_projections=number)

    planned = plan_files(pictures, output=output, scale=scale, overwrite=overwrite)
    refuse_shallow([target for _, target in planned], bits)

    def enlarge(source: Path, taken: Taken) -> tuple[Bands, str]:
        pixels, remark = _enlarged(source, taken.pixels, recipe, way, watch)
        return [pixels], remark

    return enlarge_files(planned, enlarge, scale=scale, bits=bits, progress=progress)


def _section(
    preset: str | None, noise: float | None, kernel: Path | None, scale: int
) -> dict[str, Any]:
    """Return the recipe's `zero_shot` section for what is known of the pictures."""
    if preset == "kernel" and kernel is None:
        raise refuse("--preset", preset, "it is for a kernel that is known", "Add --kernel FILE.")
    section = dict(PRESETS[preset or ("ideal" if kernel is None else "kernel")])
    if noise is not None:
        section["noise"] = noise
    if kernel is not None:
        section["kernel"] = read_kernel(kernel, scale).tolist()
    return section


def read_kernel(path: Path, scale: int) -> NDArray[np.float64]:
    """Return the kernel in a file, of whatever positive sum.

    Args:
        path: `.npy`, `.npz` with one array, numbers in rows (`.txt`, `.csv`), or a grey `.png`.
        scale: SR pixels per LR pixel.

    Raises:
        RecipeErrors: If the file holds no kernel. Nothing is ever unpickled.
    """
    way_out = "Name a .npy, .npz, .txt, .csv or .png file with one grid of weights."
    if not path.is_file():
        raise refuse("--kernel", str(path), "there is no such file", way_out)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        rule = f"'{path.suffix}' is no format of kernels"
        raise refuse("--kernel", str(path), rule, way_out)
    try:
        kernel = np.asarray(reader(path), dtype=np.float64)
        if max(kernel.shape, default=0) > _LARGEST_KERNEL:
            rule = f"a kernel has at most {_LARGEST_KERNEL} rows and columns, not {kernel.shape}"
            raise refuse("--kernel", str(path), rule, way_out)
        fitted_kernel(kernel, scale)
    except (OSError, ValueError, EOFError, TypeError, UnidentifiedImageError) as error:
        is_ours = isinstance(error, DegradationError)
        rule = str(error).rstrip(".") if is_ours else f"this cannot be read as a kernel: {error}"
        raise refuse("--kernel", str(path), rule, way_out) from None
    return kernel


def _numpy(path: Path) -> NDArray[Any]:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.lib.npyio.NpzFile):
        with loaded:
            if len(loaded.files) != 1:
                raise ValueError(f"it holds {len(loaded.files)} arrays, not one")
            return np.asarray(loaded[loaded.files[0]])
    return np.asarray(loaded)


def _text(path: Path) -> NDArray[Any]:
    rows = path.read_text(encoding="utf-8").replace(",", " ").splitlines()
    return np.loadtxt([row for row in rows if row.strip()], ndmin=2)


def _grey(path: Path) -> NDArray[Any]:
    with Image.open(path) as picture:
        return np.asarray(picture if picture.mode.startswith("I") else picture.convert("L"))


_READERS: dict[str, Callable[[Path], NDArray[Any]]] = {
    ".npy": _numpy,
    ".npz": _numpy,
    ".txt": _text,
    ".csv": _text,
    ".png": _grey,
}


def _recipe(
    section: dict[str, Any], *, scale: int, steps: int, seed: int, precision: str
) -> Recipe:
    """Return the recipe of one picture's training, whose dataset is never opened."""
    recipe = build_recipe(
        {
            "scale": scale,
            "seed": seed,
            "data": {"dataset": "one picture"},
            "generator": {"kind": "zssr"},
            "optimizer": {"kind": "adam", "lr": 1e-3},
            "precision": precision,
            "stages": {"train": {"steps": steps, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
            "zero_shot": section,
        }
    )
    return resolve_auto(recipe)


def _enlarged(
    source: Path,
    lr: Pixels,
    recipe: Recipe,
    way: Sequence[Jump],
    watch: Callable[[Step], None] | None,
) -> tuple[Pixels, str]:
    """Train on one picture through all its jumps; return SR of its bits and what it took."""
    began, steps = time.monotonic(), 0
    training = PictureTraining(lr, recipe, way[0])
    result: NDArray[np.float32] | None = None
    for jump in way:
        if result is not None:
            training.start(jump, result)
        while not training.ended:
            losses = training.train_step()
            steps += 1
            if not all(bool(torch.isfinite(value)) for value in losses.values()):
                raise TrainingDiverged(f"{source}: the loss was not finite at step {steps}.")
            if watch is not None:
                limit, rate = recipe.steps, training.rule.lr
                watch(Step(source, jump.factors, training.step, limit, rate))
        result = training.result()
    assert result is not None
    sr = rounded(result, 16 if white(lr) > 255 else 8)
    return sr, f"{steps} steps, {time.monotonic() - began:.0f} s"
