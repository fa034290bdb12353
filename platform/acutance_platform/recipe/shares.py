"""The fields of `resources` that depend on each other."""

from typing import Any

from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.ranks import rank_count
from acutance_platform.recipe.schema import Recipe, Resources


def share_problems(resources: Resources) -> list[Problem]:
    """Return what is wrong with a recipe's share of GPUs and its limits."""
    gpu, most, problems = resources.gpu, resources.max_gpus, list[Problem]()
    whole = rank_count(resources) == 1 and gpu in ("auto", 1)
    if resources.pack and not whole:
        rule = (
            "trials that get their shares by their memory have one rank, and no share written down"
        )
        way_out = "Write gpu: auto and no ranks, or leave pack out."
        problems.append(Problem("resources.pack", f"true with gpu: {gpu}", rule, way_out))
    if most is not None and gpu == 0:
        rule = "trials without GPUs hold none"
        problems.append(Problem("resources.max_gpus", f"{most:g}", rule, "Leave it out."))
    elif most is not None and most < (least := rank_count(resources) if gpu == "auto" else gpu):
        rule = f"one trial may take {least:g}"
        way_out = f"Write {least:g} or more."
        problems.append(Problem("resources.max_gpus", f"{most:g}", rule, way_out))
    return problems


def with_shares(found: Recipe, asked: Resources, *, sweep: bool) -> Recipe:
    """Return a recipe whose `gpu: auto` was resolved, with what follows for the fields beside it.

    Args:
        found: With what the machines have.
        asked: As the file has them.
        sweep: Whether several trainings share the machines.
    """
    if asked.gpu != "auto":
        return found
    update: dict[str, Any] = {"pack": None}
    if found.resources.gpu == 0:
        update["max_gpus"] = None  # a limit of what is not there
    elif sweep and found.resources.gpu == 1 and asked.pack is not False:
        update["pack"] = True
    return found.model_copy(update={"resources": found.resources.model_copy(update=update)})
