"""What one trial takes of the cluster, and how many fit into it."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray

from acutance_platform.recipe.errors import Problem, RecipeErrors

_SECONDS_BETWEEN_LOOKS = 5.0


@dataclass(frozen=True)
class Share:
    """What one trial takes of a node: CPU threads and GPUs (a share where below 1)."""

    cpu: float
    gpu: float


def share_of(recipe: Mapping[str, Any]) -> Share:
    """Return what a recipe asks for; `gpu: auto` is one a rank where there are any, else none."""
    resources = recipe.get("resources") or {}
    cpu, gpu = float(resources.get("cpu", 1)), resources.get("gpu", "auto")
    if gpu == "auto":
        any_gpu = any(node.get("GPU", 0) > 0 for node in _nodes())
        gpu = float(resources.get("ranks") or 1) if any_gpu else 0.0
    return Share(cpu, float(gpu))


def require_room(share: Share) -> None:
    """Refuse a request that no node can ever meet.

    Raises:
        RecipeErrors: With what the largest nodes have.
    """
    nodes = _nodes()
    if any(_fits(share, node) for node in nodes):
        return
    has = "; ".join(sorted({f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes}))
    raise RecipeErrors(
        [
            Problem(
                "resources",
                f"cpu: {share.cpu:g}, gpu: {share.gpu:g}",
                f"no node of the cluster can ever meet this (nodes have {has})",
                "Ask for less, or add a node.",
            )
        ]
    )


class Slots:
    """How many legs fit the cluster as it is now.

    Args:
        share: What one leg takes.
        limit: Most legs at one time, or None.
    """

    def __init__(self, share: Share, limit: int | None) -> None:
        self._share, self._limit = share, limit
        self._count, self._looked = 0, -math.inf

    def count(self) -> int:
        """Return the number of legs that fit; nodes are counted anew every few seconds."""
        if time.monotonic() - self._looked > _SECONDS_BETWEEN_LOOKS:
            self._count = sum(_fits(self._share, node) for node in _nodes())
            self._looked = time.monotonic()
        return self._count if self._limit is None else min(self._count, self._limit)


def _nodes() -> list[Mapping[str, float]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # ray 2.60
    return [node["Resources"] for node in nodes if node["Alive"]]


def _fits(share: Share, node: Mapping[str, float]) -> int:
    """Return how many times a share fits into a node that is free."""
    fits = [math.inf]
    for wanted, has in ((share.cpu, node.get("CPU", 0)), (share.gpu, node.get("GPU", 0))):
        if wanted > 0:
            # A third of a GPU fits three times, whatever floating point says.
            fits.append(math.floor(has / wanted + 1e-9))
    least = min(fits)
    return 0 if least == math.inf else int(least)
