"""The page about EnhanceNet's loss mixes, from the evidence that the campaign left.

Run as a program, it rewrites `docs/evidence/enhancenet-losses.md`.
"""

import json
from pathlib import Path
from typing import Any

from enhancenet_losses import MIXES, SOURCES, Finding, spread, table

EVIDENCE = Path(__file__).resolve().parents[2] / "docs" / "evidence"
PAGE = EVIDENCE / "enhancenet-losses.md"
SETS = {"photographs": "the two validation photographs", "set5": "Set5, its given LR pictures"}
_HEAD = """\
# EnhanceNet's loss mixes

Question: which of EnhanceNet's orderings of loss mixes hold for a small network, over seeds and
feature sources? [The experiment](../../experiments/enhancenet-losses/README.md) has recipe, figure
and answer; these are all numbers. E = squared error, P = perceptual, A = adversarial, T = texture.

Command: `make campaign`, or `pytest -m long tests/integration/test_enhancenet_losses.py`; one file
`enhancenet-losses-SOURCE.json` per feature source.

PSNR-Y and lr_consistency in dB. `feature_distance` and `gram_distance` look through random weights
that no mix was trained through; `distilled_distance` (relu4_1) and `normalised_gram` (relu3_1) look
through the networks that two of the sources train through: for those they are no independent judge.
Mean over the seeds and, in brackets, largest minus smallest.
"""
_ORDERINGS = """
By how much each ordering holds, in dB or in the metric's unit (of `edge_acutance` in its distance
from 1), negative where it does not hold. `holds` or `does not hold`: in all seeds; else `open`.

"""


def read_evidence() -> dict[str, dict[str, Any]]:
    """Return source -> content of its evidence file, for all there are."""
    files = {source: EVIDENCE / f"enhancenet-losses-{source}.json" for source in SOURCES}
    return {each: json.loads(file.read_text()) for each, file in files.items() if file.exists()}


def page(evidence: dict[str, dict[str, Any]]) -> str:
    """Return the whole page.

    Args:
        evidence: Source -> content of its evidence file.
    """
    told = {source: content["measured"] for source, content in evidence.items()}
    parts = [_HEAD]
    for place, title in SETS.items():
        parts.append(f"\n## On {title}\n{_ORDERINGS}{_orderings(told, place)}")
        for source, measured in told.items():
            rows = {mix: measured[place][mix] for mix in MIXES}
            names = list(rows["E"][0])
            steps = measured["steps_requested"] // (len(MIXES) * len(measured["seeds"]))
            parts.append(f"\nTrained through `{source}`, {steps} steps with the pretrain:\n\n")
            parts.append(table(rows, measured[f"{place}_bicubic"], names))
    return "".join(parts) + _foot(evidence)


def _orderings(told: dict[str, dict[str, Any]], place: str) -> str:
    found = {
        source: {
            each["claim"]: Finding(each["claim"], each["gaps"])
            for each in measured[f"{place}_findings"]
        }
        for source, measured in told.items()
    }
    lines = [f"| ordering | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for claim in dict.fromkeys(claim for findings in found.values() for claim in findings):
        cells = [_cell(findings.get(claim)) for findings in found.values()]
        lines.append(f"| {claim} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(finding: Finding | None) -> str:
    return "" if finding is None else f"{finding.verdict}: {spread(finding.gaps)}"


def _foot(evidence: dict[str, dict[str, Any]]) -> str:
    said = next(iter(evidence.values()))
    machine, packages, measured = said["machine"], said["packages"], said["measured"]
    costs = [
        f"`{source}` {each['measured']['steps_executed']:,} of "
        f"{each['measured']['steps_requested']:,} steps, "
        f"{each['measured']['cpu_seconds']:,.0f} CPU-seconds"
        for source, each in evidence.items()
    ]
    return f"""
Steps that each source computes by itself, a pretrain once for each seed, and what was spent here,
where `distilled` found the pretrains, E and EA of `normalised`:
{"; ".join(costs)}.

Machine: {machine["processor"]}, {machine["cores"]} cores shared with other work, one thread,
precision {measured["precision"]}; torch {packages["torch"]}, Python {said["python"]};
{said["date"]}; seeds {", ".join(map(str, measured["seeds"]))}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(read_evidence()))
