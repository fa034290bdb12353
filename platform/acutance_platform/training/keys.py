"""A stage's key: a hash of everything that can change its result or its reports."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from acutance_models import (
    DEGRADATIONS,
    DISCRIMINATORS,
    FEATURES,
    GENERATORS,
    LOSSES,
    METRICS,
    weights_name,
)
from acutance_platform.recipe import Link, Recipe, Spec, chain, load_plugins
from acutance_platform.training.features import names_of
from acutance_platform.training.machine import MachineKind

_ELSEWHERE = {"after", "init", "data", "optimizer", "schedule", "generator"}
"""Fields of a stage that the key holds already, as what they make of recipe and parent."""
LOOP_REVISION = 3
"""Raised whenever the training loop computes something else from the same recipe."""

ZERO_SHOT_REVISION = 1
"""Raised whenever zero-shot training computes something else from the same recipe."""


def stage_keys(
    recipe: Recipe,
    *,
    dataset_version: str,
    machine: MachineKind,
    rungs: Sequence[int] = (),
    files: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return the SHA-256 that names the states of each stage, in the order of the chain.

    The evaluation section and the rungs belong to it because a state carries its reports: whoever
    shares the state must have asked for the same measurements at the same steps. A key holds its
    parent's: trainings share what their chains have in common from the first stage on.

    Args:
        recipe: Complete.
        dataset_version: Of its dataset.
        machine: The kind of machine that it runs on.
        rungs: Absolute steps at which it reports beside `evaluation.every`.
        files: Name -> SHA-256 of the files that its feature networks and metrics need.
    """
    keys: list[str] = []
    for link in chain(recipe):
        parts: dict[str, Any] = {
            "loop": LOOP_REVISION,
            "recipe": _result_part(link),
            "start": link.start,
            "dataset": dataset_version,
            "revisions": _revisions(link),
            "files": _files(link, files or {}),
            "plugins": load_plugins(recipe.plugins),
            "rungs": sorted({*(r for r in rungs if link.start < r <= link.end), link.end}),
            "parent": keys[-1] if keys else link.stage.init,
        }
        if recipe.resources.share == "same":
            parts["machine"] = machine.as_dict()
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        keys.append(hashlib.sha256(text.encode()).hexdigest())
    return tuple(keys)


def _result_part(link: Link) -> dict[str, Any]:
    """Return the stage's recipe without what cannot change a result: saving, resources, names."""
    recipe = link.recipe
    content = recipe.model_dump(
        mode="json", exclude={"checkpoint", "resources", "plugins", "stages", "data"}
    )
    if recipe.zero_shot is None:  # keys made before there was such a section still hold
        del content["zero_shot"]
    if not recipe.evaluation.costs:  # nor of costs
        del content["evaluation"]["costs"]
    content["data"] = recipe.data.model_dump(mode="json", exclude={"dataset"})
    if recipe.data.micro_batch is None:  # likewise
        del content["data"]["micro_batch"]
    content["stage"] = link.stage.model_dump(mode="json", exclude=_ELSEWHERE)
    return content


def _revisions(link: Link) -> dict[str, int]:
    recipe = link.recipe
    generator = recipe.generator["kind"]
    found = {f"generator/{generator}": GENERATORS.revision(generator)}
    for step in recipe.data.degradation:
        found[f"degradation/{step['kind']}"] = DEGRADATIONS.revision(step["kind"])
    for entry in recipe.evaluation.metrics:
        metric: Spec = {"kind": entry} if isinstance(entry, str) else entry
        found[f"metric/{metric['kind']}"] = METRICS.revision(metric["kind"])
        if "features" in metric:
            kind = metric["features"]["kind"]
            found[f"features/{kind}"] = FEATURES.revision(kind)
    for term in link.stage.loss.values():
        found[f"loss/{term['kind']}"] = LOSSES.revision(term["kind"])
        for part, table in (("discriminator", DISCRIMINATORS), ("features", FEATURES)):
            if isinstance(term.get(part), Mapping):
                kind = term[part]["kind"]
                found[f"{part}/{kind}"] = table.revision(kind)
    if recipe.zero_shot is not None:
        found["zero_shot"] = ZERO_SHOT_REVISION
    return found


def _files(link: Link, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that this stage's terms and the metrics look through."""
    specs = [term.get("features") for term in link.stage.loss.values()]
    terms = {weights_name(spec) for spec in specs if spec is not None}
    names = {*filter(None, terms), *names_of(link.recipe.evaluation.metrics)}
    return {name: files[name] for name in sorted(names) if name in files}
