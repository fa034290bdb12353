"""What a training step really takes of memory, beside what the cost model says.

Run:  python memory_of_steps.py CASE...     (prints JSON: bytes by case; Linux, CPU, one thread)

Two measures. `allocated`: torch's profiler, which sees every allocation of torch's allocator.
`resident`: growth of the process's resident memory, read from /proc, with the C library told to
give freed memory back at once (else it keeps for later what it may need again).
"""

import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from acutance_platform.recipe import build_recipe, chain
from acutance_platform.training.costs import empty_batch, peak_memory
from acutance_platform.training.learner import Batch, Learner

PIXEL = {"pixel": {"kind": "l1", "weight": 1.0}}
ADVERSARIAL = {
    "kind": "adversarial",
    "weight": 1.0,
    "form": "relativistic",
    "discriminator": {"kind": "vgg", "channels": 16},
}
GAN = {
    **PIXEL,
    "adversarial": ADVERSARIAL,
    "perceptual": {
        "kind": "perceptual",
        "weight": 1.0,
        "features": "random",
        "layers": {"conv5_4": 1.0},
    },
}
_ESRGAN = {"preset": "esrgan-16", "blocks": 3}
CASES = {
    "srresnet": {"generator": {"preset": "srresnet"}, "batch": 4},
    "edsr-baseline": {"generator": {"preset": "edsr-baseline"}, "batch": 4, "scale": 2},
    "rcan, 3 groups of 4": {"generator": {"preset": "rcan", "groups": 3, "blocks": 4}, "batch": 8},
    "carn": {"generator": {"preset": "carn"}, "batch": 4, "scale": 2},
    "dbpn": {"generator": {"preset": "dbpn"}, "patch": 48, "batch": 2, "scale": 2},
    "vdsr": {"generator": {"preset": "vdsr"}, "batch": 2, "scale": 2},
    "enhancenet, averaged": {"generator": {"preset": "enhancenet"}, "batch": 4, "ema": 0.99},
    "esrgan of 3 blocks, GAN mix": {"generator": _ESRGAN, "loss": GAN, "patch": 96, "batch": 4},
}
"""Presets of the founding systems, of a size at which a step takes a CPU a second or two."""
SLIGHT = {
    "a pixel loss": {"generator": {"preset": "carn"}, "patch": 96, "batch": 4, "scale": 2},
    "a GAN mix": {"generator": {"preset": "srresnet"}, "loss": GAN, "patch": 64, "batch": 4},
}


def recipe_of(*, generator, loss=None, patch=96, batch=2, scale=4, **changes):
    """Return a recipe of one stage with the given loss mix."""
    return build_recipe(
        {
            "scale": scale,
            "data": {"dataset": "pictures", "patch": patch, "batch": batch},
            "generator": generator,
            "resources": {"cpu": 1, "gpu": 0},
            "stages": {"train": {"steps": 9, "loss": loss or PIXEL}},
            **changes,
        }
    )


def take_steps(recipe, steps=2, device="cpu"):
    """Train a few steps on pictures of noise."""
    for link in chain(recipe):
        learner = Learner(link, device=torch.device(device), parent=None, files={})
        empty = empty_batch(learner.generator, link.recipe)
        batch = Batch(*(each if each is None else each.uniform_().to(device) for each in empty))
        for _ in range(steps):
            learner.step(batch, 0)


def allocated(recipe):
    """Return the most bytes that torch's allocator had given out at once."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        take_steps(recipe)
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    alive = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        most = max(most, alive)
    return most


def resident(recipe):
    """Return by how many bytes this process's memory grows at most in a few steps."""
    small = recipe.data.model_copy(update={"batch": 2, "patch": min(recipe.data.patch, 64)})
    one = {**recipe.model_dump(mode="json"), "data": small.model_dump(mode="json")}
    take_steps(build_recipe(one))  # code is read, kernels are chosen
    gc.collect()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # from here on VmHWM counts anew
    take_steps(recipe)
    return _status("VmHWM") - before


def in_a_process_of_its_own(*cases):
    """Return case -> `predicted` and `resident`, each case in the same fresh process."""
    command = [sys.executable, __file__, *cases]
    freed_at_once = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    one_thread = {**os.environ, **freed_at_once, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=one_thread, capture_output=True, text=True, check=True, timeout=600
    )
    return json.loads(done.stdout)


def _status(key):
    (kibibytes,) = re.findall(rf"{key}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(kibibytes) * 1024


def _measured(case):
    recipe = recipe_of(**{**CASES, **SLIGHT}[case])
    return {"resident": resident(recipe), "predicted": peak_memory(recipe)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    json.dump({case: _measured(case) for case in sys.argv[1:]}, sys.stdout)
