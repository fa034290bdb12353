"""Turn a finished sweep in which every trial ran to its end into a small file of learning curves.

python tests/benchmarks/replay/record.py search-replay [-o FILE] [--reference psnr_y=24]

ACUTANCE_STORE and ACUTANCE_LOCAL say where the sweep lies, as for every verb.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import acutance
from acutance_platform.search import sweep_journal
from acutance_platform.search.fold import Sweep, Trial
from acutance_platform.search.numbers import plain
from acutance_platform.search.schema import total_steps
from acutance_platform.tracking import describe_environment
from acutance_platform.verbs.home import open_home

sys.path.append(str(Path(__file__).parent))
from replay_curves import CURVES

DIGITS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sweep")
    parser.add_argument("-o", "--out", type=Path, default=CURVES)
    parser.add_argument("--reference", action="append", default=[], metavar="METRIC=NUMBER")
    options = parser.parse_args()
    told = recorded(options.sweep)
    for given in options.reference:
        name, _, number = given.partition("=")
        told["reference"][name] = float(number)
    lines = json.dumps(told["trials"]).replace('}, {"trial"', '},\n{"trial"')
    rest = json.dumps({**told, "trials": []}, indent=1).removesuffix("[]\n}")
    options.out.write_text(f"{rest}{lines}}}\n")
    print(f"{options.out}: {len(told['trials'])} trials, {options.out.stat().st_size / 1e3:.0f} kB")


def recorded(name: str) -> dict[str, Any]:
    """Return everything that replays need of a sweep, and how it came about."""
    sweep = Sweep.of(sweep_journal(open_home().store, name).read())
    assert sweep.search is not None, f"{name} is a single training"
    start, steps = total_steps(sweep.spec)
    objectives = dict(sweep.search.objectives)
    trials = [trial for trial in sweep.trials.values() if start + steps in trial.reports]
    front = acutance.front(name)
    described = describe_environment(Path(__file__).parent)
    finished = datetime.fromtimestamp(sweep.last, UTC).date().isoformat()
    return {
        "made": {
            "by": f"acutance sweep experiments/{name}/sweep.yaml",
            "then": f"python tests/benchmarks/replay/record.py {name}",
            "date": finished,
            "machine": described["machine"],
            "packages": described["packages"],
            "python": described["python"],
            "dataset": sweep.spec["data"]["dataset"],
            "cpu_hours": round(sweep.cpu_hours, 3),
            "left_out": [trial.name for trial in sweep.trials.values() if trial not in trials],
        },
        "objectives": objectives,
        "bicubic": _all_rounded(front["reference"]),
        "reference": _all_rounded(front["reference"]),
        "start": start,
        "end": start + steps,
        "spec": sweep.spec,
        "trials": [_row(trial, start, list(objectives)) for trial in trials],
    }


def _row(trial: Trial, start: int, objectives: list[str]) -> dict[str, Any]:
    after = {step: told for step, told in trial.reports.items() if step > start}
    return {
        "trial": trial.name,
        "assignment": _all_rounded(trial.assignment),
        "recipe": _all_rounded(trial.recipe),
        "cpu_seconds": round(trial.cpu_seconds, 1),
        "values": {
            step: [_rounded(plain(told[name])) for name in objectives]
            for step, told in sorted(after.items())
        },
    }


def _all_rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in values.items()}


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
