"""Three ways from a PSNR model to the GAN model trained on from it, and which of them is on top.

`networks` mixes weights, `pictures` mixes what both models make, `stopped` is the GAN training
itself, stopped earlier. All three begin at the PSNR model and end at the GAN model.

Run as a program after the sweeps, it prints the table and draws the figure:

    python tests/helpers/interpolation_curves.py SWEEP...
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import acutance
from acutance_models import METRICS, Degradation, crop_to_multiple
from acutance_platform.report.theme import THEMES
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import open_sweep
from acutance_storage import decode_picture

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "experiments" / "quickstart" / "photos" / "validation"
FIGURE = ROOT / "docs" / "pictures" / "esrgan-interpolation.png"
ALPHAS = [number / 10 for number in range(11)]
METRIC_NAMES = ("psnr_y", "feature_distance", "gram_distance", "edge_acutance")
BESIDE = ("pictures", "stopped")
"""What `networks` is held against."""
_LABELS = {"networks": "networks mixed", "pictures": "pictures mixed", "stopped": "GAN stopped"}
_CROP = slice(150, 250), slice(230, 330)  # of the first photograph that is drawn

Point = Mapping[str, float]
Curves = dict[str, list[Point]]
"""Way -> metrics of each point, from the PSNR model to the GAN model."""


def measure_ways(
    ends: tuple[str, str],
    stopped: Sequence[Point],
    home: Home,
    *,
    folder: Path,
    data: Path = PHOTOS,
    metrics: Sequence[str] = METRIC_NAMES,
    alphas: Sequence[float] = ALPHAS,
) -> Curves:
    """Return the three curves.

    Args:
        ends: SHA-256 of the PSNR model's weights and of the GAN model's.
        stopped: What the adversarial stage reported, its beginning and its end included.
        home: Where the weights are.
        folder: For the interpolated models.
        data: Pictures to measure on.
        metrics: To measure; of `stopped` those that it has.
        alphas: From 0 to 1, both included.
    """
    found = acutance.interpolate(
        f"blob:{ends[0]}", f"blob:{ends[1]}", alphas=alphas, output=folder, data=data,
        metrics=list(metrics), home=home,
    )  # fmt: skip
    return {
        "networks": [point["network"] for point in found.curve],
        "pictures": [point["pictures"] for point in found.curve],
        "stopped": [{name: at[name] for name in metrics if name in at} for at in stopped],
    }


def cost(metric: str, value: float) -> float:
    """Return how bad a value of a metric is: what is less the better."""
    better = METRICS[metric].better
    if isinstance(better, str):
        return value if better == "min" else -value
    return abs(value - better)


def advantage(one: Sequence[Point], other: Sequence[Point], metric: str) -> list[float]:
    """Return by how many dB one curve lies above another where both are equally bad in a metric.

    At nine levels evenly between the ends' costs, each curve (straight between its points) counts
    with the best `psnr_y` that it reaches at this cost or a lower one.

    Args:
        one: From the PSNR model to the GAN model, as `other`.
        other: With the same ends.
        metric: In which the GAN model is better; else nothing is returned.
    """
    start, stop = (cost(metric, one[place][metric]) for place in (0, -1))
    if stop >= start:
        return []
    levels = np.linspace(start, stop, 11)[1:-1]
    return [_best(one, metric, level) - _best(other, metric, level) for level in levels]


def _best(curve: Sequence[Point], metric: str, level: float) -> float:
    """Return the highest PSNR of a curve at a cost of at most `level`."""
    along = np.linspace(0, len(curve) - 1, 100 * (len(curve) - 1) + 1)
    places = np.arange(len(curve))
    psnr, values = (
        np.interp(along, places, [point[name] for point in curve]) for name in ("psnr_y", metric)
    )
    costs = np.array([cost(metric, value) for value in values])
    return float(psnr[costs <= level + 1e-9].max())


def summary(curves: Curves) -> dict[str, dict[str, float]]:
    """Return metric -> mean dB by which `networks` lies above each other way, and its extremes."""
    told: dict[str, dict[str, float]] = {}
    for metric in curves["networks"][0]:
        if metric == "psnr_y":
            continue
        told[metric] = {}
        for beside in BESIDE:
            measured = all(metric in point for point in curves[beside])
            gaps = advantage(curves["networks"], curves[beside], metric) if measured else []
            if gaps:
                told[metric][f"over {beside}"] = round(float(np.mean(gaps)), 3)
                told[metric][f"over {beside}, least"] = round(min(gaps), 3)
                told[metric][f"over {beside}, most"] = round(max(gaps), 3)
    return told


def draw(all_curves: Sequence[Curves], models: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Return the curves over two metrics, the first seed's strong, above crops of pictures.

    Args:
        all_curves: Of each seed.
        models: Title -> SR of the first photograph, and HR.
    """
    figure = Figure(figsize=(11, 7.4), dpi=110, layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.7, 1))
    for axes, metric in zip(upper.subplots(1, 2), METRIC_NAMES[1:3], strict=True):
        _curves(axes, all_curves, metric)
    row = lower.subplots(1, len(models))
    for axes, (title, picture) in zip(row, models.items(), strict=True):
        axes.imshow(picture[_CROP], interpolation="nearest")
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    return figure


