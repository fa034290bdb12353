"""The figures of a page, each with words for those who do not see it."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from acutance_platform.report.course import importance_png, rungs_png, volume_png
from acutance_platform.report.data import ReportData
from acutance_platform.report.figures import curves_png, scatter_png
from acutance_platform.report.front import front_png, front_told
from acutance_platform.report.parallel import parallel_png, parallel_scales
from acutance_platform.report.words import label, short_paths


@dataclass(frozen=True)
class Picture:
    """An image as data URIs; ``dark`` where a dark page has its own."""

    title: str
    alt: str
    light: str
    dark: str = ""


def drawn(data: ReportData, summary: str) -> list[Picture]:
    """Return the figures for which a sweep has something to show.

    Args:
        data: Of the sweep.
        summary: Its result in words.
    """
    return [
        Picture(title, alt, *(uri(draw(data, theme=theme)) for theme in ("light", "dark")))
        for title, alt, draw in _wanted(data, summary)
    ]


def uri(png: bytes) -> str:
    """Return a picture as something that a page can hold."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _wanted(data: ReportData, summary: str) -> Iterator[tuple[str, str, Callable[..., bytes]]]:
    """Yield title, words and drawing function of each figure."""
    quality = label(data.quality)
    if data.axes is not None and data.front.get("points"):
        first, second = (label(metric) for metric in data.axes)
        alt = f"Scatter plot: {second} over {first}, with the front. {front_told(data)}"
        yield "Front", alt, front_png
    if data.volumes:
        yield "Hypervolume", _volume_told(data), volume_png
    if any(data.metric(trial, "macs_per_pixel") is not None for trial in data.status["trials"]):
        alt = f"Scatter plot: {quality} over multiply-adds per pixel. {summary}"
        yield "Quality over cost", alt, scatter_png
    if any(data.reports.values()):
        rungs = ", ".join(f"{rung:,}" for rung in data.rungs)
        alt = f"Line chart: {quality} of each trial over its steps."
        alt += f" Rungs at steps {rungs}." if rungs else ""
        yield "Learning curves", alt, curves_png
    if len(data.survival) > 1:
        yield "Who passed the rungs", _survival_told(data), rungs_png
    if len(parallel_scales(data)) > 1 and any(t["metrics"] for t in data.status["trials"]):
        yield "Searched values", _parallel_told(data), parallel_png
    if data.importance:
        yield "What mattered", _importance_told(data), importance_png


def _volume_told(data: ReportData) -> str:
    """Say how the hypervolume grew."""
    end, final = data.volumes[-1]
    text = "Line chart: hypervolume of the complete trials over the steps computed. "
    half = next(step for step, volume in data.volumes if volume >= 0.9 * final)
    text += f"It ends at {final:.4g} after {end:,} steps"
    return f"{text}, and was at nine tenths of that after {half:,}."


def _survival_told(data: ReportData) -> str:
    """Say of each rung who reached and who passed it."""
    rungs = [
        f"at step {step:,} {passed} of {passed + rest + failed} passed"
        for step, passed, rest, failed in data.survival
    ]
    return f"Bar chart: trials at each rung: {'; '.join(rungs)}."


def _parallel_told(data: ReportData) -> str:
    """Say which axes the lines cross, and the best trial's way; the table has every value."""
    scales = parallel_scales(data)
    short = short_paths([scale.path for scale in scales])
    names = ", ".join(short[scale.path] for scale in scales)
    return (
        f"Parallel coordinates: a line per trial over {names}, coloured by "
        f"{label(data.objective[0])}. The table of trials holds the same values."
    )


def _importance_told(data: ReportData) -> str:
    """Say every share."""
    short = short_paths(data.importance)
    shares = ", ".join(f"{short[path]} {share:.0%}" for path, share in data.importance.items())
    return f"Bar chart: importance of the searched paths by PED-ANOVA: {shares}."
