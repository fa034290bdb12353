"""The journal of a long sweep, with the records that a driver writes, made by formula."""

import math
import random

from acutance_models.rng import stream
from acutance_platform.recipe import build_recipe
from acutance_platform.search.decisions import asked
from acutance_platform.search.drawing import RandomDraw
from acutance_platform.search.journals import sweep_journal
from acutance_platform.search.schema import parse_search

START = 1_780_000_000.0
METRICS = 8
"""Numbers of each report."""
_L1 = {"kind": "l1", "weight": 1.0}
_NETWORKS = [
    {"kind": "carn", "channels": 24, "blocks": 2, "units": 2},
    {"kind": "srresnet", "channels": 16, "blocks": 4},
    {"kind": "enhancenet", "channels": 24, "blocks": 4},
]
_HEIGHT = {"carn": 0.9, "srresnet": 0.4, "enhancenet": 0.0}


def long_spec(trials, steps):
    """Return the resolved file of a sweep of two objectives."""
    recipe = {
        "scale": 2,
        "seed": 5,
        "data": {"dataset": "pictures", "patch": 32, "batch": 2},
        "generator": _NETWORKS[1],
        "optimizer": {"kind": "adam", "lr": 2e-3},
        "stages": {
            "pretrain": {"steps": steps // 5, "loss": {"pixel": _L1}},
            "finetune": {"after": "pretrain", "steps": steps, "loss": {"pixel": _L1}},
        },
        "evaluation": {"every": steps // 5, "metrics": ["psnr_y", "ssim_y", "feature_distance"]},
    }
    spec = build_recipe(recipe).model_dump(mode="json")
    search = {
        "space": {
            "generator": {"choice": _NETWORKS},
            "optimizer.lr": {"log_uniform": [1e-4, 1e-2]},
            "stages.finetune.loss.pixel.kind": {"choice": ["l1", "mse", "charbonnier"]},
        },
        "objectives": {"psnr_y": "max", "feature_distance": "min"},
        "constraints": {"psnr_y": ">= 22"},
        "sampler": {"kind": "random"},
        "scheduler": {"kind": "mo_asha", "first_rung": 0.5, "reduction": 3},
        "budget": {"trials": trials, "gpu_hours": 5000},
    }
    spec["search"] = parse_search(search, spec).model_dump(mode="json")
    return spec


def opening(name, trials, *, steps=5000):
    """Return the first records of a sweep."""
    baseline = {"psnr_y": 24.0, "ssim_y": 0.71, "feature_distance": 0.4}
    return [
        {"do": "sweep", "name": name, "spec": long_spec(trials, steps), "time": START},
        {"do": "about", "question": "Which network, at which rate?", "time": START},
        {"do": "baseline", "metrics": baseline, "time": START},
        {"do": "start", "driver": "d0", "host": "h", "time": START},
    ]


def trial_records(space, spec, ordinal, *, reports, steps=5000):
    """Return all records of one trial: two in three rest at the middle rung, one in fifty fails."""
    dice = random.Random(ordinal)
    base = {key: value for key, value in spec.items() if key != "search"}
    drawn = space.draw(RandomDraw(stream(5, "long", ordinal)), base)
    kind = drawn.shown["generator.kind"]
    failed, rests = ordinal % 50 == 49, ordinal % 3 != 0
    every, pre = steps // reports, steps // 5
    end, middle = pre + steps, pre + steps // 2
    ask = asked(
        ordinal,
        rungs=(middle, end),
        stages=[(f"{_NETWORKS.index(_known(kind)):064x}", pre), (f"{ordinal + 99:064x}", end)],
        now=(now := START + ordinal * 7.0),
        assignment=drawn.assignment,
        recipe=drawn.shown,
        attrs={},
    )
    trial = ask["trial"]
    records = [ask, {"do": "leg", "trial": trial, "time": now}]
    top = 27.5 + _HEIGHT[kind] - 0.8 * abs(math.log10(drawn.shown["optimizer.lr"]) + 3)
    for index in range(1, reports + 1):
        step = pre + index * every
        metrics = _metrics(top, step / end, dice)
        told = {"executed": every, "cpu_seconds": 31.5, "gpu_seconds": 12.25, "time": now + index}
        records.append({"do": "report", "trial": trial, "step": step, **told, "metrics": metrics})
        if step in (middle, end):
            values = {name: metrics[name] for name in ("psnr_y", "feature_distance")}
            records.append({"do": "value", "trial": trial, "rung": step, "values": values})
        if step == middle and not rests:
            records.append({"do": "promote", "trial": trial, "rung": step})
    weights = f"{ordinal + 7:064x}"
    records.append({"do": "result", "trial": trial, "weights": weights, "step": step})
    if failed:
        error = (
            f"Traceback (most recent call last):\n  step()\nRuntimeError: no finite loss, {trial}"
        )
        failure = {"do": "failure", "trial": trial, "step": step, "error": error, "time": now}
        records.append({**failure, "lost": False})
    state = "FAILED" if failed else "STOPPED" if rests else "COMPLETE"
    ended = {"do": "end", "trial": trial, "state": state, "weights": weights, "step": step}
    return [*records, {**ended, "time": now + reports + 1}]


def write_long_journal(store, name, *, trials, reports=25, finished=True):
    """Write a sweep of so many trials, each of which reports so often; return its points."""
    journal = sweep_journal(store, name)
    first = opening(name, trials)
    spec = first[0]["spec"]
    space = parse_search(spec["search"]).build_space()
    journal.append(*first)
    batch = []
    for ordinal in range(trials):
        batch += trial_records(space, spec, ordinal, reports=reports)
        if len(batch) > 250:  # a live sweep's are shorter, and folded when it ends
            journal.append(*batch)
            batch = []
    now = START + trials * 7.0 + 3600
    batch += [{"do": "finish", "state": "COMPLETE", "reason": "", "time": now}] if finished else []
    if batch:
        journal.append(*batch)
    return trials * reports * METRICS


def _metrics(top, share, dice):
    height = top - 4 * math.exp(-4 * share) + dice.gauss(0, 0.05)
    return {
        "psnr_y": round(height, 4),
        "ssim_y": round(0.6 + height / 100, 5),
        "feature_distance": round(0.9 - height / 40 + dice.gauss(0, 0.01), 5),
        "loss/pixel": round(0.09 * math.exp(-share), 6),
        "parameters": 852_912.0,
        "macs_per_pixel": 231_000.0,
        "images_per_second": round(210 + dice.gauss(0, 5), 2),
        "lr": round(1e-3 * (1 - share), 8),
    }


def _known(kind):
    return next(network for network in _NETWORKS if network["kind"] == kind)