def _curves(axes: Axes, all_curves: Sequence[Curves], metric: str) -> None:
    colours = THEMES["light"].families
    for number, curves in enumerate(all_curves):
        for (way, label), colour in zip(_LABELS.items(), colours, strict=False):
            axes.plot(
                [point[metric] for point in curves[way]], [p["psnr_y"] for p in curves[way]],
                color=colour, marker="os^"[list(_LABELS).index(way)], markersize=5,
                alpha=0.25 if number else 1.0, linewidth=1.0 if number else 1.8,
                label=None if number else label,
            )  # fmt: skip
    axes.set_xlabel(f"{metric} (less is better)")
    axes.set_ylabel("PSNR-Y [dB]")
    axes.grid(color=THEMES["light"].faint, linewidth=0.6)
    axes.legend(frameon=False)


def crops(home: Home, folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Return title -> the first photograph, whole, as the models of a folder make it, and HR."""
    hr = crop_to_multiple(decode_picture(min(PHOTOS.iterdir())).pixels, 4)
    lr = Degradation([{"kind": "matlab_bicubic"}], 4)(hr, np.random.default_rng(0))
    first, between, last = (
        acutance.load(folder / f"alpha-{alpha:.3f}.safetensors", home).upscale(lr)
        for alpha in (0.0, 0.5, 1.0)
    )
    mixed = np.round((first.astype(float) + last) / 2).astype(np.uint8)
    titles = ("PSNR model", "networks mixed, 0.5", "pictures mixed, 0.5", "GAN model", "HR")
    return dict(zip(titles, (first, between, mixed, last, hr), strict=True))


def gan_training(sweep: str, home: Home) -> tuple[tuple[str, str], list[Point]]:
    """Return what `measure_ways` wants of the adversarial trial of a finished sweep."""
    for trial in open_sweep(home.store, sweep).sweep.trials.values():
        if any("adversarial" in path for path in trial.recipe):
            begin = trial.stages[0][1]
            stopped = [trial.reports[step] for step in sorted(trial.reports) if step >= begin]
            return (trial.published[begin], trial.published[trial.end]), list(stopped)
    raise SystemExit(f"{sweep} has no adversarial trial")


def main(*sweeps: str) -> None:
    """Print by how much interpolated networks lie above the other ways; draw the figure."""
    home, found, shown = open_home(), list[Curves](), {}
    for sweep in sweeps:
        ends, stopped = gan_training(sweep, home)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            found.append(measure_ways(ends, stopped, home, folder=folder))
            shown = shown or crops(home, folder)
        print(sweep, {way: [dict(curve[0]), dict(curve[-1])] for way, curve in found[-1].items()})
        for metric, told in summary(found[-1]).items():
            print(f"  {metric:18} {told}")
    draw(found, shown).savefig(FIGURE, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
