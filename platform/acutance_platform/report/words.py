"""How values are written for people: metric names, numbers with sensible digits, recipe values."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_LABELS: Final = {
    "active_features": "Active features [share]",
    "brightness_shift": "Brightness shift [grey levels]",
    "chroma_shift": "Chroma shift [levels]",
    "edge_acutance": "Edge acutance",
    "feature_distance": "Feature distance",
    "gram_distance": "Gram distance",
    "lpips": "LPIPS",
    "lr_consistency": "LR consistency [dB]",
    "niqe": "NIQE",
    "psnr_y": "PSNR-Y [dB]",
    "psnr_y_detail": "PSNR-Y in detail [dB]",
    "psnr_rgb": "PSNR-RGB [dB]",
    "rmse": "RMSE [grey levels]",
    "ssim_y": "SSIM-Y",
    "ssim_rgb": "SSIM-RGB",
    "steps_to_bicubic": "Steps until above bicubic",
    "parameters": "Parameters",
    "macs_per_pixel": "MACs per pixel",
    "peak_memory": "Peak memory of a step [bytes]",
    "steps": "Steps",
    "executed": "Steps computed",
    "cpu_seconds": "CPU-seconds",
    "latency_ms": "Latency at 240 x 240 [ms]",
}
_COUNTS: Final = frozenset({"parameters", "macs_per_pixel", "peak_memory"})
_VAGUE: Final = frozenset({"kind", "weight", "steps"})
_UNITS: Final = ((1e9, " G"), (1e6, " M"), (1e3, " k"))


def label(metric: str) -> str:
    """A metric's name with its unit, as a heading."""
    return _LABELS.get(metric, metric)


def over_seeds(metric: str, entry: Mapping[str, Any]) -> str:
    """Mean, spread and number of a point's trainings with different seeds, a dash for one alone.

    Args:
        metric: One of its metrics.
        entry: Of `trials` in ``status --json`` or of `points` in ``front --json``.
    """
    if metric not in entry.get("mean", {}):
        return "–"
    mean, spread = entry["mean"][metric], entry["spread"][metric]
    return f"{number(metric, mean)} ± {number(metric, spread)} ({entry['seeds']})"


def number(metric: str, value: float | None) -> str:
    """A metric's value with the digits that mean something, a dash where there is none."""
    if value is None:
        return "–"
    if metric in _COUNTS:
        return count(value)
    if metric.startswith("psnr"):
        return f"{value:.2f}"
    if metric.startswith("ssim"):
        return f"{value:.4f}"
    return f"{value:.4g}"


def count(value: float) -> str:
    """A count with three digits: ``852.9 k``, ``1.55 M``."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            scaled = value / size
            return f"{scaled:.{2 if scaled < 10 else 1 if scaled < 1000 else 0}f}{unit}"
    return f"{value:,.0f}"


def tick(value: float, largest: float = 0.0) -> str:
    """A count at an axis: ``500``, ``1,500``, ``20 k``; in the unit of the axis's largest count."""
    for size, unit in _UNITS:
        if max(abs(value), largest) >= max(size, 1e4):
            return f"{value / size:g}{unit}"
    return f"{value:,g}"


def setting(value: Any) -> str:
    """A searched value: ``carn, blocks 2`` for a map, short numbers, text as it is."""
    if isinstance(value, Mapping):
        kind = [str(value[key]) for key in ("preset", "kind") if key in value]
        rest = [f"{k} {setting(v)}" for k, v in value.items() if k not in ("preset", "kind")]
        return ", ".join(kind + rest)
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return " ".join(setting(item) for item in value)
    return str(value)


def short_paths(paths: Iterable[str]) -> dict[str, str]:
    """The shortest ending of each dotted path that names no other: ``optimizer.lr`` -> ``lr``.

    A last word that says little by itself keeps the one before it: ``pixel.kind``. The weight of a
    loss term goes by the term's name: ``stages.train.loss.pixel.weight`` -> ``pixel``.
    """
    parts = {
        path: (path.removesuffix(".weight") if ".loss." in path else path).split(".")
        for path in paths
    }
    short = {}
    for path, names in parts.items():
        shortest = 2 if names[-1] in _VAGUE and len(names) > 1 else 1
        for length in range(shortest, len(names) + 1):
            ending = names[-length:]
            if sum(other[-length:] == ending for other in parts.values()) == 1:
                break
        short[path] = ".".join(ending)
    return short
