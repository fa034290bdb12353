"""Ten sweeps of half a minute that differ in network, loss, sampler, scheduler and length.

Each is forecast, then run; what it really took is compared with the forecast before its start, and
with the one that `status` would have told halfway.
"""

import yaml
from memory_of_steps import GAN
from tiny_trainings import tiny_recipe

from acutance_platform.search.fold import Sweep
from acutance_platform.search.forecast import remaining
from acutance_platform.verbs import planning
from acutance_platform.verbs.home import Home
from acutance_platform.verbs.running import sweep

PIXEL = {"pixel": {"kind": "l1", "weight": 1.0}}
BLOCKS = {"generator.blocks": {"int": [1, 6]}, "optimizer.lr": {"log_uniform": [1e-4, 1e-2]}}
RATE = {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}}
HALVING = {"kind": "asha", "first_rung": 0.25, "reduction": 2}
WIDE = {"kind": "srresnet", "channels": 32, "blocks": 4}
KINDS = {
    "generator": {
        "choice": [
            {"kind": "srresnet", "channels": 16, "blocks": 2},
            {"kind": "carn", "channels": 16},
            {"kind": "enhancenet", "channels": 16, "blocks": 3},
        ]
    }
}
LOSSES = {"stages.train.loss.pixel.kind": {"choice": ["l1", "mse", "charbonnier"]}}


def _sweep(steps, trials, space, *, generator=WIDE, sampler="random", scheduler=None, **changes):
    return {
        "steps": steps,
        "recipe": {"generator": generator, **changes},
        "search": {
            "space": space,
            "objectives": {"psnr_y": "max"},
            "sampler": {"kind": sampler},
            "scheduler": scheduler or {"kind": "none"},
            "budget": {} if sampler == "grid" else {"trials": trials},
        },
    }


SWEEPS = {
    "blocks and rates, halving": _sweep(300, 8, BLOCKS, scheduler=HALVING),
    "blocks and rates, to the end": _sweep(150, 4, BLOCKS),
    "rates of one network": _sweep(200, 6, RATE),
    "kinds of network": _sweep(150, 6, KINDS),
    "kinds of network, halving": _sweep(400, 8, KINDS, scheduler=HALVING),
    "a grid of losses": _sweep(250, None, LOSSES, sampler="grid"),
    "learned from results, halving": _sweep(300, 8, BLOCKS, sampler="tpe", scheduler=HALVING),
    "large batches": _sweep(60, 4, BLOCKS, data={"dataset": "pictures", "patch": 48, "batch": 8}),
    "a GAN mix": _sweep(40, 4, RATE, loss=GAN, data={"dataset": "pictures", "patch": 64}),
    "a chain with a shared start": _sweep(200, 6, LOSSES, chain=150),
}


def spec_of(name):
    """Return a sweep file's content."""
    asked = SWEEPS[name]
    changes = dict(asked["recipe"])
    loss, before = changes.pop("loss", PIXEL), changes.pop("chain", None)
    stages = {"train": {"steps": asked["steps"], "loss": loss}}
    if before:
        stages["train"]["after"] = "start"
        stages = {"start": {"steps": before, "loss": PIXEL}, **stages}
    every = {"every": 50}
    # Of one seed, two of them would draw alike, and the second would find all computed.
    changes |= {"seed": list(SWEEPS).index(name), "evaluation": every, "checkpoint": every}
    recipe = tiny_recipe(plugins=[], stages=stages, **changes)
    return {**recipe, "search": asked["search"]}


def forecast_and_real(name, place):
    """Return the forecast in seconds, what the sweep took, and how right it was halfway."""
    path = place.local.parent / f"{name.replace(' ', '-').replace(',', '')}.yaml"
    path.write_text(yaml.safe_dump(spec_of(name)))
    home = Home(place.store, place.local)
    told = planning.plan(path, (), home).hours
    outcome = sweep(path, name=path.stem, home=home)
    assert outcome.state == "COMPLETE"
    real = outcome.told.sweep.wall_hours()
    left, then = _halfway(outcome.told.records, outcome.told.sweep.executed)
    return {
        "low": round(3600 * told.low, 1),
        "expected": round(3600 * told.expected, 1),
        "high": round(3600 * told.high, 1),
        "real": round(3600 * real, 1),
        "inside": told.low <= real <= told.high,
        "steps": outcome.told.sweep.executed,
        "halfway_inside": left["low"] <= then <= left["high"],
        "halfway_expected": round(3600 * left["expected"], 1),
        "halfway_real": round(3600 * then, 1),
    }


def _halfway(records, executed):
    """Return the hours that were told to be left once half of the steps were done, and the real."""
    seen, whole = Sweep(), Sweep.of(records)
    for record in records:
        seen.apply(record)
        if 2 * seen.executed >= executed:
            break
    return remaining(seen), whole.wall_hours() - seen.wall_hours()
