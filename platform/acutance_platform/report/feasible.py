"""Constraints in words: what a sweep asks of its trials, who meets it, who comes closest."""

from collections.abc import Mapping
from typing import Any

from acutance_platform.report.words import number


def constraint_texts(status: Mapping[str, Any]) -> list[str]:
    """Return the rules of a sweep as `psnr_y >= 28`, in the file's order.

    Args:
        status: The document of `status --json`, or of `front --json`.
    """
    given = status.get("constraints") or {}
    listed = {name: [rules] if isinstance(rules, str) else rules for name, rules in given.items()}
    return [f"{name} {rule}" for name, rules in listed.items() for rule in rules]


def met(trial: Mapping[str, Any]) -> str:
    """Return in a word or two whether a trial meets the constraints; which it misses, by name."""
    if trial.get("feasible"):
        return "yes"
    missed = ", ".join(trial.get("violations") or ())
    return f"no: {missed}" if missed else "–"


def told(status: Mapping[str, Any]) -> list[str]:
    """Return sentences about the constraints; none for a sweep without any.

    Args:
        status: The document of `status --json`.
    """
    texts = constraint_texts(status)
    if not texts:
        return []
    trials = status["trials"]
    good = sum(trial["feasible"] is True for trial in trials)
    lines = [f"constraints: {', '.join(texts)}; {good} of {len(trials)} trials meet them."]
    if status["refused"]:
        lines.append(f"{status['refused']:,} drawn recipes were refused before their first step.")
    if status["nearest"] is not None:
        lines.append(none_feasible(status))
    return lines


def none_feasible(status: Mapping[str, Any]) -> str:
    """Return that no trial meets the constraints, and which one comes closest."""
    near = next(trial for trial in status["trials"] if trial["trial"] == status["nearest"])
    names = list(near["violations"]) or list(status["constraints"])
    values = ", ".join(f"{name} {number(name, near['metrics'].get(name))}" for name in names)
    return f"No complete trial meets the constraints; the nearest is {near['trial']} with {values}."
