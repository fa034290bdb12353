"""Figures as PNG: quality over cost, and learning curves.

See `canvas` for what all figures share.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from acutance_platform.report.canvas import canvas, leave_out_low, legend, png
from acutance_platform.report.data import ReportData, Trial, counts, family
from acutance_platform.report.theme import THEMES, Theme, ThemeName, looks
from acutance_platform.report.words import label, number, tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ENDS: Final = {"COMPLETE": "o", "STOPPED": "x", "PAUSED": "x", "FAILED": "P"}
_COST: Final = "macs_per_pixel"


def scatter_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """Quality over multiply-adds per pixel: one point per trial, front and bicubic marked.

    Only complete trials that meet the constraints can be on the front: others were measured after
    fewer steps, or may not win.
    """
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    points = _points(data)
    axes.margins(x=0.07, y=0.12)
    _draw_baseline(axes, data, colours)
    for index, name in enumerate(_families(data)):
        _draw_family(axes, [p for p in points if family(p[2]) == name], index, name, colours)
    _draw_front(axes, data, points, colours)
    axes.set_xlabel(label(_COST))
    axes.set_ylabel(f"{label(data.quality)}, validation")
    _scale_costs(axes, [x for x, _, _ in points])
    leave_out_low(axes, [y for _, y, _ in points], colours)
    if not all(counts(trial) for _, _, trial in points):
        constrained = ", or breaks a constraint" if data.status.get("constraints") else ""
        _legend_marker(axes, "o", f"hollow: not complete{constrained}", colours, hollow=True)
    legend(figure, axes, colours)
    return png(figure)


def curves_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """Quality over steps, one line per trial; rungs, promotions and ends marked."""
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    _draw_rungs(axes, data.rungs, colours)
    _draw_baseline(axes, data, colours)
    names = _families(data)
    for trial in reversed(data.trials):  # the best last, on top
        _draw_curve(axes, data, trial, names, colours)
    ends = [curve[-1][1] for trial in data.trials if (curve := data.curve(trial, data.quality))]
    leave_out_low(axes, ends, colours)
    _curve_legend(axes, data, names, colours)
    axes.set_xlabel("Step")
    axes.set_ylabel(f"{label(data.quality)}, validation")
    axes.xaxis.set_major_formatter(lambda value, _: tick(value))
    legend(figure, axes, colours)
    return png(figure)


def front(points: Sequence[tuple[float, float, Trial]]) -> list[tuple[float, float, Trial]]:
    """Non-dominated points of (cost, quality, trial), cheapest first; equal points all stay."""
    best = [
        p
        for p in points
        if not any((q[0] <= p[0] and q[1] >= p[1]) and (q[0] < p[0] or q[1] > p[1]) for q in points)
    ]
    return sorted(best, key=lambda p: (p[0], p[1], p[2]["trial"]))


def _points(data: ReportData) -> list[tuple[float, float, Trial]]:
    points = []
    for trial in data.trials:
        cost, quality = data.metric(trial, _COST), data.metric(trial, data.quality)
        if cost is not None and quality is not None:
            points.append((cost, quality, trial))
    return points


def _families(data: ReportData) -> list[str]:
    return sorted({family(trial) for trial in data.status["trials"]})


def _draw_baseline(axes: "Axes", data: ReportData, colours: Theme) -> None:
    value = data.baseline(data.quality)
    if value is None:
        return
    text = f"bicubic {number(data.quality, value)}"
    axes.axhline(value, color=colours.baseline, linewidth=1.4, linestyle=(0, (5, 3)), label=text)


def _draw_family(
    axes: "Axes",
    points: Sequence[tuple[float, float, Trial]],
    index: int,
    name: str,
    colours: Theme,
) -> None:
    colour, marker = looks(colours, index)
    style: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 8}
    for whole, fill in ((False, "none"), (True, colour)):
        group = [p for p in points if counts(p[2]) == whole]
        xs, ys = [x for x, _, _ in group], [y for _, y, _ in group]
        axes.plot(
            xs, ys, **style, color=colour, markerfacecolor=fill, markeredgewidth=1.6, zorder=3
        )
    axes.plot([], [], **style, color=colour, label=name or "trial")


def _draw_front(
    axes: "Axes", data: ReportData, points: list[tuple[float, float, Trial]], colours: Theme
) -> None:
    best = front([p for p in points if counts(p[2])])
    if not best:
        return
    axes.plot(
        *([p[0] for p in best], [p[1] for p in best]),
        color=colours.ink, linewidth=1.2, zorder=2, label="front",
        marker="o", markersize=13, markerfacecolor="none",
    )  # fmt: skip
    for x, y, trial in best:
        _name_point(axes, trial, (x, y), (0, 10), "center", data, colours)


def _name_point(
    axes: "Axes",
    trial: Trial,
    point: tuple[float, float],
    offset: tuple[float, float],
    align: str,
    data: ReportData,
    colours: Theme,
) -> None:
    best = trial["trial"] == data.status.get("best")
    axes.annotate(
        trial["trial"], point, xytext=offset, textcoords="offset points", ha=align, fontsize=9,
        color=colours.ink, weight="bold" if best else "normal", parse_math=False,
    )  # fmt: skip


def _scale_costs(axes: "Axes", costs: Sequence[float]) -> None:
    if costs and min(costs) > 0 and max(costs) / min(costs) > 20:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: tick(value))
        return
    largest = max(costs, default=0.0)
    axes.xaxis.set_major_formatter(lambda value, _: tick(value, largest))


def _draw_rungs(axes: "Axes", rungs: Sequence[int], colours: Theme) -> None:
    for rung in rungs:
        axes.axvline(rung, color=colours.baseline, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)


def _draw_curve(
    axes: "Axes", data: ReportData, trial: Trial, names: Sequence[str], colours: Theme
) -> None:
    values = data.curve(trial, data.quality)
    if not values:
        return
    best = trial["trial"] == data.status.get("best")
    colour, _ = looks(colours, names.index(family(trial)))
    steps, heights = [step for step, _ in values], [value for _, value in values]
    axes.plot(steps, heights, color=colour, linewidth=2.6 if best else 1.2, zorder=4 if best else 3)
    passed = [(s, v) for s, v in values if s in set(data.rungs) and s < steps[-1]]
    axes.plot(*_columns(passed), linestyle="none", marker="^", markersize=6, color=colour, zorder=4)
    end = _ENDS.get(trial["state"], "")
    axes.plot(*_columns(values[-1:]), marker=end, markersize=7, color=colour, zorder=5, mew=2)
    if best:
        _name_point(axes, trial, values[-1], (-2, 10), "right", data, colours)


def _columns(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _curve_legend(axes: "Axes", data: ReportData, names: Sequence[str], colours: Theme) -> None:
    for index, name in enumerate(names):
        if name:
            axes.plot([], [], color=looks(colours, index)[0], linewidth=2, label=name)
    if data.rungs:
        _legend_marker(axes, "^", "promoted at a rung", colours)
    states = {trial["state"] for trial in data.trials}
    for word in ("COMPLETE", "STOPPED", "PAUSED", "FAILED"):
        if word in states:
            _legend_marker(axes, _ENDS[word], word.lower(), colours)


def _legend_marker(
    axes: "Axes", marker: str, text: str, colours: Theme, *, hollow: bool = False
) -> None:
    fill = "none" if hollow else colours.ink
    axes.plot(
        [], [], linestyle="none", marker=marker, color=colours.ink, markerfacecolor=fill, label=text
    )
