"""The GPUs of a cluster's nodes: their memory, and what a process takes of it beside tensors.

Ray counts GPUs and does not know their memory. A node may declare it (`gpu_memory_gib`); the
others are asked, each by a task of its own with a time limit: one that does not answer is unknown.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from acutance_platform.sweep.placing import Node

SECONDS_TO_ANSWER = 120.0
"""A cold node imports torch and starts CUDA for this."""
CONTEXT = 512 * 2**20
"""Bytes that a process takes of a GPU beside its tensors, where nobody measured it."""
_CONTEXTS = (256 * 2**20, 2 * 2**30)
"""A measured context is taken to lie between these: neighbours disturb the measurement."""


@dataclass(frozen=True)
class Gpu:
    """A GPU as trials share it."""

    memory: float
    """Bytes in all."""
    context: float = CONTEXT
    """Bytes that each process takes beside its tensors."""


def gpus_of(nodes: Sequence[Node], *, limit: float = SECONDS_TO_ANSWER) -> dict[str, Gpu]:
    """Return the smallest GPU of each node that has any, as far as it is known.

    Args:
        nodes: Of the cluster, which this process is connected to.
        limit: Seconds to wait for those that declare nothing.
    """
    declared = {n.name: Gpu(n.gpu_memory) for n in nodes if n.gpus and n.gpu_memory}
    asked = {node.name for node in nodes if node.gpus and node.name not in declared}
    return declared | (_asked(asked, limit) if asked else {})


def _asked(names: set[str], limit: float) -> dict[str, Gpu]:
    """Ask nodes by a task each; Ray may never tell that a node died, so nothing is waited for."""
    tasks = {}
    remote = ray.remote(num_cpus=0, max_retries=0)(probe)
    for told in ray.nodes():  # type: ignore[no-untyped-call]  # ray 2.60
        name = next((n for n in names if told["NodeID"].startswith(n) and told["Alive"]), None)
        if name is not None:
            there = NodeAffinitySchedulingStrategy(told["NodeID"], soft=False)
            tasks[remote.options(scheduling_strategy=there).remote()] = name
    answers: dict[str, Gpu] = {}
    deadline = time.monotonic() + limit
    waiting = list(tasks)
    while waiting and (left := deadline - time.monotonic()) > 0:
        ready, waiting = ray.wait(waiting, timeout=left)
        for task in ready:
            answer = _answer(task)
            if answer is not None:
                answers[tasks[task]] = Gpu(*answer)
    for task in waiting:
        ray.cancel(task, force=True)
    return answers


def _answer(task: Any) -> tuple[float, float] | None:
    try:
        found: tuple[float, float] | None = ray.get(task, timeout=5.0)
    except Exception:  # whatever is wrong there, the node is unknown
        return None
    return found


def probe() -> tuple[float, float] | None:
    """Return memory and context of this node's smallest GPU; None where torch can use none.

    A process of its own asks: this one serves others later, and a context stays for its life.
    """
    code = "from acutance_platform.sweep import gpus; gpus.tell()"
    hidden = "CUDA_VISIBLE_DEVICES"  # empty for a task that asks for no GPU
    env = {k: v for k, v in os.environ.items() if k != hidden or v}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    words = done.stdout.split()
    return (float(words[-2]), float(words[-1])) if done.returncode == 0 and words else None


def tell() -> None:
    """Write memory and context of this machine's smallest GPU to standard output, if it has any."""
    import torch

    from acutance_platform.training.speed import context_of

    if torch.cuda.is_available():
        numbers = range(torch.cuda.device_count())
        memory = min(torch.cuda.mem_get_info(number)[1] for number in numbers)
        measured = context_of(torch.device("cuda", 0))
        sys.stdout.write(f"{memory} {sound_context(measured)}\n")


def sound_context(measured: float) -> float:
    """Return the bytes that a process is taken to need beside its tensors, from what it took."""
    return min(max(measured, _CONTEXTS[0]), _CONTEXTS[1])
