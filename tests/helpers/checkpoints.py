"""Checkpoints as systems' authors publish them, made from our networks and the published names."""

import functools
import io
from collections import OrderedDict
from typing import Any

import numpy as np
import torch

from acutance_models import Generator, build_generator
from acutance_models.importing.colour import MEAN, MeanShift
from acutance_models.importing.dialects import DIALECTS, Dialect

BY_NAME: dict[str, Dialect] = {dialect.name: dialect for dialect in DIALECTS}


def their_tensors(
    name: str, preset: str, scale: int, *, fill: int | None = None, **arguments: int
) -> tuple[dict[str, torch.Tensor], Generator]:
    """Return the tensors of a checkpoint by its names, and the network they are of.

    Args:
        name: Of the dialect.
        preset: One of its presets.
        scale: SR pixels per LR pixel.
        fill: Seed of the values; None = zeros that take no memory.
        **arguments: In which the network differs from the preset.
    """
    tensors, generator = _made(name, preset, scale, fill, tuple(arguments.items()))
    return dict(tensors), generator


@functools.lru_cache(maxsize=64)
def _made(
    name: str, preset: str, scale: int, fill: int | None, arguments: tuple[tuple[str, int], ...]
) -> tuple[dict[str, torch.Tensor], Generator]:
    dialect = BY_NAME[name]
    spec: dict[str, Any] = {"preset": preset, **dialect.spec, **dict(arguments)}
    with torch.device("meta" if fill is None else "cpu"):
        generator = build_generator(spec, scale=scale, seed=fill)
    tensors = {}
    for ours, tensor in generator.state_dict().items():
        value = torch.zeros(()).expand(tensor.shape) if fill is None else tensor
        stored = value.permute(2, 3, 1, 0) if dialect.hwio and value.ndim == 4 else value
        tensors[dialect.key(ours, generator)] = stored
    return tensors | (mean_shift(dialect.shift) if dialect.shift else {}), generator


def mean_shift(shift: MeanShift) -> dict[str, torch.Tensor]:
    """Return the constants that stand beside a network's weights."""
    mean = torch.tensor(MEAN) * shift.white
    return {
        f"{shift.subtract}.weight": torch.eye(3).view(3, 3, 1, 1),
        f"{shift.subtract}.bias": -mean,
        f"{shift.add}.weight": torch.eye(3).view(3, 3, 1, 1),
        f"{shift.add}.bias": mean,
    }


def checkpoint(name: str, tensors: dict[str, torch.Tensor]) -> bytes:
    """Return the file in which a dialect's tensors are published."""
    if not BY_NAME[name].hwio:
        return saved(OrderedDict(tensors))
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{key: value.numpy() for key, value in tensors.items()})
    return buffer.getvalue()


def saved(content: object, **options: Any) -> bytes:
    """Return what `torch.save` writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()
