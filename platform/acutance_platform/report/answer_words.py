"""How an experiment's values and differences are written."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from acutance_platform.report.words import number

EXACT: Final = frozenset(
    {"parameters", "macs_per_pixel", "steps", "executed", "cpu_seconds", "steps_to_bicubic"}
)
"""What is written with all its digits, and never compared."""


def written_value(metric: str, value: float | None) -> str:
    """Return a metric's value with the digits that mean something."""
    name = metric.rpartition("/")[2]
    if value is not None and name in EXACT:
        return f"{value:,.0f}"
    return number(name, value)


def written_gap(metric: str, gaps: Sequence[float]) -> str:
    """Return mean and deviation of differences, and how many are above 0."""
    if not gaps:
        return "–"
    show = _finer(metric)
    spread = f" ± {show(statistics.stdev(gaps)).lstrip('+')}" if len(gaps) > 1 else ""
    above = f" ({sum(gap > 0 for gap in gaps)} of {len(gaps)} above 0)"
    return f"{show(statistics.fmean(gaps))}{spread}{above}"


def _finer(metric: str) -> Callable[[float], str]:
    """Return how a difference is written: it has one digit more than the values."""
    name = metric.rpartition("/")[2]
    if name.startswith("psnr") or name == "lr_consistency":
        return lambda gap: f"{gap:+.3f}"
    if name.startswith("ssim"):
        return lambda gap: f"{gap:+.5f}"
    return lambda gap: f"{gap:+.3g}"
