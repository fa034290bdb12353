"""The page about what each system gained, from the evidence that the campaign left.

Run as a program, it rewrites `docs/evidence/each-learns.md`.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from learning import RECIPES, REFERENCES, SYSTEMS

EVIDENCE = Path(__file__).parents[2] / "docs" / "evidence"
PAGE = EVIDENCE / "each-learns.md"
_ZSSR = "zero-shot-butterfly-x2"
_HEAD = """\
# Each system learns

Question: does each of the founding systems, in a small shape, learn within three CPU-minutes?

Each recipe `experiments/base/NAME-small.yaml` is trained with pixel loss on 219 photographs (the
training pictures of BSDS500 and 20 others) with one thread, for as many steps as about
{seconds:.0f} CPU-seconds hold here. Measured in f32 on Set5 with its distributed LR pictures,
protocol `rcan`, PSNR-Y in dB; the gain is over bicubic. The last column is the gain of an SRResNet
that was trained likewise; the CPU-seconds of all rows are equal to about a tenth. One seed, and no
spread was measured: a small difference between two rows says nothing.

Command: `make campaign`, or `pytest -m long tests/e2e/test_each_learns.py`; one file
`each-learns-NAME.json` per row. Asked for: 0.5 dB at x2, 0.3 dB at x4.

| system | scale | shape | parameters | steps | CPU-s | PSNR-Y | bicubic | gain | SRResNet's |
|---|---|---|---|---|---|---|---|---|---|
"""


def read_rows() -> dict[str, dict[str, Any]]:
    """Return recipe -> the evidence that its training left, for all there are."""
    files = {name: EVIDENCE / f"each-learns-{name}.json" for name in RECIPES}
    files[_ZSSR] = EVIDENCE / f"{_ZSSR}.json"
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def page(evidence: dict[str, dict[str, Any]]) -> str:
    """Return the whole page.

    Args:
        evidence: Recipe -> content of its evidence file, and ZSSR's on its one picture.
    """
    rows = {name: content["measured"] for name, content in evidence.items()}
    lines = [_line(rows[name], rows[REFERENCES[scale]]) for name, scale in sorted(SYSTEMS.items())]
    lines.append(_zero_shot_line(rows[_ZSSR]))
    lines += [_line(rows[name], None) for name in REFERENCES.values()]
    seconds = statistics.median(rows[name]["cpu_seconds"] for name in RECIPES)
    head = _HEAD.format(seconds=round(seconds, -1))
    return head + "\n".join(lines) + "\n" + _findings(rows, evidence)


def _line(row: dict[str, Any], reference: dict[str, Any] | None) -> str:
    shape = ", ".join(f"{key} {value}" for key, value in row["shape"].items())
    beside = "" if reference is None else f"{reference['gain']:+.2f}"
    return (
        f"| {row['system']} | x{row['scale']} | {shape} | {row['parameters']:,} | {row['steps']:,} "
        f"| {row['cpu_seconds']:.0f} | {row['psnr_y']:.2f} | {row['bicubic']:.2f} "
        f"| {row['gain']:+.2f} | {beside} |"
    )


def _zero_shot_line(row: dict[str, Any]) -> str:
    """Return the row of ZSSR, which learns from each picture by itself: here from one of the five.

    Its network is the published one, so the count is the published count.
    """
    steps, bicubic = row["note"].split(" steps")[0], row["bicubic_psnr_y"]
    return (
        f"| zssr | x2 | as published; Set5's butterfly alone | 224,640 | {int(steps):,} "
        f"| {row['cpu_seconds']:.0f} | {row['psnr_y']:.2f} | {bicubic:.2f} "
        f"| {row['psnr_y'] - bicubic:+.2f} |  |"
    )


def _findings(rows: dict[str, dict[str, Any]], evidence: dict[str, dict[str, Any]]) -> str:
    more = {
        name: rows[name]["gain"] - rows[REFERENCES[scale]]["gain"]
        for name, scale in sorted(SYSTEMS.items())
    }
    above = [f"{name} ({gain:+.2f})" for name, gain in more.items() if gain > 0]
    below = [f"{name} ({gain:+.2f})" for name, gain in more.items() if gain <= 0]
    said = evidence[REFERENCES[2]]
    machine, packages = said["machine"], said["packages"]
    return f"""
At equal CPU-seconds above SRResNet: {", ".join(above) or "none"}. At or below it:
{", ".join(below) or "none"}.

These are networks of toy size after minutes: the order says nothing about the published sizes
after days. EnhanceNet, IDN and MemNet add the enlarged input as published; a network with
`image_skip` in its shape does it here and not in its paper, so that it need not learn to copy
first, and so does the SRResNet beside them. `init`, `init_gain` and `init_scale` in a shape are not
the authors' first weights. IDN learns at 5e-4, all others at 2e-3.

Machine: {machine["processor"]}, {machine["cores"]} cores shared with other work, one thread,
precision {said["measured"]["precision"]}; torch {packages["torch"]}, Python {said["python"]};
{said["date"]}; seed {said["measured"]["seed"]}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(read_rows()))
