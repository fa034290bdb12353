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
    """Return the chart's shapes in a box of 1000 by 200, and the values of its upper end."""
    every = math.ceil(len(rows) / MOST_BARS)
    drawn = rows[::every]
    top = max((abs(row["gain"]) for row in drawn if math.isfinite(row["gain"])), default=0.0) or 1.0
    wide = 1000 / len(drawn)
    thick = min(wide * 0.72, 60.0)
    bars = []
    for place, row in enumerate(drawn):
        tall = max(min(abs(row["gain"]) / top, 1.0) * 96, 0.8)
        bars.append(
            {
                "x": round((place + 0.5) * wide - thick / 2, 2),
                "y": round(100 - tall if row["gain"] > 0 else 100, 2),
                "wide": round(thick, 2),
                "tall": round(tall, 2),
                "good": row["gain"] > 0,
                "said": f"{row['picture']}: {row['gain']:+.4f}",
            }
        )
    return {"every": every, "top": top, "bars": bars, "mean": round(100 - mean / top * 96, 2)}


def _said(found: Mapping[str, Any]) -> str:
    rows = found["rows"]
    return (
        f"{label(found['metric'])} on {len(rows)} pictures beside the {found['against']}: better on"
        f" {found['better']}, worse on {found['worse']}; {found['mean']:+.4f} on average, from"
        f" {found['least']:+.4f} ({rows[0]['picture']}) to {found['most']:+.4f}"
        f" ({rows[-1]['picture']})"
    )
