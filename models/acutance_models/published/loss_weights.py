"""Weights of loss terms as published, as data: where a search over loss mixes may begin."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LOSS_WEIGHTS", "LossWeights"]


@dataclass(frozen=True)
class LossWeights:
    """The loss mix of one system's last stage.

    Weights are factors of the terms as `recipe` writes them: with other features, layers or forms
    the same numbers weigh something else.
    """

    system: str
    """The paper, as in `Preset.system`."""
    weights: Mapping[str, float]
    """Term, by the name that it has in `recipe` -> weight."""
    recipe: str
    """Recipe in experiments/base whose terms these are."""
    source: str
    """Where they stand."""


def _mix(system: str, recipe: str, source: str, **weights: float) -> LossWeights:
    return LossWeights(system, MappingProxyType(weights), recipe, source)


LOSS_WEIGHTS: Mapping[str, LossWeights] = MappingProxyType(
    {
        # Its layers' weights, 0.2 and 0.02, 3e-7 and twice 1e-6, stand inside the terms.
        "enhancenet": _mix(
            "EnhanceNet",
            "enhancenet-pat-x4",
            "the EnhanceNet paper's supplement, ENet-PAT; confirmed in two re-implementations",
            perceptual=1.0,
            perceptual_deep=1.0,
            texture=1.0,
            adversarial=2.0,
        ),
        "esrgan": _mix(
            "ESRGAN",
            "esrgan-x4",
            "arXiv 1809.00219, section 4.1; train_esrgan.json of the program of 2018",
            pixel=1.0e-2,
            perceptual=1.0,
            adversarial=5.0e-3,
        ),
        "sftgan": _mix(
            "SFTGAN",
            "sftgan-x4",
            "train_sftgan.json of the authors' program; the paper does not state them",
            perceptual=1.0,
            adversarial=5.0e-3,
            classification=5.0e-3,
        ),
        "srfeat": _mix(
            "SRFeat",
            "srfeat-x4",
            "main_gan_train.py of the authors' program",
            perceptual=1.0,
            image=1.0e-3,
            feature=1.0e-3,
        ),
    }
)
"""Name of the preset -> its mix."""
