"""Perceptual loss: a distance between feature maps.

Johnson, Alahi, Fei-Fei, ECCV 2016, https://arxiv.org/abs/1603.08155, as EnhanceNet, SFTGAN, SRFeat
and ESRGAN use it.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, final

import torch
from pydantic import Field

from acutance_models.errors import LossError
from acutance_models.losses.interface import FeatureLoss, Source

Layers = Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(min_length=1)]
MeanOne = Literal["none", "map", "pixel"]

_LEAST = 1e-6  # of a mean that is divided by: a map may be silent everywhere


@final
class Perceptual(FeatureLoss):
    """The mean distance of feature maps, summed over layers with their weights.

    ESRGAN: `{features: vgg19, layers: {conv5_4: 1.0}, distance: l1}`; SFTGAN the same. SRFeat:
    `{features: {kind: vgg19, preprocessing: caffe, pooling: ceil, clip: true}, layers: {relu5_4:
    1.0}, scale: 0.0784313725}` (1/12.75). EnhanceNet: `{layers: {pool2: 0.2, pool5: 0.02}}` of
    features with mean one.

    Args:
        features: The feature network: a source's name, or its spec.
        layers: Layer -> weight; conv3_1 is before its activation, relu3_1 after it.
        distance: Mean of the squared (`mse`) or absolute (`l1`) difference over all elements.
        mean_one: Divide each map by its own mean, taken over the whole `map` of a picture or, at
            each place, over its channels (`pixel`). For EnhanceNet's weights where no normalised
            network is at hand; layers after activation only.
        scale: Factor on the maps before the distance.

    Raises:
        LossError: If `mean_one` is asked of a layer before its activation.
    """

    revision: ClassVar[int] = 1

    def __init__(
        self,
        *,
        features: Source,
        layers: Layers,
        distance: Literal["mse", "l1"] = "mse",
        mean_one: MeanOne = "none",
        scale: Annotated[float, Field(gt=0)] = 1.0,
    ) -> None:
        super().__init__()
        require_positive_maps(mean_one, layers)
        self.features, self.layers = features, dict(layers)
        self.distance, self.mean_one, self.scale = distance, mean_one, scale

    def forward(
        self, sr: Mapping[str, torch.Tensor], hr: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return the distance, see `FeatureLoss.forward`."""
        return torch.stack(
            [weight * self._distance(sr[layer], hr[layer]) for layer, weight in self.layers.items()]
        ).sum()

    def _distance(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        ours, real = (with_mean_one(each.float(), self.mean_one) for each in (sr, hr))
        difference = self.scale * (ours - real)
        return (difference.square() if self.distance == "mse" else difference.abs()).mean()


def with_mean_one(maps: torch.Tensor, mean_one: MeanOne) -> torch.Tensor:
    """Return maps divided by their mean; the gradient flows through the mean as well.

    Args:
        maps: Shape (B, C, h, w), not negative.
        mean_one: `map`: one mean a picture (tensorpack's EnhanceNet); `pixel`: one a place
            (imironhead's); `none`: as they are.
    """
    if mean_one == "none":
        return maps
    over = (1, 2, 3) if mean_one == "map" else (1,)
    return maps / maps.mean(dim=over, keepdim=True).clamp_min(_LEAST)


def require_positive_maps(mean_one: MeanOne, layers: Mapping[str, float]) -> None:
    """Refuse to divide by a mean that may be zero or negative.

    Raises:
        LossError: Naming the layers.
    """
    signed = [layer for layer in layers if layer.startswith("conv")]
    if mean_one != "none" and signed:
        raise LossError(
            f"{mean_one=} divides by the mean of maps that are never negative, but "
            f"{', '.join(signed)} is taken before its activation. Use "
            f"{', '.join(layer.replace('conv', 'relu') for layer in signed)}."
        )
