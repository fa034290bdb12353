"""The figure of a sweep with several objectives: its front in the first two of them."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from acutance_platform.report.canvas import canvas, legend, png
from acutance_platform.report.data import ReportData, Trial, counts, family
from acutance_platform.report.theme import THEMES, Theme, ThemeName, looks
from acutance_platform.report.words import label, number, over_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Entry = Mapping[str, Any]


def front_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """The second objective over the first: complete trials, points between them, the front.

    Trials that break a constraint are hollow.
    The knee is named in bold, and bicubic marked where it was measured. With a third objective the
    front may hold points that look beaten here.

    Raises:
        ValueError: If the sweep has one objective alone.
    """
    if data.axes is None:
        raise ValueError("a front needs two objectives")
    colours = THEMES[theme]
    figure, axes = canvas(colours)
    axes.margins(x=0.1, y=0.14)
    names = sorted({family(trial) for trial in data.trials})
    complete = [trial for trial in data.trials if trial["state"] == "COMPLETE"]
    for index, name in enumerate(names):
        members = [trial for trial in complete if family(trial) == name]
        _dots(axes, data, [t for t in members if counts(t)], index, name or "trial", colours)
        _dots(axes, data, [t for t in members if not counts(t)], index, "", colours)
    _draw_between(axes, data, colours)
    _draw_front(axes, data, colours)
    x, y = (data.baseline(metric) for metric in data.axes)
    if x is not None and y is not None:
        axes.plot(
            [x], [y], linestyle="none", marker="X", markersize=9,
            color=colours.baseline, label="bicubic",
        )  # fmt: skip
    axes.set_xlabel(f"{label(data.axes[0])}, validation")
    axes.set_ylabel(f"{label(data.axes[1])}, validation")
    legend(figure, axes, colours)
    return png(figure)


def front_rows(data: ReportData) -> list[list[str]]:
    """The table of the front, its heading first; empty where there is one objective alone."""
    points = data.front.get("points", ())
    if data.axes is None or not points:
        return []
    metrics = list(data.status["objectives"])
    repeated = [name for name in metrics if any(name in e.get("mean", {}) for e in points)]
    headings = [*map(label, metrics), *(f"{label(name)} over seeds" for name in repeated)]
    rows = [["Point", *headings, "Between", "Weights"]]
    for entry in points:
        knee = ", knee" if entry["trial"] == data.front.get("knee") else ""
        values = [number(name, entry["metrics"].get(name)) for name in metrics]
        values += [over_seeds(name, entry) for name in repeated]
        parents = entry.get("parents")
        between = f"{' and '.join(parents)}, alpha {entry['alpha']:g}" if parents else "–"
        rows.append([f"{entry['trial']}{knee}", *values, between, (entry["weights"] or "–")[:12]])
    return rows


def front_told(data: ReportData) -> str:
    """The front in a sentence."""
    points = data.front["points"]
    between = sum("alpha" in point for point in points)
    text = f"The front has {len(points)} point{'s' if len(points) > 1 else ''}"
    text += f", {between} of them interpolated" if between else ""
    return f"{text}; its knee is {data.front['knee']}."


def _places(data: ReportData, entries: Iterable[Entry | Trial]) -> list[tuple[float, float]]:
    """Return where points lie; those without both values lie nowhere."""
    assert data.axes is not None, "asked for by the caller"
    pairs = [tuple(entry["metrics"].get(name) for name in data.axes) for entry in entries]
    return [(x, y) for x, y in pairs if x is not None and y is not None and math.isfinite(x + y)]


def _dots(
    axes: "Axes", data: ReportData, trials: Sequence[Trial], index: int, name: str, colours: Theme
) -> None:
    places = _places(data, trials)
    colour, marker = looks(colours, index)
    axes.plot(
        [x for x, _ in places], [y for _, y in places], linestyle="none", markersize=8, zorder=3,
        marker=marker, color=colour, label=name or None, markerfacecolor=colour if name else "none",
    )  # fmt: skip


def _draw_between(axes: "Axes", data: ReportData, colours: Theme) -> None:
    places = _places(data, data.front.get("between", ()))
    if places:
        axes.plot(
            [x for x, _ in places], [y for _, y in places], linestyle="none", marker="D",
            markersize=5, markerfacecolor="none", color=colours.ink, zorder=3, label="interpolated",
        )  # fmt: skip


def _draw_front(axes: "Axes", data: ReportData, colours: Theme) -> None:
    points = [entry for entry in data.front.get("points", ()) if _places(data, [entry])]
    places = sorted(_places(data, points))
    axes.plot(
        [x for x, _ in places], [y for _, y in places], color=colours.ink, linewidth=1.2, zorder=2,
        label="front",
    )  # fmt: skip
    _draw_seeds(axes, data, points, colours)
    for entry, name in _named(data, points):
        axes.annotate(
            name, _places(data, [entry])[0],
            xytext=(0, 10), textcoords="offset points", ha="center", fontsize=9,
            color=colours.ink, weight="bold" if name.endswith("knee") else "normal",
            parse_math=False,
        )  # fmt: skip


def _draw_seeds(axes: "Axes", data: ReportData, points: Sequence[Entry], colours: Theme) -> None:
    """Mean and spread of the points that were trained with several seeds, as crosses of bars."""
    assert data.axes is not None, "asked for by the caller"
    several = [e for e in points if all(name in e.get("mean", {}) for name in data.axes)]
    if several:
        (x, dx), (y, dy) = (
            ([e["mean"][name] for e in several], [e["spread"][name] for e in several])
            for name in data.axes
        )
        axes.errorbar(
            x, y, xerr=dx, yerr=dy, linestyle="none", color=colours.baseline, elinewidth=1.2,
            capsize=3, zorder=4, label="mean and spread over seeds",
        )  # fmt: skip


def _named(data: ReportData, points: Sequence[Entry]) -> Iterator[tuple[Entry, str]]:
    """Yield the points that have a name in the figure: the knee, the ends, others with room.

    Interpolated ones have none: their two trials say where they come from.
    """
    places = _places(data, points)
    spans = [(max(column) - min(column)) or 1.0 for column in zip(*places, strict=True)]
    ends = (points[0], points[-1]) if points else ()
    ordered = sorted(points, key=lambda e: (e["trial"] != data.front.get("knee"), e not in ends))
    taken: list[tuple[float, float]] = []
    for entry in ordered:
        knee = entry["trial"] == data.front.get("knee")
        (x, y) = _places(data, [entry])[0]
        place = (x / spans[0], y / spans[1])
        crowded = any(abs(place[0] - u) < 0.12 and abs(place[1] - v) < 0.07 for u, v in taken)
        if crowded or ("alpha" in entry and not knee):
            continue
        taken.append(place)
        trial = "" if "alpha" in entry else entry["trial"]
        yield entry, ", ".join(filter(None, (trial, "knee" if knee else "")))
