"""The verdict of a gate: rules and measured figures in, reasons out. Nothing is measured here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from typing import Any

from acutance_models import METRICS
from acutance_platform.registry.gates import Ceiling, Gate
from acutance_platform.registry.statistics import Advantage, advantage, holm
from acutance_platform.search.constraints import rules_of

Scores = Mapping[str, float]
Measured = Mapping[str, Any]
"""What `remeasure` found: `sets` with their `pictures`, and a figure per further rule."""

NO_PICTURES = (
    "there is no picture to judge by. Name some with --data FOLDER, put a suite's datasets into the"
    " store, or train on a dataset with a test split"
)


def judge(gate: Gate, measured: Measured) -> tuple[list[str], dict[str, Any]]:
    """Return the reasons against a promotion, none if it is earned, and the figures.

    Args:
        gate: Its rules.
        measured: `sets` = [{"data", "pictures": [{"challenger", "champion", "bicubic"}], ...}],
            each metric -> value, `champion` None where there is none; `known` = whether the
            challenger's lineage is; `machine`; and for each further rule that the gate has its
            figure, or a text that says why it could not be found.
    """
    pictures = [picture for each in measured["sets"] for picture in each["pictures"]]
    figures: dict[str, Any] = {"pictures": len(pictures)}
    if not pictures:
        return [NO_PICTURES], figures
    for who in ("challenger", "champion", "bicubic"):
        scores = [picture[who] for picture in pictures if picture[who] is not None]
        figures[who] = means(scores) if scores else None
    found: dict[str, Advantage] = {}
    if figures["champion"] is not None:
        found = {
            name: advantage(gains(name, pictures), margin=margin)
            for name, margin in gate.compare.items()
        }
    figures["compared"] = {name: asdict(each) for name, each in found.items()}
    for name in ("latency_ms", "peak_memory_mb", "seam_db", "onnx", "validation"):
        if name in measured:
            figures[name] = measured[name]
    reasons = [
        *_lost(gate, found),
        *_below_bicubic(gate, figures),
        *_thresholds(gate, figures["challenger"]),
        *_rules(gate, measured),
    ]
    return reasons, figures


def means(scores: Sequence[Scores]) -> dict[str, float]:
    """Return each metric over all pictures, pooled as the metric says."""
    names = [name for name in scores[0] if all(name in each for each in scores)]
    return {name: _pooled(name, [each[name] for each in scores]) for name in names}


def gains(name: str, pictures: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return by how much the challenger is better than the champion on each picture."""
    return [
        gain(name, picture["challenger"][name], picture["champion"][name]) for picture in pictures
    ]


def gain(name: str, mine: float, its: float) -> float:
    """Return by how much one value of a metric is better than another, in the metric's unit."""
    if mine == its:  # both may be infinite
        return 0.0
    better: Any = getattr(METRICS[name], "better", "max")
    if better == "max":
        return mine - its
    if better == "min":
        return its - mine
    return abs(its - float(better)) - abs(mine - float(better))


def _pooled(name: str, values: Sequence[float]) -> float:
    if getattr(METRICS[name], "pooling", "mean") == "root_mean_square":
        return float((sum(value**2 for value in values) / len(values)) ** 0.5)
    return float(sum(values) / len(values))


def _lost(gate: Gate, found: Mapping[str, Advantage]) -> Iterator[str]:
    held = holm({name: each.p for name, each in found.items()})
    for name, each in found.items():
        if not held[name]:
            margin = gate.compare[name]
            corrected = f", Holm over {len(found)} metrics" if len(found) > 1 else ""
            yield (
                f"{name}: not shown to be better than the champion's"
                f"{f' less {margin:g}' if margin else ''}: {each.mean:+.4f} on average over"
                f" {each.pictures} pictures, lower 95 % bound {each.bound:+.4f}, needed above"
                f" {-margin or 0:g} (p {each.p:.4f}{corrected})"
            )


def _below_bicubic(gate: Gate, figures: Mapping[str, Any]) -> Iterator[str]:
    for name in gate.beats_bicubic:
        mine, its = figures["challenger"].get(name), figures["bicubic"].get(name)
        if mine is None or its is None:
            yield f"{name}: could not be measured on every picture, so it does not beat bicubic's"
        elif gain(name, mine, its) <= 0:
            yield f"{name}: {mine:.4f} does not beat bicubic's {its:.4f}"


def _thresholds(gate: Gate, mean: Scores) -> Iterator[str]:
    for rule in rules_of(gate.thresholds):
        if rule.metric not in mean:
            yield f"{rule.metric}: could not be measured on every picture, needed {rule}"
        elif not rule.holds(mean[rule.metric]):
            yield f"{rule.metric}: {mean[rule.metric]:.4f}, needed {rule}"


def _rules(gate: Gate, measured: Measured) -> Iterator[str]:
    if gate.lineage == "required" and not measured["known"]:
        yield "lineage: no sweep or training of this store published these weights"
    yield from _above("latency_ms", gate.latency_ms, measured)
    yield from _above("peak_memory_mb", gate.peak_memory_mb, measured)
    if gate.seam is not None and measured["seam_db"] < gate.seam.at_least:
        yield (
            f"seam: pictures in tiles of {gate.seam.tile} come to {measured['seam_db']:.1f} dB of"
            f" whole ones, needed {gate.seam.at_least:g}"
        )
    if gate.onnx is not None:
        off = measured["onnx"]
        if isinstance(off, str):
            yield f"onnx: {off}"
        elif not off <= gate.onnx:
            yield f"onnx: the export differs by {off:.2e} from torch, allowed {gate.onnx:g}"
    if gate.validation is not None:
        yield from _not_reproduced(gate.validation, measured["validation"])


def _above(name: str, ceiling: Ceiling | None, measured: Measured) -> Iterator[str]:
    if ceiling is None:
        return
    machine = measured["machine"]
    if not fnmatch(machine, ceiling.machine):
        yield (
            f"{name}: cannot be checked here: the ceiling holds for '{ceiling.machine}', this is"
            f" '{machine}'"
        )
    elif isinstance(measured[name], str):
        yield f"{name}: {measured[name]}"
    elif measured[name] > ceiling.at_most:
        yield f"{name}: {measured[name]:.2f}, allowed {ceiling.at_most:g} on {machine}"


def _not_reproduced(allowed: float, found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield f"validation: {found}"
        return
    for name, pair in found.items():
        if not abs(pair["measured"] - pair["stored"]) <= allowed:
            yield (
                f"validation: {name} was stored as {pair['stored']:.4f}, measured anew it is"
                f" {pair['measured']:.4f}"
            )
