"""A plausible finished sweep for tests of reports: eight trials, three families, two rungs."""

import numpy as np
from numpy.typing import NDArray

from acutance_platform.report.data import ReportData
from acutance_platform.report.strip import picture_strip

RUNGS = (200, 600)
STEPS = 1800
_FAMILIES = ("srresnet", "carn", "enhancenet")


def example_report(*, strips: int = 2) -> ReportData:
    trials = [_trial(index) for index in range(8)]
    status = {
        "sweep": "quickstart",
        "state": "COMPLETE",
        "objectives": {"psnr_y": "max"},
        "baseline": {"psnr_y": 31.42, "ssim_y": 0.8931},
        "best": "t0003",
        "steps_requested": 8 * STEPS,
        "steps_executed": sum(trial["steps"] for trial in trials),
        "gpu_hours": 0.0,
        "cpu_hours": 0.14,
        "trials": trials,
    }
    pictures = [(f"picture{n}.png", example_strip(seed=n)) for n in range(strips)]
    return ReportData(
        status=status,
        question="Which small network is best for photographs at ×2, for its cost?",
        reports={trial["trial"]: _reports(trial) for trial in trials},
        rungs=RUNGS,
        strips=pictures,
        recipe="scale: 2\ngenerator: {kind: carn, channels: 24}\noptimizer: {kind: adam}\n",
        environment={
            "git": {"commit": "3f0c" * 10, "dirty": False},
            "packages": {"torch": "2.13.0", "numpy": "2.4.0"},
            "machine": {"processor": "Some CPU", "cores": 2, "gpus": []},
            "dataset": "demo@0123456789ab",
        },
        commands=[
            ("Run the sweep again", "acutance sweep experiments/quickstart/sweep.yaml"),
            ("Enlarge a picture", "acutance upscale my.jpg -o big.png --model quickstart/best"),
        ],
    )


def example_strip(*, seed: int = 0) -> bytes:
    hr = example_picture(seed=seed)
    lr = hr[::2, ::2]
    low = lr.repeat(2, axis=0).repeat(2, axis=1)
    mid = ((low.astype(int) + hr) // 2).astype(np.uint8)
    notes = {"bicubic": [("", "30.20 dB")], "SR": [("", "31.90 dB")]}
    return picture_strip(lr=lr, bicubic=low, models={"SR": mid}, hr=hr, notes=notes)


def example_picture(*, seed: int = 0, height: int = 160, width: int = 200) -> NDArray[np.uint8]:
    """Smooth everywhere but for rings in one corner."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    rings = np.cos((x - 150) ** 2 / 90 + (y - 110) ** 2 / 90 + seed)
    near = np.exp(-((x - 150) ** 2 + (y - 110) ** 2) / 1500)
    value = 90 + 0.3 * x + 90 * rings * near
    tint = np.array([1.0, 0.85, 0.7])
    return np.clip(value[..., None] * tint, 0, 255).astype(np.uint8)


def _trial(index: int) -> dict[str, object]:
    kind = _FAMILIES[index % 3]
    steps = STEPS if index in (1, 3, 6) else RUNGS[index % 2]
    return {
        "trial": f"t{index:04d}",
        "state": "COMPLETE" if steps == STEPS else "FAILED" if index == 7 else "STOPPED",
        "recipe": {
            "generator": {"kind": kind, "channels": 16 + 8 * (index % 3)},
            "optimizer.lr": 10 ** (-3 - 0.17 * index),
            "stages.train.loss.pixel.kind": ("mse", "l1")[index % 2],
        },
        "metrics": {
            "psnr_y": _height(index, steps),
            "ssim_y": 0.89 + _height(index, steps) / 1200,
            "parameters": 24_000 * (1 + index % 3) + 4_100 * index,
            "macs_per_pixel": 9_500 * (1 + index % 3) + 1_300 * index,
        },
        "steps": steps,
        "run_id": f"{index:032x}",
        "weights": f"{index:064x}",
        "failures": int(index == 7),
    }


def _height(index: int, step: int) -> float:
    top = 33.05 - 0.12 * abs(index - 3) + 0.15 * (index % 3)
    return top - 4.2 * float(np.exp(-step / (240 + 25 * index)))


def _reports(trial: dict[str, object]) -> list[tuple[int, dict[str, float]]]:
    index, last = int(str(trial["trial"])[1:]), trial["steps"]
    assert isinstance(last, int)
    return [(step, {"psnr_y": _height(index, step)}) for step in range(100, last + 1, 100)]
