"""What a loss mix's passes through its networks need."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from acutance_models.errors import FeatureError
from acutance_models.features import FeatureNetwork, build_features, plan_features, weights_name


def feature_networks(
    wanted: Mapping[str, list[str]], weights: Mapping[str, bytes]
) -> dict[str, FeatureNetwork]:
    """Return the feature networks of a mix, each as deep as its terms need.

    Args:
        wanted: Complete spec of a network, as JSON -> layers.
        weights: File name -> bytes.

    Raises:
        FeatureError: Naming every file that is not there.
    """
    specs = {key: json.loads(key) for key in wanted}
    files = {key: weights_name(spec) for key, spec in specs.items()}
    missing = sorted({name for name in files.values() if name and name not in weights})
    if missing:
        raise FeatureError(
            f"These feature networks' files are not here: {', '.join(missing)}. Fetch them, or "
            "use features: random, which needs none."
        )
    return {
        key: build_features(specs[key], layers=layers, weights=weights.get(files[key] or "", None))
        for key, layers in wanted.items()
    }


def planned_networks(wanted: Mapping[str, list[str]]) -> dict[str, FeatureNetwork]:
    """Return the same networks, frozen, with weights that are zero: for passes without numbers."""
    return {
        key: plan_features(json.loads(key), layers=layers).requires_grad_(False).eval()
        for key, layers in wanted.items()
    }


def rgb(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures as a feature network takes them: luma in studio swing becomes grey."""
    if pictures.shape[1] == 3:
        return pictures
    return ((pictures * 255 - 16) / 219).expand(-1, 3, -1, -1)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let the passes inside leave no gradient in a network's weights, whenever it is computed."""
    learning = [each for each in network.parameters() if each.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


@contextmanager
def unmoved(networks: Iterable[nn.Module]) -> Iterator[None]:
    """Put the running statistics of normalisations back afterwards."""
    kept = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, before in kept:
            buffer.copy_(before)
