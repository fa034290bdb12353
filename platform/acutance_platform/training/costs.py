"""What a recipe costs, told before it is trained."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from acutance_models import (
    Generator,
    build_generator,
    count_parameters,
    macs_per_pixel,
    metric_files,
    upscale,
)
from acutance_platform.recipe import Link, Recipe, chain, rank_count
from acutance_platform.training.learner import Learner
from acutance_platform.training.pieces import Batch
from acutance_platform.training.tally import Tally, without_contents

_FEATURE_BYTES: Final = 2048
"""Bytes per HR pixel of a metric that looks through a feature network: two pictures, each with a
layer of 64 channels in f32, what comes before it, and what is kept of both."""


@dataclass(frozen=True)
class StepWork:
    """What one training step takes of a machine, whichever it is."""

    peak_memory: int
    """Most bytes that its tensors take at once: weights, gradients, moments, average, batch,
    discriminators, feature networks, and all that waits for the backward pass. Of several ranks,
    what each takes."""
    flops: float
    """Floating-point operations of convolutions and products of matrices, two a multiply-add."""
    bytes: float
    """Bytes that its kernels read and write."""
    calls: int
    """Calls of kernels."""
    kept: int
    """Bytes that its tensors take between two steps."""


def structural_costs(recipe: Recipe) -> dict[str, float]:
    """Return the costs of a recipe that follow from its structure alone; nothing is trained.

    Args:
        recipe: Complete.

    Returns:
        `parameters` and `macs_per_pixel` of the generator that its last stage trains, both exact;
        where `evaluation.costs` asks for it, `peak_memory` in bytes (see `peak_memory`).
    """
    return chain_costs(chain(recipe))


def chain_costs(links: Sequence[Link]) -> dict[str, float]:
    """Return the same for the first stages of a chain, whatever follows them."""
    costs = network_costs(links[-1].recipe)
    if "peak_memory" in links[-1].recipe.evaluation.costs:
        costs["peak_memory"] = _heaviest(links)
    return costs


def network_costs(recipe: Recipe) -> dict[str, float]:
    """Return `parameters` and `macs_per_pixel` of a recipe's, or of one stage's, generator.

    Args:
        recipe: With a stage's overrides in their places where it is a stage's (`Link.recipe`).
    """
    with torch.device("meta"):
        network = build_generator(recipe.generator, scale=recipe.scale, seed=None)
    return {
        "parameters": float(count_parameters(network)),
        "macs_per_pixel": float(macs_per_pixel(network)),
    }


def peak_memory(recipe: Recipe) -> float:
    """Return the bytes that tensors take at the peak of a step of the heaviest stage.

    The training step itself runs on tensors without contents. The figure is what torch's allocator
    gives out; what a process takes beside it (code, a CUDA context, what an allocator keeps for
    later) is not in it. It is the same on every machine of one torch version.
    """
    return _heaviest(chain(recipe))


def memory_of_trial(recipe: Recipe, height: int, width: int) -> float:
    """Return the bytes that tensors take at the peak of a trial, steps and measurements.

    Args:
        recipe: Complete, not zero-shot.
        height: Of the largest HR picture that is measured, enlarged whole, in pixels.
        width: Likewise.
    """
    metrics = recipe.evaluation.metrics
    looked_through = any(metric_files(each) or "features" in each for each in metrics)
    judged = float(height * width * _FEATURE_BYTES) if looked_through else 0.0
    found = []
    for link in chain(recipe):
        work = step_work(link)
        enlarged = _enlarging(link.recipe.model_dump_json(), height, width)
        found.append(max(work.peak_memory, work.kept + max(enlarged, judged)))
    return float(max(found))


@functools.lru_cache(maxsize=1024)
def _enlarging(recipe: str, height: int, width: int) -> int:
    """Return the bytes that enlarging a picture takes beside the weights."""
    complete = Recipe.model_validate_json(recipe)
    with without_contents() as tally, torch.no_grad():
        network = build_generator(complete.generator, scale=complete.scale, seed=None).eval()
        tally.peak = kept = tally.alive
        lr = torch.empty(network.channels, height // complete.scale, width // complete.scale)
        upscale(network, lr)
    return tally.peak - kept


def _heaviest(links: Sequence[Link]) -> float:
    return float(max(step_work(link).peak_memory for link in links))


def step_work(link: Link) -> StepWork:
    """Return what a step of a stage takes, at the step where most of its terms count."""
    return _known(link.recipe.model_dump_json(), link.name)


@functools.lru_cache(maxsize=1024)
def _known(recipe: str, stage: str) -> StepWork:
    (link,) = (each for each in chain(Recipe.model_validate_json(recipe)) if each.name == stage)
    with without_contents() as tally:
        return _work(link, tally)


def _work(link: Link, tally: Tally) -> StepWork:
    recipe, stage = link.recipe, link.stage
    learner = Learner(link, device=torch.device("cpu"), parent=None, files={}, drawn=False)
    batch = empty_batch(learner.generator, recipe)
    begins = {int(term.get("from_step", 0)) for term in stage.loss.values()}
    begins |= {group.from_step for group in stage.groups}
    tally.peak = 0  # what building them took is over
    for done in sorted({0, *(step for step in begins if step < stage.steps)}):
        for _ in range(2):  # the first step makes the moments, which are there ever after
            tally.calls.clear()
            learner.step(batch, done)
    flops, touched = map(sum, zip(*tally.calls, strict=True))
    return StepWork(tally.peak, flops, touched, len(tally.calls), tally.alive)


def empty_batch(network: Generator, recipe: Recipe) -> Batch:
    """Return what a rank's `Feed` would give to its network, the numbers arbitrary."""
    data, crops = recipe.data, recipe.data.batch // rank_count(recipe.resources)
    side = data.patch // recipe.scale

    def pictures(channels: int, side: int) -> torch.Tensor:
        whole = torch.empty(crops, channels, side, side)
        return whole.to(memory_format=torch.channels_last)

    classes = network.condition_classes
    shown = None if classes is None else torch.empty(crops, classes, data.patch, data.patch)
    channels = network.channels
    return Batch(pictures(channels, side), pictures(channels, data.patch), shown)
