"""What all figures share: size, colours, legend, PNG.

Matplotlib's objects only: no pyplot, so nothing global changes and any thread may draw.
"""

import io
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


def legend(figure: "Figure", axes: "Axes", colours: Theme) -> None:
    """Above the axes, where it covers no point."""
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles=handles, loc="outside upper center", ncols=4, fontsize=9, frameon=False,
            labelcolor=colours.ink, handlelength=1.6, columnspacing=1.4,
        )  # fmt: skip


def png(figure: "Figure") -> bytes:
    """The figure as a PNG without date or program, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
