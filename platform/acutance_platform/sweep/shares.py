"""How large a share of a GPU a trial gets, by the memory that it is predicted to take.

Shares come in few sizes and are fixed for a trial's life: a worker process is used again for an
equal request alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from acutance_platform.sweep.admission import SIZES
from acutance_platform.sweep.gpus import Gpu
from acutance_platform.sweep.placing import Node

MARGIN = 1.25
"""How much more than predicted a trial gets: what an allocator keeps, and cannot piece together."""
WORKSPACE = 256 * 2**20
"""Bytes for what cuBLAS and cuDNN take beside tensors and context."""
PICTURES = 0.25
"""Part of a share that is left for training pictures, which are kept there if they fit."""


def share_for(predicted: float | None, gpu: Gpu) -> float:
    """Return the smallest share of a GPU whose part of its memory holds a trial.

    What is predicted not to fit gets a whole GPU: the prediction may be wrong, and a step that
    really does not fit starts again in smaller parts.

    Args:
        predicted: Bytes of its tensors at their peak; None where nobody can tell.
        gpu: The smallest on which it may run.
    """
    if predicted is None:
        return 1.0
    needed = predicted * MARGIN + gpu.context + WORKSPACE
    room = gpu.memory * (1 - PICTURES)
    return next((size for size in SIZES if size * room >= needed), 1.0)


def smallest(nodes: Sequence[Node], gpus: Mapping[str, Gpu], cpus: float) -> Gpu | None:
    """Return the least memory and the largest context of the nodes that can run a trial.

    Args:
        nodes: Of the cluster.
        gpus: What is known, by node.
        cpus: That a trial takes.

    Returns:
        None where the GPUs of one such node are not known, or there is none.
    """
    able = [node.name for node in nodes if node.gpus and node.cpus >= cpus]
    if not able or any(name not in gpus for name in able):
        return None
    known = [gpus[name] for name in able]
    return Gpu(min(gpu.memory for gpu in known), max(gpu.context for gpu in known))


def packer(
    memory: Callable[[dict[str, Any]], float | None], gpu: Gpu | None
) -> Callable[[dict[str, Any]], float]:
    """Return what says of a drawn recipe how large its share is.

    Args:
        memory: Predicts the bytes of a recipe's tensors.
        gpu: The smallest on which it may run; None gives each trial a whole one.
    """

    def share(recipe: dict[str, Any]) -> float:
        if gpu is None:
            return 1.0
        try:
            return share_for(memory(recipe), gpu)
        except Exception:  # a network that cannot be run without contents, such as a plug-in's
            return 1.0

    return share
