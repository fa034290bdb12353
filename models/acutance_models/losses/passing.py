"""What a loss mix's passes through its networks need."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from acutance_models.discriminators import Verdict
from acutance_models.errors import FeatureError
from acutance_models.features import FeatureNetwork, build_features, plan_features, weights_name

Gather = Callable[[torch.Tensor], torch.Tensor]
"""Makes of a tensor (B, ...) of one of equally large parts that of the whole batch, (parts * B,
...), through which the gradient flows."""


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


def gathered(part: torch.Tensor | None, gather: Gather | None) -> torch.Tensor | None:
    """Return a tensor of the whole batch; what is no part of anything stays as it is."""
    return part if part is None or gather is None else gather(part)


def gathered_verdict(part: Verdict, gather: Gather | None) -> Verdict:
    """Return the verdict on the whole batch, whose parts were judged one by one."""
    if gather is None:
        return part
    return Verdict(gather(part.logits), gathered(part.classes, gather))


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
