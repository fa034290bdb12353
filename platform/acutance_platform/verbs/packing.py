"""How many trials of a sweep run at once on this machine, placed as its driver will place them."""

import os
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from acutance_platform.recipe import Recipe
from acutance_platform.sweep.admission import MOST_WANTED, Admission
from acutance_platform.sweep.placing import Node, Share
from acutance_platform.training import machine_kind
from acutance_platform.training.speed import known_speed

_STARTS = 8
"""From so many of the draws on it is tried how many fit: which come together, chance decides."""


def slots_here(
    recipe: Recipe,
    draws: Sequence[Recipe],
    memory: Callable[[dict[str, Any]], float | None],
    *,
    local: Path,
) -> int:
    """Return how many trials run at once, at least one.

    Args:
        recipe: Around the space, with `auto` fields resolved for this machine.
        draws: Recipes that are likely to run.
        memory: Predicts the bytes of a recipe's tensors.
        local: This machine's own folder, where its measured speed lies.
    """
    resources = recipe.resources
    # A driver packs where a trial would have one whole GPU; reading the file made `auto` that.
    packed = bool(resources.pack) and resources.gpu == 1
    node = Node("here", float(_cpus()), torch.cuda.device_count())
    admission = Admission(
        Share(float(resources.cpu), float(resources.gpu)),
        nodes=lambda: [node],
        most_gpus=resources.max_gpus,
        packed=packed,
    )
    shares = _shares(recipe, draws, memory, local) if packed else [None]
    fit = [
        len(admission.could_use([], islice(cycle(shares), start, start + MOST_WANTED)))
        for start in range(min(_STARTS, len(shares)))
    ]
    return max(1, int(fmean(fit)))


def _shares(
    recipe: Recipe,
    draws: Sequence[Recipe],
    memory: Callable[[dict[str, Any]], float | None],
    local: Path,
) -> list[float | None]:
    """Return the share of a GPU that each of the draws will get."""
    # Ray takes seconds to import and is needed here alone.
    from acutance_platform.sweep.gpus import Gpu, sound_context
    from acutance_platform.sweep.shares import packer

    smallest = min(
        (torch.cuda.mem_get_info(number)[1] for number in range(torch.cuda.device_count())),
        default=0,
    )
    speed = known_speed(machine_kind(recipe), local=local)
    gpu = Gpu(smallest, sound_context(speed.context)) if speed is not None and smallest else None
    share = packer(memory, gpu)
    return [share(draw.model_dump(mode="json")) for draw in draws]


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
