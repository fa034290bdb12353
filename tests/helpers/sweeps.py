"""Small sweeps over the fake training."""

import json
import os
import sys
from pathlib import Path

from acutance_platform.search import parse_search, sweep_journal
from acutance_platform.sweep.plan import SweepPlan
from acutance_storage import open_store


def recipe(steps=20, every=5, **fake):
    return {
        "scale": 2,
        "seed": 3,
        "generator": {"kind": "fake", "width": 8},
        "resources": {"cpu": 1, "gpu": 0},
        "stages": {"train": {"steps": steps, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
        "evaluation": {"every": every, "metrics": ["psnr_y"]},
        "fake": {"quality": 1.0, **fake},
    }


def plan(name="demo", *, steps=20, every=5, trials=8, base=None, check=None, costs=None, **search):
    base = base or recipe(steps, every)
    section = {
        "space": {"fake.quality": {"uniform": [0.0, 40.0]}},
        "objectives": {"psnr_y": "max"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "asha", "first_rung": 0.25, "reduction": 2},
        "budget": {"trials": trials},
        **search,
    }
    checks = {"check": check} if check else {}
    checks |= {"costs": costs} if costs else {}
    checks |= {"memory": memory_of} if "gib" in str(search) else {}
    training = "fake_training:FakeTraining"
    return SweepPlan(name, base, parse_search(section, base), training=training, **checks)


def memory_of(recipe):
    return recipe["fake"]["gib"] * 2**30


def main():
    """Run as `python sweeps.py FOLDER JSON`: a driver that a test may kill."""
    from acutance_platform.sweep.driver import run_sweep

    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    slots = options.pop("slots", None)
    store = open_store(folder / "store")
    if resources := options.pop("resources", None):
        base = recipe(options.get("steps", 20), options.get("every", 5), **options.pop("fake", {}))
        options["base"] = {**base, "resources": resources}
    state = run_sweep(
        plan(**options),
        journal=sweep_journal(store, options.get("name", "demo")),
        store=store,
        local=folder / "local",
        slots=slots,
        address=os.environ.get("RAY_ADDRESS"),
    )
    print(state)


if __name__ == "__main__":
    main()
