"""One self-contained HTML page about a sweep: no request leaves it, so it can be mailed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from acutance_platform.report.data import ReportData, family
from acutance_platform.report.feasible import constraint_texts, none_feasible, told
from acutance_platform.report.front import front_rows, front_told
from acutance_platform.report.pictures import Picture, drawn, uri
from acutance_platform.report.rows import trial_table
from acutance_platform.report.words import label, number

_COMPARED: Final = ("psnr_y", "ssim_y")


@dataclass(frozen=True)
class Fact:
    """One figure at the head of the page."""

    title: str
    value: str
    note: str


def report_html(data: ReportData) -> str:
    """Render the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("acutance_platform.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("report.html.j2").render(
        name=data.name,
        question=data.question,
        summary=summary(data),
        facts=facts(data),
        table=trial_table(data),
        front=front_rows(data),
        figures=drawn(data, summary(data)),
        notes=[(trial["trial"], note) for trial in data.trials for note in trial.get("notes", ())],
        strips=[_strip(name, png) for name, png in data.strips],
        winner=data.status.get("best"),
        recipe=data.recipe,
        environment=_flat(data.environment),
        commands=data.commands,
    )


def summary(data: ReportData) -> str:
    """The result in one or two sentences."""
    sentences = [_outcome(data)]
    if data.axes is not None and data.front.get("points"):
        sentences.append(front_told(data))
    requested, executed = data.status["steps_requested"], data.status["steps_executed"]
    if (constraints := told(data.status)) and data.status["nearest"] is None:
        sentences += [f"{line[0].upper()}{line[1:]}" for line in constraints]
    if 0 < executed < requested:
        share = 1 - executed / requested
        sentences.append(f"{share:.0%} of the steps requested did not have to be computed.")
    if data.status["state"] != "COMPLETE":
        sentences.append(f"The sweep is {data.status['state']}.")
    return " ".join(sentences)


def facts(data: ReportData) -> list[Fact]:
    """Winner against bicubic, steps, trials."""
    found = []
    for metric in _COMPARED:
        won = data.metric(data.best, metric) if data.best else None
        base = data.baseline(metric)
        if won is None:
            continue
        note = "" if base is None else f"bicubic {number(metric, base)}, {_gain(metric, won, base)}"
        found.append(Fact(f"{label(metric)} of the winner", number(metric, won), note))
    requested, executed = data.status["steps_requested"], data.status["steps_executed"]
    saved = max(0, requested - executed)
    note = f"of {requested:,} requested; {saved:,} saved"
    found.append(Fact("Steps computed", f"{executed:,}", note))
    states: dict[str, int] = {}
    for trial in data.status["trials"]:
        states[trial["state"]] = states.get(trial["state"], 0) + 1
    note = ", ".join(f"{amount} {state.lower()}" for state, amount in sorted(states.items()))
    found.append(Fact("Trials", str(len(data.status["trials"])), note))
    return found


def _outcome(data: ReportData) -> str:
    trials = len(data.status["trials"])
    best = data.best
    metric, _ = data.objective
    value = data.metric(best, metric) if best else None
    if data.status.get("nearest") is not None:
        asked = ", ".join(constraint_texts(data.status))
        return f"{none_feasible(data.status)} Asked for: {asked}."
    if best is None or value is None:
        return f"None of the {trials} trials is complete."
    kind = f" ({family(best)})" if family(best) else ""
    name, _, unit = label(metric).partition(" [")
    unit = f" {unit.rstrip(']')}" if unit else ""
    text = f"The best of {trials} trials, {best['trial']}{kind}, reaches "
    text += f"{number(metric, value)}{unit} {name} on the validation pictures"
    base = data.baseline(metric)
    if base is None:
        return f"{text}."
    side = "above" if value >= base else "below"
    gap, reference = number(metric, abs(value - base)), number(metric, base)
    return f"{text}, {gap}{unit} {side} bicubic ({reference}{unit})."


def _gain(metric: str, value: float, base: float) -> str:
    sign = "+" if value >= base else "−"
    return f"{sign}{number(metric, abs(value - base))}"


def _strip(name: str, png: bytes) -> Picture:
    alt = f"The most detailed crop of {name}: low resolution, bicubic, the winner, ground truth."
    return Picture(name, alt, uri(png))


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as (name, text) lines."""
    lines: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            lines += _flat(value, f"{name}: ")
        elif isinstance(value, list | tuple):
            lines.append((name, ", ".join(str(item) for item in value) or "none"))
        elif isinstance(value, bool):
            lines.append((name, "yes" if value else "no"))
        else:
            lines.append((name, "–" if value is None else str(value)))
    return lines
