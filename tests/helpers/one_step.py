"""One training step of a preset in a process of its own, and the memory it took.

Run:  python one_step.py PRESET SCALE SIDE     (prints JSON; SIDE in LR pixels, batch 1, float32)
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import torch

from acutance_models import LOSSES, build_generator, stream
from acutance_platform.recipe import Optimizer
from acutance_platform.training.optim import build_optimizer


def take(preset, scale, side):
    """Return seconds and bytes of forward, L1 loss, backward and one step of Adam."""
    network = build_generator({"preset": preset}, scale=scale).train()
    optimizer = build_optimizer(Optimizer(), network.parameters())
    noise = stream(0, "one-step").random((2, network.channels, side * scale, side * scale))
    lr, hr = (torch.from_numpy(noise[each]).float()[None] for each in (0, 1))
    lr, loss = lr[..., :side, :side], LOSSES.build({"kind": "l1"})
    before, started = _peak(), time.monotonic()
    pictures = network.outputs(lr)
    torch.stack([loss(picture, hr) for picture in pictures]).mean().backward()
    optimizer.step()
    return {
        "seconds": round(time.monotonic() - started, 2),
        "peak_bytes": _peak(),
        "peak_bytes_before": before,
    }


def in_a_process_of_its_own(preset, scale, side=24):
    """Return what `take` measures, with the memory of nothing else."""
    command = [sys.executable, __file__, preset, str(scale), str(side)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=one_thread, capture_output=True, text=True, check=True, timeout=600
    )
    return json.loads(done.stdout)


def _peak():
    # Not getrusage's ru_maxrss: through vfork and exec it begins at what the parent holds.
    (kibibytes,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(kibibytes) * 1024


if __name__ == "__main__":
    json.dump(take(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
