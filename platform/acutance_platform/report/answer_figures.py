"""An experiment's figures: points with their spread over seeds, or learning curves."""

import io
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from acutance_platform.report.answer_values import heading, values
from acutance_platform.report.answers import Figure, Results, grouped
from acutance_platform.report.canvas import canvas, legend, png
from acutance_platform.report.theme import THEMES, looks
from acutance_platform.report.words import tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI: Final = 110
_COLOURS: Final = 128
_COUNTS: Final = ("parameters", "macs_per_pixel", "steps", "executed")


def figure_png(results: Results, wanted: Figure) -> bytes:
    """Return a figure as PNG.

    Args:
        results: What `results.json` holds.
        wanted: What is drawn.

    Raises:
        ValueError: If no trial has both metrics.
    """
    figure, axes = canvas(THEMES["light"])
    figure.set_dpi(_DPI)
    axes.margins(x=0.07, y=0.1)
    drawn = 0
    for index, (key, trials) in enumerate(grouped(results, wanted, wanted.by).items()):
        draw = _draw_curve if wanted.curves else _draw_point
        drawn += draw(axes, trials, wanted, index, ", ".join(key))
    if not drawn:
        raise ValueError(f"no trial has {wanted.x} and {wanted.y}")
    axes.set_xlabel(heading(wanted.x))
    axes.set_ylabel(heading(wanted.y))
    if wanted.log:
        axes.set_xscale("log")
    elif wanted.x in _COUNTS:
        axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    legend(figure, axes, THEMES["light"])
    return _with_few_colours(png(figure))


def _with_few_colours(data: bytes) -> bytes:
    """Return the same PNG at a third of its size: figures lie beside their READMEs."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _draw_point(axes: "Axes", trials: Sequence[Any], wanted: Figure, index: int, name: str) -> bool:
    xs, ys = values(trials, wanted.x), values(trials, wanted.y)
    if not xs or not ys:
        return False
    colour, marker = looks(THEMES["light"], index)
    axes.errorbar(
        statistics.fmean(xs), statistics.fmean(ys),
        xerr=_spread(xs), yerr=_spread(ys), label=name, color=colour, marker=marker,
        markersize=7, capsize=3, linestyle="none", linewidth=1.2,
    )  # fmt: skip
    return True


def _draw_curve(axes: "Axes", trials: Sequence[Any], wanted: Figure, index: int, name: str) -> bool:
    """Draw a row's mean curve; bars are the spread over its seeds."""
    told: dict[int, list[tuple[float, float]]] = {}
    for trial in trials:
        for step, metrics in trial["reports"].items():
            if metrics.get(wanted.y) is not None:
                told.setdefault(int(step), []).append(
                    (_along(trial, int(step), wanted.x), metrics[wanted.y])
                )
    if not told:
        return False
    colour, marker = looks(THEMES["light"], index)
    courses = [told[step] for step in sorted(told)]
    axes.errorbar(
        [statistics.fmean(x for x, _ in at) for at in courses],
        [statistics.fmean(y for _, y in at) for at in courses],
        yerr=[_spread([y for _, y in at]) for at in courses],
        label=name, color=colour, marker=marker, markersize=4, capsize=2, linewidth=1.4,
    )  # fmt: skip
    return True


def _along(trial: Mapping[str, Any], step: int, x: str) -> float:
    """Return where a step lies: its number, or its share of the trial's CPU-seconds."""
    if x != "cpu_seconds":
        return float(step)
    whole = trial["values"]
    return float(whole["cpu_seconds"] * step / whole["steps"])


def _spread(found: Sequence[float]) -> float:
    return statistics.stdev(found) if len(found) > 1 else 0.0
