"""What the sweeps of an experiment cost, and what they saved."""

from collections.abc import Mapping
from typing import Any

HEADS = (
    "sweep",
    "trials",
    "steps asked for",
    "steps computed",
    "saved",
    "by sharing stages",
    "by stopping early",
    "CPU-minutes",
)


def cost_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """Return a row of `HEADS` for each sweep.

    What a trial reached without computing it came from a stage that another one had paid; what it
    was asked for and did not reach, it was stopped before.
    """
    rows = []
    for stem, cost in results["sweeps"].items():
        own = [trial["values"] for trial in results["trials"] if trial["sweep"] == stem]
        asked, computed = cost["steps_requested"], cost["steps_executed"]
        reached = sum(values["steps"] for values in own)
        shares = [
            f"{100 * max(0, saved) / asked:.0f} %" if asked else "–"
            for saved in (asked - computed, reached - computed, asked - reached)
        ]
        minutes = f"{cost['cpu_hours'] * 60:.1f}"
        rows.append([stem, str(cost["trials"]), f"{asked:,}", f"{computed:,}", *shares, minutes])
    return rows
