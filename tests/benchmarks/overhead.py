"""What a sweep costs beside its trainings: wall time over the ideal, and driver CPU per trial.

Real Ray, a real MLflow server, the journal and states in a folder; the training sleeps. Start-up is
excluded: everything is counted from the first report on, wall time to the last one, CPU time until
MLflow has everything.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "helpers")]
# Workers import the training by name.
os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")])
sys.path[:0] = [str(HERE.parents[2] / part) for part in ("storage", "models", "platform")]

import sweeps  # noqa: E402

from acutance_platform.search import sweep_journal  # noqa: E402
from acutance_platform.sweep.driver import run_sweep  # noqa: E402
from acutance_platform.tracking import Recorder, tracking_server  # noqa: E402
from acutance_storage import open_store  # noqa: E402


def measure(folder, trials, seconds, *, slots=2, sampler="tpe"):
    """Run a sweep of one leg per trial; return wall and driver CPU from the first report on."""
    store, name = open_store(folder / "store"), "overhead"
    base = sweeps.recipe(steps=1, every=1, seconds=seconds)
    how = {"sampler": {"kind": sampler}, "scheduler": {"kind": "none"}}
    plan = sweeps.plan(name, base=base, trials=trials, **how)
    times = []
    with tracking_server(folder / "local") as where:
        recorder = Recorder(where, name=name, records=[], on_run=lambda trial, run: None)

        def listen(record):
            recorder.feed(record)
            if record["do"] == "report":
                times.append((time.monotonic(), time.process_time()))

        journal = sweep_journal(store, name)
        local = folder / "local"
        state = run_sweep(
            plan, journal=journal, store=store, local=local, on_event=listen, slots=slots
        )
        ended = time.monotonic()
        unsent = recorder.close()
        closing, worked = time.monotonic() - ended, time.process_time()
    assert state == "COMPLETE", state
    assert not unsent, unsent
    wall = times[-1][0] - times[0][0]
    # To the end of closing: a sweep of moments is over before MLflow has heard of most of it.
    cpu = worked - times[0][1]
    ideal = seconds * (trials / slots - 1)
    return {
        "trials": trials,
        "sampler": sampler,
        "wall_seconds": round(wall, 2),
        "ideal_seconds": round(ideal, 2),
        "overhead": round(wall / ideal - 1, 4) if ideal else None,
        "driver_cpu_ms_per_trial": round(1000 * cpu / (trials - 1), 2),
        "recorder_closing_seconds": round(closing, 2),
    }


def main():
    """Measure the sweep of sleeping trials, or driver CPU at several lengths (`--seconds 0`)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[300])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--sampler", default="tpe")
    options = parser.parse_args()
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(Path(folder), trials, options.seconds, sampler=options.sampler)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
