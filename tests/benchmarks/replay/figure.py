"""Draw hypervolume over the steps spent, with its bands, from what a replay measured.

python tests/benchmarks/replay/figure.py RESULT.json PICTURE.png

RESULT is what `replay.py --json` writes, or the evidence of the campaign's replay.
"""

import json
import sys
from pathlib import Path

from acutance_platform.report.canvas import canvas, legend, png
from acutance_platform.report.theme import MARKERS, THEMES

SHOWN = {
    "ours": "ours",
    "random to the end": "random",
    "NSGA-II to the end": "NSGA-II",
    "Ray OptunaSearch + ASHA": "Ray ASHA",
    "Syne Tune MOASHA, 1/6 by 2": "MOASHA",
}


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    told = json.loads(source.read_text())
    told = told.get("measured", told)
    colours = THEMES["light"]
    figure, axes = canvas(colours)
    shares = [100 * share for share in told["budgets"]]
    for index, (name, title) in enumerate(SHOWN.items()):
        if name not in told["contenders"]:
            continue
        rows = told["contenders"][name]["hypervolume"]
        colour = colours.families[index]
        axes.plot(
            shares, [row["mean"] for row in rows], color=colour, marker=MARKERS[index],
            markersize=5, linewidth=2.4 if name == "ours" else 1.4, label=title,
        )  # fmt: skip
        low, high = [row["low"] for row in rows], [row["high"] for row in rows]
        axes.fill_between(shares, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(0.99, color=colours.baseline, linewidth=1, linestyle=(0, (5, 3)))
    axes.axvline(40, color=colours.baseline, linewidth=1, linestyle=(0, (5, 3)))
    axes.set_xlabel("Steps spent [% of all trials to the end]")
    axes.set_ylabel("Hypervolume [share of the full run's]")
    axes.set_ylim(0.4, 1.03)
    legend(figure, axes, colours)
    target.write_bytes(png(figure))


if __name__ == "__main__":
    main()
