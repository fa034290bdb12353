"""The fields of `resources` that depend on each other."""

from typing import Any

from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.schema import Recipe, Resources


def share_problems(resources: Resources) -> list[Problem]:
    """Return what is wrong with a recipe's share of GPUs and its limits."""
    gpu, most, problems = resources.gpu, resources.max_gpus, list[Problem]()
    if gpu != "auto" and gpu > 1 and gpu != int(gpu):
        rule = "a trial has a share of one GPU, up to 1, or whole ones"
        way_out = f"Write {int(gpu)} or {int(gpu) + 1}."
        problems.append(Problem("resources.gpu", f"{gpu:g}", rule, way_out))
    if resources.pack and gpu not in ("auto", 1):
        rule = "trials that get their shares by their memory cannot have one that is written down"
        way_out = "Write gpu: auto, or leave pack out."
        problems.append(Problem("resources.pack", f"true with gpu: {gpu:g}", rule, way_out))
    if most is not None and gpu == 0:
        rule = "trials without GPUs hold none"
        problems.append(Problem("resources.max_gpus", f"{most:g}", rule, "Leave it out."))
    elif most is not None and most < (least := 1.0 if gpu == "auto" else gpu):
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
    elif sweep and asked.pack is not False:
        update["pack"] = True
    return found.model_copy(update={"resources": found.resources.model_copy(update=update)})
