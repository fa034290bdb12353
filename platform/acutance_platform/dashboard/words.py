"""How pages write numbers, sizes and times; times as UTC, which the page turns into local ones."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from acutance_platform.report import label, number


def when(seconds: float | None) -> Markup:
    """Return a moment, in seconds since 1970, as a `<time>`; `site.js` shows the reader's zone."""
    if seconds is None:
        return Markup("–")
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)
    text = moment.strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), text)


def hours(value: float | None) -> str:
    """Return hours as people say them: `12 s`, `4.2 min`, `3.1 h`."""
    if value is None:
        return "–"
    if value < 1 / 60:
        return f"{value * 3600:.0f} s"
    return f"{value * 60:.1f} min" if value < 1 else f"{value:,.1f} h"


def short(sha256: str | None) -> str:
    """Return the first twelve characters of a hash."""
    return sha256[:12] if sha256 else "–"


def metric(value: float | None, name: str) -> str:
    """Return a metric's value with as many digits as it is worth."""
    return "–" if value is None else number(name, value)


FILTERS: dict[str, Callable[..., Any]] = {
    "when": when,
    "hours": hours,
    "short": short,
    "metric": metric,
    "label": label,
    "thousands": lambda value: "–" if value is None else f"{value:,}",
}
"""What templates write after a bar."""
