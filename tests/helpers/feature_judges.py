"""SRFeat's comparison of discriminators: what each trial of a seed makes of the photographs.

Run as a program after the sweeps, one per seed, it prints the table:

    python tests/helpers/feature_judges.py SWEEP...
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel

import acutance
from acutance_models import Degradation, crop_to_multiple, rgb_to_y
from acutance_platform.recipe import Recipe
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import open_sweep
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import decode_picture

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "experiments" / "quickstart" / "photos" / "validation"
SCALE = 4
METRIC_NAMES = (
    "psnr_y", "psnr_y_detail", "feature_distance", "gram_distance", "edge_acutance",
    "lr_consistency",
)  # fmt: skip
MIXES = ("mse", "none", "image", "feature", "feature, convolution", "image + feature")
"""What judges the pictures of each trial, in the grid's order; `mse` has no perceptual term."""

Found = dict[str, dict[str, float]]
"""Mix -> metrics."""


def mix_of(recipe: Recipe) -> str:
    """Return which of `MIXES` a trial's last stage has."""
    loss = recipe.stages["finetune"].loss
    judges = [name for name, term in loss.items() if term["kind"] == "adversarial"]
    if not judges:
        return "none" if "perceptual" in loss else "mse"
    judged = " + ".join(judges)
    convolution = loss[judges[-1]]["discriminator"].get("head") == "convolution"
    return f"{judged}, convolution" if convolution else judged


def measure(weights: str, home: Home, metrics: Sequence[str] = METRIC_NAMES) -> dict[str, float]:
    """Return a model's metrics on the validation photographs, `flat_acutance` among them."""
    model = f"blob:{weights}"
    found = acutance.evaluate(model, PHOTOS, metrics=list(metrics), home=home).mean
    network = acutance.load(model, home)
    pairs = [(hr, network.upscale(lr)) for hr, lr in _photographs()]
    flat = float(np.mean([flat_acutance(_luma(sr), _luma(hr)) for hr, sr in pairs]))
    return {**found, "flat_acutance": flat}


def flat_acutance(sr: NDArray[np.float64], hr: NDArray[np.float64]) -> float:
    """Return how steep SR is over HR where HR is flattest: above 1 is detail that was never there.

    `edge_acutance` the other way round: over the half of the pixels where HR is least steep.
    """
    steep, real = _steepness(sr), _steepness(hr)
    flat = real <= np.median(real)
    return float(steep[flat].mean() / real[flat].mean())


def spread(all_found: Sequence[Found]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return mix -> metric -> mean and standard deviation over seeds."""
    return {
        mix: {
            metric: (
                float(np.mean([found[mix][metric] for found in all_found])),
                float(np.std([found[mix][metric] for found in all_found], ddof=1)),
            )
            for metric in all_found[0][mix]
        }
        for mix in all_found[0]
    }


def table(all_found: Sequence[Found]) -> str:
    """Return mean and standard deviation over seeds as rows of a Markdown table."""
    told = spread(all_found)
    names = list(next(iter(told.values())))
    head = [f"| judged by | {' | '.join(names)} |", f"|---{'|---' * len(names)}|"]
    return "\n".join(
        head
        + [f"| {mix} | {' | '.join(_cell(*told[mix][name]) for name in names)} |" for mix in told]
    )


def _cell(mean: float, deviation: float) -> str:
    digits = 2 if mean > 5 else 3
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def _photographs() -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return HR and LR of each validation photograph."""
    shrink = Degradation([{"kind": "matlab_bicubic"}], SCALE)
    whole = [
        crop_to_multiple(decode_picture(file).pixels, SCALE) for file in sorted(PHOTOS.iterdir())
    ]
    return [(hr, shrink(hr, np.random.default_rng(0))) for hr in whole]


def _luma(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    inner = picture[SCALE:-SCALE, SCALE:-SCALE]
    return rgb_to_y(inner).astype(np.float64)


def _steepness(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    steepness: NDArray[np.float64] = np.hypot(sobel(plane, axis=0), sobel(plane, axis=1))
    return steepness


def of_sweep(sweep: str, home: Home) -> Found:
    """Return what the trials of a finished sweep measure."""
    told = open_sweep(home.store, sweep)
    weights: Mapping[str, str | None] = {
        mix_of(trial_recipe(told, name)): trial.weights for name, trial in told.sweep.trials.items()
    }
    return {mix: measure(weights[mix] or "", home) for mix in MIXES}


def main(*sweeps: str) -> None:
    """Print the table of finished sweeps, one for each seed."""
    home = open_home()
    print(table([of_sweep(sweep, home) for sweep in sweeps]))


if __name__ == "__main__":
    main(*sys.argv[1:])
