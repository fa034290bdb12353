"""Searches on recorded learning curves: hypervolume and regret for the steps that they spent.

Replays our sampler and scheduler, through the conductor that a sweep runs with, beside random
trials and Optuna's NSGA-II run to the end, Ray's OptunaSearch with ASHA on one metric, and Syne
Tune's MOASHA. `replay_curves` says by which one rule a proposal is served, `record.py` how curves
are recorded. Steps are those of the last stage: what comes before it is paid once for each network,
by every contender alike. One trial runs at a time.

Run: make bench-replay      (or: python tests/benchmarks/replay/replay.py --orders 20)

Syne Tune is no dependency of this project: MOASHA takes part where --syne-tune, or else
ACUTANCE_SYNE_TUNE, names the interpreter of an environment with `syne-tune==0.16.0`.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from loader import machine
from replay_contenders import Moasha, nsga2, ours, random, ray
from replay_curves import CURVES, Curves, Served
from replay_measure import BUDGETS, REGRET, SHORT, summed

Contender = Callable[[Curves, int], Served]

OURS = "ours"
MOASHA = "Syne Tune MOASHA"
EARLY = {"kind": "mo_asha", "first_rung": 1 / 9, "reduction": 2}

WRONG = (
    {"stages.finetune.loss": {"adversarial": 1.0}},
    {"stages.finetune.loss": {"texture": 1.0}},
    {"stages.finetune.loss": {"texture": 0.5, "adversarial": 0.5}},
)
"""Mixes without anything that holds to the picture."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=100, help="seeds of each contender")
    parser.add_argument("--curves", type=Path, default=CURVES)
    parser.add_argument("--syne-tune", metavar="PYTHON", default=syne_tune())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = replay(Curves.read(options.curves), options.orders, options.syne_tune)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    show(result)


def syne_tune() -> str | None:
    return os.environ.get("ACUTANCE_SYNE_TUNE") or None


def contenders(curves: Curves, moasha: Contender | None) -> dict[str, Contender]:
    """Return who takes part; the names are what tables and figures show."""
    told: dict[str, Contender] = {
        OURS: ours,
        "ours, rungs from 1/9 by 2": partial(ours, scheduler=EARLY),
        "random to the end": random,
        "NSGA-II to the end": nsga2,
        "Ray OptunaSearch + ASHA": ray,
    }
    if moasha is not None:
        told[MOASHA] = moasha
        told[f"{MOASHA}, 1/6 by 2"] = partial(moasha, first_rung=1 / 6, reduction=2)
    return told


def started(curves: Curves) -> dict[str, Contender]:
    """Return our search with points to start from, good and bad ones."""
    published = curves.spec["search"]["initial"]
    return {
        "ours, published initial": partial(ours, initial=published),
        "ours, wrong initial": partial(ours, initial=WRONG),
    }


def replay(curves: Curves, orders: int, python: str | None) -> dict[str, Any]:
    """Return what every contender reached, over as many orders of each.

    Points to start from are replayed in a quarter as many.
    """
    versions = {name: metadata.version(name) for name in ("optuna", "ray")}
    measured = {}
    with ExitStack() as running:
        moasha = None
        if python is not None:
            moasha = running.enter_context(Moasha(python))
            versions["syne-tune"] = moasha.version
        some = max(2, orders // 4)
        rows = [(name, each, orders) for name, each in contenders(curves, moasha).items()]
        rows += [(name, each, some) for name, each in started(curves).items()]
        for name, contender, count in rows:
            measured[name] = summed([contender(curves, seed) for seed in range(count)])
            means = [value["mean"] for value in measured[name]["hypervolume"]]
            print(f"{name}: {count} orders, hypervolume {means}", file=sys.stderr, flush=True)
    return {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions,
        "orders": orders,
        "trials": len(curves),
        "steps": len(curves) * curves.steps,
        "budgets": list(BUDGETS),
        "contenders": measured,
    }


def below_moasha(result: dict[str, Any]) -> list[tuple[str, float]]:
    """Return the budgets at which our mean is below the lower band of a MOASHA."""
    told = result["contenders"]
    return [
        (name, budget)
        for name in told
        if name.startswith(MOASHA)
        for budget, mine, theirs in zip(
            result["budgets"], told[OURS]["hypervolume"], told[name]["hypervolume"], strict=True
        )
        if mine["mean"] < theirs["low"]
    ]


def show(result: dict[str, Any]) -> None:
    print(", ".join(f"{key} {value}" for key, value in result["versions"].items()))
    print(f"{result['orders']} orders of {result['trials']} trials; mean [95 % interval]\n")
    for title, key in (("hypervolume, share of all trials'", "hypervolume"), ("regret", "regret")):
        print(f"{title:26}" + "".join(f"{share:>8.0%}" for share in result["budgets"]))
        for name, told in result["contenders"].items():
            print(f"{name:26}" + "".join(f"{value['mean']:8.3f}" for value in told[key]))
            print(" " * 26 + "".join(f"{value['low']:8.3f}" for value in told[key]))
            print(" " * 26 + "".join(f"{value['high']:8.3f}" for value in told[key]))
        print()
    print(f"full front (short by <= {SHORT:.0%}, regret <= {REGRET} dB) for <= 40 % of the steps:")
    for name, told in result["contenders"].items():
        within, spent = told["front_within_40"], told["steps"]
        print(
            f"{name:26}{within['mean']:5.0%} [{within['low']:.0%}..{within['high']:.0%}] of orders;"
            f" spent {spent['mean']:.1%} of the steps in all"
        )


if __name__ == "__main__":
    main()
