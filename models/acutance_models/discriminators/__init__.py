"""Discriminators: the networks that tell real from generated, one file per paper."""

import torch

from acutance_models.discriminators.enhancenet import EnhanceNetDiscriminator
from acutance_models.discriminators.interface import Discriminator, Verdict
from acutance_models.discriminators.sftgan import SFTGANDiscriminator
from acutance_models.discriminators.srfeat import (
    SRFeatFeatureDiscriminator,
    SRFeatImageDiscriminator,
)
from acutance_models.discriminators.vgg import VGGDiscriminator
from acutance_models.errors import Problem, RegistryError
from acutance_models.registry import Registry

__all__ = [
    "DISCRIMINATORS",
    "Discriminator",
    "Verdict",
    "build_discriminator",
    "check_discriminator",
]

DISCRIMINATORS: Registry[Discriminator] = Registry(
    "discriminator",
    ("side", "inputs"),
    enhancenet=EnhanceNetDiscriminator,
    sftgan=SFTGANDiscriminator,
    srfeat_feature=SRFeatFeatureDiscriminator,
    srfeat_image=SRFeatImageDiscriminator,
    vgg=VGGDiscriminator,
)


def build_discriminator(
    spec: object, *, side: int, inputs: int | None = None, name: str = "", seed: int | None = 0
) -> Discriminator:
    """Return a discriminator with its first weights.

    Args:
        spec: `{kind: NAME, ...}`.
        side: Pixels (or places of a feature map) along the squares it will see.
        inputs: Channels it will see; None = those of its paper (3, or 512 of VGG's conv5_4).
        name: Of the loss term that owns it; its streams are "init/discriminator.NAME".
        seed: Key of the first weights; None leaves them zero.

    Raises:
        RegistryError: If the spec does not fit or cannot be built for this side.
    """
    resolved = DISCRIMINATORS.resolve(spec)
    context = {"side": side} if inputs is None else {"side": side, "inputs": inputs}
    discriminator = DISCRIMINATORS.build(resolved, **context)
    discriminator.spec = resolved
    if seed is not None:
        discriminator.init_parameters(seed, f"init/discriminator.{name}")
    return discriminator


def check_discriminator(spec: object, *, side: int, inputs: int | None = None) -> list[Problem]:
    """Return everything that keeps a discriminator from being built, without its memory."""
    try:
        with torch.device("meta"):
            build_discriminator(spec, side=side, inputs=inputs, seed=None)
    except RegistryError as error:
        return list(error.problems)
    return []
