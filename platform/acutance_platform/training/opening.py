"""Which training a recipe asks for: the one place where it is chosen."""

from collections.abc import Sequence
from pathlib import Path

from acutance_platform.recipe import Recipe
from acutance_platform.training.machine import MachineKind
from acutance_platform.training.training import Training
from acutance_platform.training.zero_shot import ZeroShotTraining
from acutance_storage import BlobStore


def open_training(
    recipe: Recipe,
    *,
    store: BlobStore,
    local: Path,
    machine: MachineKind,
    rungs: Sequence[int] = (),
    owner: str = "",
) -> Training | ZeroShotTraining:
    """Return the recipe's training on this machine, at its newest saved state.

    Args and errors are those of `Training`.
    """
    chosen = Training if recipe.zero_shot is None else ZeroShotTraining
    return chosen(recipe, store=store, local=local, machine=machine, rungs=rungs, owner=owner)
