"""A generator's tensors under the names that other programs read: the inverse of the importers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch

from acutance_models.generators import resolve_generator
from acutance_models.importing.colour import MEAN, MeanShift
from acutance_models.importing.dialects import DIALECTS, Dialect
from acutance_models.interfaces import Generator
from acutance_models.weights import read_tensors, sorted_header

_SIZES = frozenset({"channels", "blocks", "growth", "layers", "reduction", "first_channels"})
"""Arguments that readers tell from the tensors' shapes."""

_TRAINING = frozenset({"init", "init_gain", "init_scale", "init_all"})
"""Arguments that first weights alone depend on."""


@dataclass(frozen=True)
class Published:
    """A network as a checkpoint of its authors, or of a well-known port."""

    dialect: str
    """Whose names these are."""
    tensors: dict[str, torch.Tensor]
    """By those names, contiguous, on the CPU."""


def to_published(generator: Generator) -> Published | None:
    """Return the tensors of a network as its authors would publish them.

    Of several ways to write one network (ESRGAN has three), the one for most scales is taken, which
    is BasicSR's. The mean colour, a constant here, is written where others keep it.

    Returns:
        None where no such checkpoints exist for this network, or where it differs from the
        published one in more than its size.
    """
    for dialect in sorted(DIALECTS, key=lambda each: -len(each.scales)):
        if generator.scale in dialect.scales and not dialect.hwio and _is_of(dialect, generator):
            return Published(dialect.name, _tensors(dialect, generator))
    return None


def dump_published(published: Published, extra: Mapping[str, str] | None = None) -> bytes:
    """Return the checkpoint as a safetensors document.

    Args:
        published: What `to_published` returned.
        extra: Text for the header.
    """
    metadata = {"format": "pt", "names": published.dialect, **(extra or {})}
    return sorted_header(safetensors.torch.save(published.tensors, metadata=metadata))


def published_parity(generator: Generator, data: bytes) -> float:
    """Return the largest difference between a network's published tensors and a document's.

    Args:
        generator: The network, on the CPU.
        data: The safetensors document that should hold it.

    Returns:
        0 where each is bit for bit the same; `inf` where it is another network.

    Raises:
        WeightsError: If the bytes are truncated or not safetensors.
    """
    published, found = to_published(generator), read_tensors(data)
    own = published.tensors if published is not None else {}
    if not own or {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in found.items()}:
        return float("inf")
    difference = max(float((own[name] - found[name]).abs().max()) for name in own)
    return difference if math.isfinite(difference) else float("inf")


def _is_of(dialect: Dialect, generator: Generator) -> bool:
    """Return whether a dialect's readers would build this very function."""
    sizes = _SIZES | _TRAINING | set(dialect.counts)
    for preset in dialect.presets:
        wanted = resolve_generator({"preset": preset, **dialect.spec})
        if _kept(wanted, sizes) == _kept(generator.spec, sizes):
            return True
    return False


def _kept(spec: Mapping[str, Any], but: frozenset[str]) -> dict[str, Any]:
    return {argument: value for argument, value in spec.items() if argument not in but}


def _tensors(dialect: Dialect, generator: Generator) -> dict[str, torch.Tensor]:
    tensors = {
        dialect.key(name, generator): value.detach().cpu().contiguous()
        for name, value in generator.state_dict().items()
    }
    return tensors | (_mean_shift(dialect.shift) if dialect.shift is not None else {})


def _mean_shift(shift: MeanShift) -> dict[str, torch.Tensor]:
    """Return the 1x1 convolutions that subtract and add the mean colour in others' networks."""
    mean = torch.tensor(MEAN) * shift.white
    same = torch.eye(3).view(3, 3, 1, 1)
    return {
        f"{shift.subtract}.weight": same,
        f"{shift.subtract}.bias": -mean,
        f"{shift.add}.weight": same.clone(),
        f"{shift.add}.bias": mean,
    }
