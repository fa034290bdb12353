"""What all figures share: size, colours, legend, PNG.

Matplotlib's objects only: no pyplot, so nothing global changes and any thread may draw.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from acutance_platform.report.theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (6.4, 4.4)  # inches
_DPI: Final = 160


def canvas(colours: Theme) -> "tuple[Figure, Axes]":
    """An empty figure in the colours of a page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained", facecolor=colours.page)
    axes = figure.add_subplot(facecolor=colours.page)
    axes.grid(color=colours.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=colours.ink, labelsize=10, which="both", length=3)
    for item in (axes.xaxis.label, axes.yaxis.label):
        item.set_color(colours.ink)
        item.set_fontsize(11)
    for side, spine in axes.spines.items():
        spine.set_color(colours.ink)
        spine.set_visible(side in ("left", "bottom"))
    return figure, axes


def leave_out_low(axes: "Axes", values: Sequence[float], colours: Theme) -> None:
    """End the upright axis where a few values far below the others would press these into a line.

    What lies more than eight times as far below the median as the best or the lower quartile does
    from it is left out, and a line in the figure says how many values that are. For qualities,
    where more is better.
    """
    ordered = sorted(values)
    if not ordered:
        return
    middle = ordered[len(ordered) // 2]
    floor = middle - 8 * max(ordered[-1] - middle, middle - ordered[len(ordered) // 4])
    low = [value for value in ordered if value < floor]
    kept = ordered[len(low) :]
    if not low or kept[0] == kept[-1]:
        return
    bottom = kept[0] - 0.25 * (kept[-1] - kept[0])
    axes.set_ylim(bottom=bottom)
    text = f"{len(low)} below {bottom:.4g}, down to {low[0]:.4g}"
    axes.annotate(
        text, (0.01, 0.01), xycoords="axes fraction", fontsize=9, color=colours.ink, va="bottom",
    )  # fmt: skip


_LEGEND_WIDTH, _HANDLE_WIDTH = 92, 7  # in letters


def legend(figure: "Figure", axes: "Axes", colours: Theme) -> None:
    """Above the axes, where it covers no point."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = _LEGEND_WIDTH // (max(map(len, labels)) + _HANDLE_WIDTH)
        figure.legend(
            handles=handles, loc="outside upper center", ncols=min(4, max(1, columns)),
            fontsize=9, frameon=False, labelcolor=colours.ink, handlelength=1.6, columnspacing=1.4,
        )  # fmt: skip


def png(figure: "Figure") -> bytes:
    """The figure as a PNG without date or program, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
