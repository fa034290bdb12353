"""How much of a feature network a picture wakes."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from acutance_models.losses.interface import Source
from acutance_models.losses.perceptual import Layers
from acutance_models.metrics.interface import Metric
from acutance_models.metrics.perceptual import SMALL, Files, files_needed, network_of


@final
class ActiveFeatures(Metric):
    """The share of a layer's features that are not zero for SR, from 0 to 1.

    A loss at this layer learns from these alone: behind a ReLU the others have no gradient. Before
    it (conv5_4) all are there. Of several layers it is the mean by their weights.

    Args:
        features: The feature network: a source's name, or its spec.
        layers: Layer -> weight; conv3_1 is before its activation, relu3_1 after it.

    Source:
        Wang et al., "ESRGAN", ECCV Workshops 2018 (why it takes features before the activation)
    """

    revision = 1
    colour = "rgb"
    better = "max"

    def __init__(
        self,
        *,
        features: Source = SMALL,
        layers: Layers = {"relu5_4": 1.0},  # noqa: B006 - a schema's default, copied below
        files: Files | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._layers, self._device = dict(layers), device or torch.device("cpu")
        self._network = network_of(features, layers, files, device)

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the feature network's file, if it has one."""
        return files_needed(spec)

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the share; HR is not looked at."""
        values = torch.from_numpy(np.array(sr)).to(self._device).float() / 255
        with torch.inference_mode():
            maps = self._network(values.permute(2, 0, 1)[None], self._layers)
        awake = sum(
            weight * float((maps[layer] != 0).double().mean())
            for layer, weight in self._layers.items()
        )
        return awake / sum(self._layers.values())
