"""A stage's key: a hash of everything that can change its result or its reports."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from acutance_models import DEGRADATIONS, GENERATORS, LOSSES
from acutance_platform.recipe import Recipe, load_plugins
from acutance_platform.training.machine import MachineKind

LOOP_REVISION = 2
"""Raised whenever the training loop computes something else from the same recipe."""

ZERO_SHOT_REVISION = 1
"""Raised whenever zero-shot training computes something else from the same recipe."""


def stage_key(
    recipe: Recipe, *, dataset_version: str, machine: MachineKind, rungs: Sequence[int] = ()
) -> str:
    """Return the SHA-256 that names the states of this training.

    The evaluation section and the rungs belong to it because a state carries its reports: whoever
    shares the state must have asked for the same measurements at the same steps.
    """
    parts: dict[str, Any] = {
        "loop": LOOP_REVISION,
        "recipe": _result_part(recipe),
        "dataset": dataset_version,
        "revisions": _revisions(recipe),
        "plugins": load_plugins(recipe.plugins),
        "rungs": sorted({*rungs, recipe.steps}),
        "parent": None,
    }
    if recipe.resources.share == "same":
        parts["machine"] = machine.as_dict()
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _result_part(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe without what cannot change a result: saving, resources, names."""
    content = recipe.model_dump(
        mode="json", exclude={"checkpoint", "resources", "plugins", "stages", "data"}
    )
    if recipe.zero_shot is None:  # keys made before there was such a section still hold
        del content["zero_shot"]
    content["data"] = recipe.data.model_dump(mode="json", exclude={"dataset"})
    content["stage"] = recipe.stage.model_dump(mode="json")
    return content


def _revisions(recipe: Recipe) -> dict[str, int]:
    generator = recipe.generator["kind"]
    found = {f"generator/{generator}": GENERATORS.revision(generator)}
    for step in recipe.data.degradation:
        found[f"degradation/{step['kind']}"] = DEGRADATIONS.revision(step["kind"])
    for term in recipe.stage.loss.values():
        found[f"loss/{term['kind']}"] = LOSSES.revision(term["kind"])
    if recipe.zero_shot is not None:
        found["zero_shot"] = ZERO_SHOT_REVISION
    return found
