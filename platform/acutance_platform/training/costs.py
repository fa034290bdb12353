"""What a recipe costs, told before it is trained."""

import torch

from acutance_models import build_generator, count_parameters, macs_per_pixel
from acutance_platform.recipe import Recipe, chain


def structural_costs(recipe: Recipe) -> dict[str, float]:
    """Return the costs of a recipe that follow from its structure alone; nothing is trained.

    Args:
        recipe: Complete.

    Returns:
        `parameters` and `macs_per_pixel` of the generator that its last stage trains, both exact.
    """
    return network_costs(chain(recipe)[-1].recipe)


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
