"""The journal of a search with two objectives, rungs, repeats and an interpolated model."""

import math

START = 1_700_000_000.0
RUNGS = (200, 800)
OBJECTIVES = {"psnr_y": "max", "lpips": "min"}
KINDS = ("carn", "edsr", "rcan")


def searched(name, *, trials=24, every=100, constraints=None, finished=True):
    """Return a journal's records: every third trial completes, the others stop at the first rung.

    On the front of 24 are t0000, t0006, t0009, t0012, t0018 and t0021: later trials have less of
    both objectives.
    """
    clock = iter(range(10**9))
    spec = {
        "seed": 0,
        "search": {
            "space": {
                "generator.kind": {"choice": list(KINDS)},
                "optimizer.lr": {"log_uniform": [1e-5, 1e-2]},
            },
            "objectives": OBJECTIVES,
            "constraints": constraints or {},
            "sampler": {"kind": "random"},
            "budget": {"trials": trials},
        },
    }
    records = [
        {"do": "sweep", "name": name, "spec": spec, "time": START},
        {"do": "start", "driver": "d0", "host": "h", "time": START},
        {"do": "baseline", "metrics": {"psnr_y": 26.0, "lpips": 0.6}, "time": START},
    ]
    for ordinal in range(trials):
        records += [asked(ordinal)]
        end = RUNGS[-1] if ordinal % 3 == 0 else RUNGS[0]
        for step in range(every, end + 1, every):
            records.append(report(ordinal, step, every, START + 36 * next(clock)))
            if step in RUNGS:
                values = {key: measured(ordinal, step)[key] for key in OBJECTIVES}
                trial = f"t{ordinal:04d}"
                records.append({"do": "value", "trial": trial, "rung": step, "values": values})
                records += [{"do": "promote", "trial": trial, "rung": step}] * (step < end)
        records += ends(ordinal, START + 36 * next(clock)) if ordinal % 3 == 0 else []
    if finished:
        time = START + 36 * next(clock)
        rest = [o for o in range(trials) if o % 3]
        records += [{"do": "end", "trial": f"t{o:04d}", "state": "STOPPED"} for o in rest]
        records.append({"do": "finish", "state": "COMPLETE", "reason": "budget", "time": time})
    return records


def asked(ordinal):
    lr = 1e-5 * 10 ** (3 * (ordinal * 7 % 24) / 24)
    kind = KINDS[ordinal % len(KINDS)] if ordinal % 2 else KINDS[0]
    recipe = {"generator.kind": kind, "optimizer.lr": lr}
    assignment = {"generator.kind": KINDS.index(kind), "optimizer.lr": lr}
    stages = [[f"{ordinal:064x}", RUNGS[-1]]]
    return {
        "do": "ask", "trial": f"t{ordinal:04d}", "assignment": assignment, "recipe": recipe,
        "rungs": list(RUNGS), "stages": stages, "time": START,
    }  # fmt: skip


def measured(ordinal, step):
    """Return what a trial reaches at a step."""
    learnt = 1 - math.exp(-step / 250)
    worse = 0.4 * (ordinal % 4)
    return {
        "psnr_y": 24 + learnt * (8 - 0.2 * ordinal - worse),
        "lpips": 0.6 - learnt * (0.1 + 0.012 * ordinal - 0.05 * worse),
        "parameters": 1e5 * (1 + ordinal % 5),
    }


def report(ordinal, step, executed, time):
    return {
        "do": "report", "trial": f"t{ordinal:04d}", "step": step, "executed": executed,
        "metrics": measured(ordinal, step), "cpu_seconds": 30.0, "gpu_seconds": 20.0, "time": time,
    }  # fmt: skip


def ends(ordinal, time):
    trial, step = f"t{ordinal:04d}", RUNGS[-1]
    return [
        {"do": "result", "trial": trial, "step": step, "weights": f"{ordinal:064x}"},
        {"do": "end", "trial": trial, "state": "COMPLETE", "step": step, "time": time},
    ]


def between(first, second, alpha, metrics, time):
    return {
        "do": "point", "parents": [first, second], "alpha": alpha, "metrics": metrics,
        "weights": "c" * 64, "time": time,
    }  # fmt: skip


def repeated(ordinal, of, seed, *, shift):
    """Return the records of a trial's training with another seed."""
    values = {key: value + shift for key, value in measured(of, RUNGS[-1]).items()}
    ask = {**asked(of), "trial": f"t{ordinal:04d}", "repeats": f"t{of:04d}", "seed": seed}
    trial, step = f"t{ordinal:04d}", RUNGS[-1]
    told = {**report(ordinal, step, step, START + 9e5), "metrics": values}
    objectives = {key: values[key] for key in OBJECTIVES}
    return [
        ask,
        told,
        {"do": "value", "trial": trial, "rung": step, "values": objectives},
        *ends(ordinal, START + 9e5),
    ]
