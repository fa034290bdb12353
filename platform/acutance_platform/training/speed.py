"""How fast a machine kind trains: three small networks are timed once, and the rates are kept."""

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from filelock import FileLock

from acutance_platform.recipe import Recipe, build_recipe, chain, rank_threads
from acutance_platform.training.costs import StepWork, empty_batch, step_work
from acutance_platform.training.learner import Learner
from acutance_platform.training.machine import MachineKind, device_of
from acutance_platform.training.pieces import Batch
from acutance_platform.training.upkeep import set_backends

SCHEMA: Final = 1
_TIMED: Final = (
    ({"kind": "srresnet", "channels": 64, "blocks": 2}, 64, 2),  # multiply-adds
    ({"kind": "srresnet", "channels": 8, "blocks": 2}, 96, 8),  # bytes
    ({"kind": "rcan", "channels": 8, "groups": 2, "blocks": 4, "reduction": 4}, 32, 1),  # calls
)
"""Networks, patches and batches in which one kind of work prevails."""
_ON_GPU: Final = 8
"""Batches are so many times larger on a GPU, which small ones leave idle."""
_ROUNDS: Final = 4


@dataclass(frozen=True)
class Speed:
    """What a machine kind needs for a training step."""

    seconds_per_flop: float
    """Per floating-point operation of convolutions and products of matrices."""
    seconds_per_byte: float
    """Per byte that a kernel reads or writes."""
    seconds_per_call: float
    """Per call of a kernel."""
    context: int
    """Bytes that a process takes of a GPU beside its tensors; 0 on a CPU."""

    def seconds(self, work: StepWork) -> float:
        """Return the seconds of a training step."""
        return float(np.dot(_row(work), self._rates()))

    def _rates(self) -> tuple[float, float, float]:
        return self.seconds_per_flop, self.seconds_per_byte, self.seconds_per_call


def known_speed(machine: MachineKind, *, local: Path) -> Speed | None:
    """Return the speed of a machine kind where it was measured before."""
    try:
        content = json.loads(_path(machine, local).read_text())
        return Speed(**content["speed"]) if content["schema"] == SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # as good as none: it is measured again


def speed_of(recipe: Recipe, machine: MachineKind, *, local: Path) -> Speed:
    """Return the speed of this machine's kind; seconds of measuring, the first time.

    Args:
        recipe: Says on what device, with how many threads and in which precision it trains.
        machine: The kind of this machine for that recipe.
        local: This machine's own folder, where it is kept for the next time.
    """
    path = _path(machine, local)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        found = known_speed(machine, local=local)
        if found is None:
            found = measured_speed(recipe)
            content = {"schema": SCHEMA, "machine": machine.as_dict(), "speed": asdict(found)}
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(content, indent=2))
            fresh.replace(path)
    return found


def measured_speed(recipe: Recipe) -> Speed:
    """Time a few steps of the small networks and fit the three rates, none below zero.

    The errors are relative: a step of a millisecond counts as much as one of a second.
    """
    device = device_of(recipe)
    set_backends(recipe, device)
    rows, seconds = [], []
    for generator, patch, batch in _TIMED:
        many = batch * _ON_GPU if device.type == "cuda" else batch
        small = _small(recipe, generator, patch, many)
        rows.append(_row(step_work(chain(small)[0])))
        seconds.append(_timed(small, device))
    relative = np.array(rows) / np.array(seconds)[:, None]
    # Here, as importing it takes most of a second, and only `plan` and constraints ask.
    from scipy.optimize import nnls

    rates, _ = nnls(relative, np.ones(len(rows)))
    per_flop, per_byte, per_call = (float(rate) for rate in rates)
    return Speed(per_flop, per_byte, per_call, context_of(device))


def _row(work: StepWork) -> tuple[float, float, float]:
    return work.flops, work.bytes, float(work.calls)


def _small(recipe: Recipe, generator: dict[str, Any], patch: int, batch: int) -> Recipe:
    """Return a training of one process, with what a rank of the given recipe has of the machine."""
    resources = recipe.resources
    alone = {"cpu": rank_threads(resources), "gpu": min(1.0, float(resources.gpu))}
    return build_recipe(
        {
            "scale": 4,
            "data": {"dataset": "none", "patch": patch, "batch": batch},
            "generator": generator,
            "precision": recipe.precision,
            "resources": alone,
            "stages": {"train": {"steps": 100, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
        }
    )


def _timed(recipe: Recipe, device: torch.device) -> float:
    """Return the seconds of a step: the fastest of a few, since other work only lengthens it."""
    (link,) = chain(recipe)
    learner = Learner(link, device=device, parent=None, files={})
    empty = empty_batch(learner.generator, recipe)
    lr, hr = (torch.full_like(each, 0.5).to(device) for each in (empty.lr, empty.hr))
    taken = []
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        learner.step(Batch(lr, hr, None), 0)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - began)
    return min(taken[1:])


def context_of(device: torch.device) -> int:
    """Return what another process takes of this GPU before it has a tensor of any size.

    Its memory cannot be told apart from that of other processes: what is free before and after.
    """
    if device.type != "cuda":
        return 0
    code = (
        "import sys, torch; a = torch.ones(8, 8, device='cuda'); (a @ a).sum().item();"
        " torch.nn.functional.conv2d(a[None, None], a[None, None]).item();"
        " print(flush=True); sys.stdin.read()"
    )
    free, _ = torch.cuda.mem_get_info(device)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        left, _ = torch.cuda.mem_get_info(device)
        other.communicate()
    return max(0, free - left)


def _path(machine: MachineKind, local: Path) -> Path:
    text = json.dumps(machine.as_dict(), sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return local / "speed" / f"{name}.json"
