"""Parallel coordinates: one line per trial through its searched values, coloured by its result."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from acutance_platform.report.canvas import canvas, png
from acutance_platform.report.data import ReportData
from acutance_platform.report.rows import folded, told_apart
from acutance_platform.report.theme import THEMES, Theme, ThemeName
from acutance_platform.report.words import label, setting, short_paths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXES: Final = 9
"""Upright axes at most: the first ones that differ between trials."""
_NAME: Final = 14
"""Characters of a value or a path beside its axis; the first axis has room for twice as many."""
_ABSENT: Final = -0.12
"""Where a line crosses the axis of a value that its trial does not have."""


@dataclass(frozen=True)
class _Scale:
    """One upright axis: where each value lies between 0 and 1, and what is written there."""

    path: str
    places: Mapping[str, float]
    """By trial; absent where the trial has no value."""
    ticks: Sequence[tuple[float, str]]


def parallel_png(data: ReportData, *, theme: ThemeName = "light") -> bytes:
    """A line per trial over the searched paths; complete ones in the colour of their result.

    Colours go by the rank in the first objective; trials that did not complete are faint, because
    their values are of fewer steps.
    """
    from matplotlib import colormaps

    colours = THEMES[theme]
    figure, axes = canvas(colours)
    axes.grid(visible=False)
    scales = parallel_scales(data)
    ranked = [t for t in data.trials if t["state"] == "COMPLETE"]
    ranked = [t for t in ranked if data.metric(t, data.objective[0]) is not None]
    spread = colormaps["plasma"]
    span = (0.0, 0.8) if theme == "light" else (0.35, 1.0)
    others = [t for t in data.trials if t not in ranked]
    for trial in others:
        _line(axes, scales, str(trial["trial"]), colours.faint, 0.9, 1)
    for place, trial in reversed(list(enumerate(ranked))):
        share = 1.0 - place / max(1, len(ranked) - 1)
        share = 1.0 - share if theme == "light" else share
        colour = spread(span[0] + (span[1] - span[0]) * share)
        _line(axes, scales, str(trial["trial"]), colour, 2.4 if place == 0 else 1.3, 3)
    _dress(axes, data, scales, colours, [spread(edge) for edge in span], theme)
    return png(figure)


def parallel_scales(data: ReportData) -> list[_Scale]:
    """Return the axes of a sweep: searched paths that differ between its trials, in their order."""
    recipes = told_apart(folded({str(t["trial"]): t["recipe"] for t in data.status["trials"]}))
    paths = dict.fromkeys(path for recipe in recipes.values() for path in recipe)
    found = []
    for path in paths:
        values = {name: recipe[path] for name, recipe in recipes.items() if path in recipe}
        differ = len({repr(value) for value in values.values()}) > 1 or len(values) < len(recipes)
        if differ:
            found.append(_scale(path, values))
    return found[:_AXES]


def _scale(path: str, values: Mapping[str, Any]) -> _Scale:
    numbers = [v for v in values.values() if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        return _named_scale(path, values)
    low, high = float(min(numbers)), float(max(numbers))
    # A weight near 0 is as good as none: logarithms are for rates.
    log = low > 0 and high / low > 10 and ".loss." not in path
    turn = math.log if log else float
    span = (turn(high) - turn(low)) or 1.0
    places = {name: (turn(value) - turn(low)) / span for name, value in values.items()}
    return _Scale(path, places, [(0.0, setting(low)), (1.0 if high > low else 0.0, setting(high))])


def _named_scale(path: str, values: Mapping[str, Any]) -> _Scale:
    names = sorted({setting(value) for value in values.values()})
    at = {name: i / max(1, len(names) - 1) for i, name in enumerate(names)}
    places = {trial: at[setting(value)] for trial, value in values.items()}
    return _Scale(path, places, [(place, name) for name, place in at.items()])


def _cut(text: str, most: int = _NAME) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _line(
    axes: "Axes", scales: Sequence[_Scale], trial: str, colour: Any, width: float, layer: int
) -> None:
    heights = [scale.places.get(trial, _ABSENT) for scale in scales]
    axes.plot(range(len(scales)), heights, color=colour, linewidth=width, zorder=layer)


def _dress(
    axes: "Axes",
    data: ReportData,
    scales: Sequence[_Scale],
    colours: Theme,
    ends: Sequence[Any],
    theme: ThemeName,
) -> None:
    short = short_paths([scale.path for scale in scales])
    absent = any(len(scale.places) < len(data.status["trials"]) for scale in scales)
    for place, scale in enumerate(scales):
        axes.axvline(place, color=colours.ink, linewidth=1, zorder=2)
        for height, text in scale.ticks if place else ():
            axes.annotate(
                _cut(text), (place, height), xytext=(3, 2), textcoords="offset points",
                color=colours.ink, zorder=5, parse_math=False, fontsize=7.5,
                bbox={"facecolor": colours.page, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
            )  # fmt: skip
    axes.set_xticks(range(len(scales)), [_cut(short[s.path]) for s in scales], rotation=20)
    first = [(height, _cut(text, 2 * _NAME)) for height, text in scales[0].ticks]
    left = [*first, *([(_ABSENT, "absent")] if absent else [])]
    axes.set_yticks([height for height, _ in left], [text for _, text in left])
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(_ABSENT - 0.06, 1.08)
    axes.set_xlim(-0.1, max(len(scales) - 0.5, 0.5))
    words = f"{label(data.objective[0])}: the best", "the worst", "not complete"
    looks = (*(ends if theme == "light" else ends[::-1]), colours.faint)
    for word, colour in zip(words, looks, strict=True):
        axes.plot([], [], color=colour, linewidth=2.4, label=word)
    axes.figure.legend(
        loc="outside upper center", ncols=3, fontsize=9, frameon=False, labelcolor=colours.ink
    )
