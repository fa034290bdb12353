"""Texture loss: which features fire together, patch by patch.

Sajjadi, Schölkopf, Hirsch, ICCV 2017, https://arxiv.org/abs/1612.07919, after Gatys, Ecker, Bethge,
CVPR 2016.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field

from acutance_models.errors import LossError
from acutance_models.features.layout import stride_of
from acutance_models.losses.interface import FeatureLoss, Source
from acutance_models.losses.perceptual import (
    Layers,
    MeanOne,
    require_positive_maps,
    with_mean_one,
)


@final
class Gram(FeatureLoss):
    """The squared distance of the Gram matrices of patches, summed over layers with their weights.

    EnhanceNet: `{features: vgg19-normalised, layers: {relu1_1: 3.0e-7, relu2_1: 1.0e-6, relu3_1:
    1.0e-6}}`. Those weights presume features of mean one, Gram matrices that are divided by
    nothing, and the mean over their entries; with the sum the terms would be up to 65,000 times
    larger. With another source, set `mean_one` or put the weights into the search space.

    Args:
        features: The feature network: a source's name, or its spec.
        layers: Layer -> weight; conv3_1 is before its activation, relu3_1 after it.
        patch: Side of the patches, which do not overlap; what is left at the right and at the
            bottom has no part. null = one patch, the whole map.
        patch_domain: Whether `patch` counts places of the feature map (both re-implementations of
            EnhanceNet) or pixels of the picture (a reading of the paper).
        mean_one: Divide each map by its own mean first, see `perceptual`.
        reduction: Over the entries of a matrix; over patches and pictures it is always the mean.

    Raises:
        LossError: If a patch is smaller than one place of a map, or divides into parts of one; or
            if `mean_one` is asked of a layer before its activation.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        features: Source,
        layers: Layers,
        patch: Annotated[int, Field(ge=1)] | None = 16,
        patch_domain: Literal["feature", "image"] = "feature",
        mean_one: MeanOne = "none",
        reduction: Literal["mean", "sum"] = "mean",
    ) -> None:
        super().__init__()
        require_positive_maps(mean_one, layers)
        self.features, self.layers = features, dict(layers)
        self.mean_one, self.reduction = mean_one, reduction
        self.sides = {layer: _side(layer, patch, patch_domain) for layer in layers}

    def forward(
        self, sr: Mapping[str, torch.Tensor], hr: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return the distance, see `FeatureLoss.forward`."""
        return torch.stack(
            [weight * self._distance(layer, sr, hr) for layer, weight in self.layers.items()]
        ).sum()

    def _distance(
        self, layer: str, sr: Mapping[str, torch.Tensor], hr: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        ours, real = (
            gram_matrices(with_mean_one(maps[layer].float(), self.mean_one), self.sides[layer])
            for maps in (sr, hr)
        )
        squared = (ours - real).square()
        return squared.mean() if self.reduction == "mean" else squared.sum(dim=(1, 2)).mean()


def gram_matrices(maps: torch.Tensor, side: int | None) -> torch.Tensor:
    """Return which channels fire together in each patch, forgetting where.

    G = F F^T, with F the features of one patch as (C, side * side); not divided by anything.

    Args:
        maps: Shape (B, C, h, w).
        side: Of the patches, which do not overlap; None = the whole map.

    Returns:
        Symmetric positive semi-definite matrices, shape (B * patches, C, C).

    Raises:
        LossError: If the map is smaller than a patch.
    """
    batch, channels, height, width = maps.shape
    if side is None:
        flat = maps.flatten(2)
        return flat @ flat.mT
    down, across = height // side, width // side
    if not down or not across:
        raise LossError(
            f"A map of {height} x {width} places holds no patch of {side} x {side}. Use larger "
            "training patches, a smaller `patch`, or shallower layers."
        )
    patches = maps[:, :, : down * side, : across * side]
    patches = patches.reshape(batch, channels, down, side, across, side)
    flat = patches.permute(0, 2, 4, 1, 3, 5).reshape(batch * down * across, channels, side * side)
    return flat @ flat.mT


def _side(layer: str, patch: int | None, domain: Literal["feature", "image"]) -> int | None:
    """Return the side of a patch in places of a layer's map."""
    if patch is None or domain == "feature":
        return patch
    stride = stride_of(layer)
    if patch % stride:
        raise LossError(
            f"{patch=} pixels are no whole number of places of {layer}, which lie {stride} pixels "
            f"apart. Use a multiple of {stride}."
        )
    return patch // stride
