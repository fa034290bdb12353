"""What a gate measured, picture by picture: two models' differences, and a chart's numbers."""

import math
from collections.abc import Mapping
from typing import Any, Final

from acutance_platform.report import label

MOST_BARS: Final = 240
"""Of a chart; of more pictures every n-th in the order of their differences is drawn."""

Document = Mapping[str, Any]
"""A version's document in the store, see `registry.card`."""


def metrics_of(document: Document) -> list[str]:
    """Return what was measured on every picture."""
    return list((document["figures"].get("challenger") or {}).keys())


def comparison(document: Document, metric: str) -> dict[str, Any] | None:
    """Return how the model and the one before it differ on each picture.

    Args:
        document: Of the measurement.
        metric: One of `metrics_of`.

    Returns:
        `against` (champion or bicubic), `rows` (picture, data, mine, its, gain; worst first),
        `better`, `worse`, `mean`, `least`, `most`, `interval` (what the gate's test said, or
        None), `bars` and `said`; None where no picture was measured. `gain` is positive where the
        model is better, whatever the metric's direction.
    """
    from acutance_platform.registry.verdict import gain  # brings the metrics, and torch

    sets = document["sets"]
    pictures = [(each["data"], picture) for each in sets for picture in each["pictures"]]
    if not pictures:
        return None
    against = "champion" if pictures[0][1]["champion"] is not None else "bicubic"
    rows = [
        {
            "picture": picture["name"],
            "data": data,
            "mine": picture["challenger"][metric],
            "its": picture[against][metric],
            "gain": gain(metric, picture["challenger"][metric], picture[against][metric]),
        }
        for data, picture in pictures
        if metric in picture["challenger"] and metric in picture[against]
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: float(row["gain"]))
    gains = [float(row["gain"]) for row in rows]
    found = {
        "metric": metric,
        "against": against,
        "rows": rows,
        "better": sum(value > 0 for value in gains),
        "worse": sum(value < 0 for value in gains),
        "mean": math.fsum(gains) / len(gains),
        "least": gains[0],
        "most": gains[-1],
        "interval": document["figures"].get("compared", {}).get(metric),
    }
    return {**found, "bars": _bars(rows, found["mean"]), "said": _said(found)}


def _bars(rows: list[dict[str, Any]], mean: float) -> dict[str, Any]:
    """Return the chart's shapes in a box of 1000 by 200, and the values of its ends."""
    every = math.ceil(len(rows) / MOST_BARS)
    drawn = rows[::every]
    known = [row["gain"] for row in drawn if math.isfinite(row["gain"])]
    high, low = max([0.0, *known]), min([0.0, *known])
    high, low = (high, low) if high > low else (1.0, -1.0)
    unit = 184 / (high - low)
    zero = 8 + high * unit
    wide = 1000 / len(drawn)
    thick = min(wide * 0.72, 60.0)
    bars = []
    for place, row in enumerate(drawn):
        end = zero - min(max(row["gain"], low), high) * unit
        bars.append(
            {
                "x": round((place + 0.5) * wide - thick / 2, 2),
                "y": round(min(zero, end), 2),
                "wide": round(thick, 2),
                "tall": round(max(abs(end - zero), 0.8), 2),
                "good": row["gain"] > 0,
                "said": f"{row['picture']}: {row['gain']:+.4f}",
            }
        )
    ends = {"every": every, "high": high, "low": low, "zero": round(zero, 2)}
    return {**ends, "bars": bars, "mean": round(zero - mean * unit, 2)}


def _said(found: Mapping[str, Any]) -> str:
    rows = found["rows"]
    whom = "the champion before" if found["against"] == "champion" else found["against"]
    return (
        f"{label(found['metric'])} on {len(rows)} pictures, beside {whom}: better on"
        f" {found['better']}, worse on {found['worse']}; {found['mean']:+.4f} on average, from"
        f" {found['least']:+.4f} ({rows[0]['picture']}) to {found['most']:+.4f}"
        f" ({rows[-1]['picture']})"
    )
