"""What saving states and journalling reports cost beside the quickstart's steps.

python tests/benchmarks/bookkeeping.py [--store ADDRESS] [--rounds N] [--steps N] [--json FILE]

Each round trains `checkpoint.every` steps bare and the same number with what belongs to a report:
the state and the weights kept on this machine and brought to the store by a thread, and a record
in the journal. Both are timed in one process, by turns, the thread's work included.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from loader import machine, spread

from acutance_platform.recipe import build_recipe
from acutance_platform.training import Training, machine_kind
from acutance_platform.training.machine import resolve_auto
from acutance_platform.training.state import Report
from acutance_platform.verbs.files import read_recipe
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.plans import base_recipe, spec_of
from acutance_storage import BlobStore, Journal, open_store

RECIPE = Path(__file__).parents[2] / "experiments" / "base" / "small-x2.yaml"


class Kept:
    """A training of the quickstart, and what is done with a report of it."""

    def __init__(self, store: BlobStore, local: Path) -> None:
        home = Home(store, local)
        recipe = resolve_auto(base_recipe(dict(spec_of(read_recipe(RECIPE, (), home)))))
        whole = recipe.model_dump(mode="json")
        whole["stages"]["train"]["steps"] = 10**6  # the schedule's end is not what is timed
        complete = build_recipe(whole)
        kind = machine_kind(complete)
        self.training = Training(complete, store=store, local=local, machine=kind)
        self.stage, self.every = self.training._stage, complete.checkpoint.every
        self.journal = Journal(store, "sweeps/benchmark")
        self.journal.append({"do": "sweep", "name": "benchmark"})

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.stage._train_step()

    def keep(self) -> None:
        """What a report does beside measuring: the training goes on while a thread sends."""
        weights = self.stage._dumped()
        metrics = {"loss/pixel": 0.1, "weighted/pixel": 0.1, "psnr_y": 30.0, "ssim_y": 0.9}
        report = Report(self.stage.step, metrics, 0, 0.0, 0.0, time.time(), None, "b/t0000")
        self.stage._progress.reports.append(report)
        self.stage._save(weights)
        self.journal.append({"do": "report", "trial": "t0000", **report.as_dict()})


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU and wall seconds of some work."""
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return time.process_time() - cpu, time.monotonic() - wall


def one_round(kept: Kept, steps: int) -> dict[str, float]:
    """Return what one block of steps cost bare and with its report, and the report by itself."""
    bare, _ = timed(lambda: kept.steps(steps))
    blocked: list[tuple[float, float]] = []

    def with_report() -> None:
        blocked.append(timed(kept.keep))
        kept.steps(steps)
        kept.stage._states.settle()

    both, wall = timed(with_report)
    alone, _ = timed(lambda: (kept.keep(), kept.stage._states.settle()))
    return {
        "report_share_cpu": alone / bare,
        "with_to_bare_cpu": both / bare,
        "held_up_share_wall": blocked[0][1] / wall,
        "step_ms_cpu": 1000 * bare / steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", help="a folder or s3:// address; a temporary folder unless set")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, help="in a block; the recipe's checkpoint.every")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="acutance-bench-") as scratch:
        local = Path(scratch) / "local"
        os.environ["ACUTANCE_LOCAL"] = str(local)
        store = open_store(options.store or f"{scratch}/store", local=local)
        kept = Kept(store, local)
        steps = options.steps or kept.every
        kept.steps(min(steps, 20))
        kept.keep()
        rounds = [one_round(kept, steps) for _ in range(options.rounds)]
    found = {name: spread([one[name] for one in rounds]) for name in rounds[0]}
    result = {"machine": machine(), "steps": steps, "rounds": options.rounds, "measured": found}
    show(result, "a folder" if options.store is None else options.store.partition("?")[0])
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def show(result: dict, where: str) -> None:
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items()))
    print(
        f"store: {where}; a report every {result['steps']} steps of "
        f"{result['measured']['step_ms_cpu']['median']:.1f} ms; median [min..max] of "
        f"{result['rounds']} rounds\n"
    )
    words = {
        "report_share_cpu": "CPU of keeping, sending, journalling / of the steps",
        "held_up_share_wall": "wall time in which the training waited for that",
        "with_to_bare_cpu": "CPU of steps with all that / of bare steps",
    }
    for name, text in words.items():
        value = result["measured"][name]
        base = 1 if name == "with_to_bare_cpu" else 0
        low, middle, high = (100 * (value[k] - base) for k in ("min", "median", "max"))
        print(f"{text:54} {middle:+6.2f} % [{low:+.2f}..{high:+.2f}]")
    most = result["measured"]["report_share_cpu"]["max"]
    print(f"\nthe goal is 2 % of step time; the worst round had {100 * most:.2f} %")


if __name__ == "__main__":
    main()
