"""Figures of how a search went: hypervolume over steps, importance of paths, rung survival."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from acutance_platform.report.canvas import canvas, legend, png
from acutance_platform.report.data import ReportData
from acutance_platform.report.theme import THEMES, ThemeName
from acutance_platform.report.words import short_paths, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BARS: Final = 12
"""Paths that the figure of importance shows at most."""


def volume_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """The hypervolume of the complete trials over the steps that the sweep has computed."""
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    steps = [0, *(step for step, _ in data.volumes), int(data.status["steps_executed"])]
    heights = [0.0, *(volume for _, volume in data.volumes)]
    axes.step(steps, [*heights, heights[-1]], where="post", color=colours.families[0], linewidth=2)
    axes.plot(
        steps[1:-1], heights[1:], linestyle="none", marker="o", markersize=5,
        color=colours.families[0], label="a trial came to its end",
    )  # fmt: skip
    axes.set_xlabel("Steps computed by all trials")
    axes.set_ylabel("Hypervolume of the complete trials")
    _counts(axes, max(steps))
    legend(figure, axes, colours)
    return png(figure)


def importance_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """A bar for each searched path, the most important one at the top."""
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    shown = list(data.importance.items())[:_BARS][::-1]
    short = short_paths(data.importance)
    bars = axes.barh(
        [short[path] for path, _ in shown], [share for _, share in shown],
        color=colours.families[0], height=0.7,
    )  # fmt: skip
    texts = [f"{share:.0%}" for _, share in shown]
    axes.bar_label(bars, texts, padding=4, fontsize=9, color=colours.ink)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("Share of importance (PED-ANOVA)")
    return png(figure)


def rungs_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """A bar for each rung: the trials that went on, that were held back, and that failed."""
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    places = list(range(len(data.survival)))
    parts: Sequence[tuple[str, list[int], str]] = (
        ("passed", [rung[1] for rung in data.survival], colours.families[0]),
        ("held back", [rung[2] for rung in data.survival], colours.baseline),
        ("failed", [rung[3] for rung in data.survival], colours.families[1]),
    )
    below = [0] * len(places)
    for word, counts, colour in parts:
        if any(counts):
            bars = axes.bar(places, counts, bottom=below, width=0.6, color=colour, label=word)
            texts = [str(count) if count else "" for count in counts]
            axes.bar_label(bars, texts, label_type="center", color=colours.page, fontsize=10)
        below = [low + count for low, count in zip(below, counts, strict=True)]
    axes.set_xticks(places, [tick(rung[0]) for rung in data.survival])
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("Rung [step]")
    axes.set_ylabel("Trials")
    legend(figure, axes, colours)
    return png(figure)


def _counts(axes: "Axes", largest: int) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: tick(value, largest))
    axes.set_ylim(bottom=0)
