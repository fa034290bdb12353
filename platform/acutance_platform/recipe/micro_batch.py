"""Whether a stage's batches may be computed in parts, whose gradients are added up."""

import torch

from acutance_models import batch_couplings, build_generator, normalises_batches
from acutance_platform.recipe.chain import Link
from acutance_platform.recipe.errors import Problem
from acutance_platform.recipe.ranks import rank_count


def micro_batch_path(stage: str) -> str:
    """Return the recipe path that says how many crops of a stage are computed together."""
    return f"stages.{stage}.data.micro_batch"


def micro_batch_problems(link: Link) -> list[Problem]:
    """Return why a stage cannot be computed with the micro-batch that it asks for.

    Args:
        link: A stage whose network and loss mix are sound.
    """
    data = link.recipe.data
    if data.micro_batch is None:
        return []
    own = link.stage.data.micro_batch is not None
    place = micro_batch_path(link.name) if own else "data.micro_batch"
    value = str(data.micro_batch)
    if data.micro_batch > data.batch:
        rule = f"a batch of {data.batch} crops has no larger part"
        return [Problem(place, value, rule, f"Write {data.batch} or less, or leave it out.")]
    if data.micro_batch >= data.batch // rank_count(link.recipe.resources):
        return []  # each rank computes its part at once
    with torch.device("meta"):
        network = build_generator(link.recipe.generator, scale=link.recipe.scale, seed=None)
    found = batch_couplings(link.stage.loss, patch=data.patch, channels=network.channels)
    if normalises_batches(network) and not link.stage.freeze_batch_norm:
        kind = link.recipe.generator["kind"]
        found = [f"the generator {kind} normalises by the batch's statistics", *found]
    rule = "in parts this would be another computation: " + "; ".join(found)
    way_out = "Leave it out and use a smaller batch or patch."
    return [Problem(place, value, rule, way_out)] if found else []
