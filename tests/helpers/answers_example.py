"""Results of an experiment, made up: two variants, three seeds."""


def trial(variant, seed, psnr, *, sweep="sweep", name=None):
    name = name or f"t{variant}{seed}"
    return {
        "sweep": sweep, "trial": name, "repeats": None, "state": "COMPLETE", "seed": seed,
        "settings": {"variant": variant, "generator.groups": 2},
        "values": {
            "psnr_y": psnr, "parameters": 72603.0, "cpu_seconds": 50.0 + seed, "steps": 200,
        },
        "reports": {"100": {"psnr_y": 25.0}, "200": {"psnr_y": psnr}},
    }  # fmt: skip


RESULTS = {
    "baselines": {"sweep": {"psnr_y": 30.0}},
    "trials": [
        *(trial("on", seed, 31.0 + seed / 10) for seed in range(3)),
        *(trial("off", seed, 30.5 + seed / 5) for seed in range(3)),
    ],
    "fronts": {
        "sweep": [{"trial": "ton0", "metrics": {"psnr_y": 31.0}}],
        "other": [{"trial": "a-b-0.5", "alpha": 0.5, "metrics": {"psnr_y": 29.0}}],
    },
    "sweeps": {
        "sweep": {
            "trials": 6, "steps_requested": 1200, "steps_executed": 900, "cpu_hours": 0.05,
        }
    },
}  # fmt: skip


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
