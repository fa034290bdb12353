"""The perception-distortion curve between two networks, beside the mix of their pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from acutance_platform.report.canvas import canvas, legend, png
from acutance_platform.report.theme import THEMES, ThemeName
from acutance_platform.report.words import label


@final
@dataclass(frozen=True, kw_only=True)
class Between:
    """What was measured between two networks at one alpha."""

    alpha: float
    """0 is the first network, 1 the second."""
    network: Mapping[str, float]
    """Metrics of the network with interpolated weights."""
    pictures: Mapping[str, float]
    """Metrics of the mix of both networks' pictures."""


def tradeoff_png(
    points: Sequence[Between], *, x: str, y: str, names: tuple[str, str], theme: ThemeName = "light"
) -> bytes:
    """One metric over another along alpha: interpolated networks, and mixed pictures.

    Args:
        points: In order of alpha.
        x: Metric on the level axis.
        y: Metric on the upright axis.
        names: What the two ends are called.
        theme: Of the page.
    """
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    axes.margins(x=0.12, y=0.14)
    kinds = (
        ("interpolated networks", "o", colours.families[0], [p.network for p in points]),
        ("mixed pictures", "s", colours.families[1], [p.pictures for p in points]),
    )
    for text, marker, colour, found in reversed(kinds):
        axes.plot(
            [metrics[x] for metrics in found], [metrics[y] for metrics in found],
            marker=marker, markersize=6, linewidth=1.6, color=colour, label=text,
        )  # fmt: skip
    for point, name in ((points[0], names[0]), (points[-1], names[1])):
        axes.annotate(
            f"{name}, alpha {point.alpha:g}", (point.network[x], point.network[y]),
            xytext=(0, 10), textcoords="offset points", ha="center", fontsize=9,
            color=colours.ink, parse_math=False,
        )  # fmt: skip
    axes.set_xlabel(label(x))
    axes.set_ylabel(label(y))
    legend(figure, axes, colours)
    return png(figure)
