"""The names under which each system's authors, or a well-known port, publish its tensors."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from acutance_models.generators import enhancenet, esrgan, sftgan
from acutance_models.importing.colour import MeanShift

Key = Callable[[str, Any], str]
"""Our name of a tensor and the generator that has it -> the name in the file."""


@dataclass(frozen=True)
class Dialect:
    """One way in which one network's checkpoints are written."""

    name: str
    """As messages call it."""
    presets: tuple[str, ...]
    """Presets whose networks are written so."""
    scales: tuple[int, ...]
    """Scales that are tried where none is given."""
    mark: str
    """Pattern of a name that only these files have."""
    key: Key
    counts: Mapping[str, str] = field(default_factory=dict)
    """Argument -> pattern with one group; as many as there are different groups."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    """Arguments in which this network differs from its presets."""
    why: str = ""
    """Reason for `spec`."""
    shift: MeanShift | None = None
    others: str | None = None
    """Pattern of names that belong to the file, but not to this network, and are left out."""
    hwio: bool = False
    """Whether kernels are stored as height, width, inputs, outputs."""

    def numbers(self, names: Collection[str]) -> dict[str, int]:
        """Return the structural numbers that can be counted."""
        found = {}
        for argument, pattern in self.counts.items():
            hits = {hit[1] for name in names if (hit := re.fullmatch(pattern, name))}
            if hits:
                found[argument] = len(hits)
        return found

    def to_ours(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor with its dimensions in our order."""
        return tensor.permute(3, 2, 0, 1) if self.hwio and tensor.ndim == 4 else tensor


_PART = r"(?:weight|bias)"
_RRDB = ("esrgan-23", "esrgan-16")


def _same(name: str, generator: Any) -> str:
    return name


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        name="EnhanceNet (TensorFlow variables)",
        presets=("enhancenet",),
        scales=(4,),
        mark=r"generator/Conv(_\d+)?/(weights|biases)",
        key=enhancenet.published_key,
        spec={"skip": "legacy_tf"},
        why="the released weights were trained with TensorFlow's old bicubic skip",
        hwio=True,
    ),
    Dialect(
        name="SFTGAN",
        presets=("sftgan", "sftgan-paper"),
        scales=(4,),
        mark=r"(sft_branch\.\d+\.sft0\.SFT_scale_conv0|CondNet\.\d)\.weight",
        key=sftgan.published_key,
        counts={"blocks": rf"sft_branch\.(\d+)\.conv0\.{_PART}"},
    ),
    Dialect(
        name="ESRGAN",
        presets=_RRDB,
        scales=(4,),
        mark=r"RRDB_trunk\.\d+\.RDB\d\.conv\d\.weight",
        key=esrgan.key_of_esrgan,
        counts={"blocks": rf"RRDB_trunk\.(\d+)\.RDB1\.conv\d\.{_PART}"},
    ),
    Dialect(
        name="ESRGAN (2018)",
        presets=_RRDB,
        scales=(4,),
        mark=r"model\.1\.sub\.\d+\.RDB\d\.conv\d\.0\.weight",
        key=esrgan.key_of_2018,
        counts={"blocks": rf"model\.1\.sub\.(\d+)\.RDB1\.conv\d\.0\.{_PART}"},
    ),
    Dialect(
        name="ESRGAN (BasicSR)",
        presets=_RRDB,
        scales=(4, 2, 1),
        mark=r"body\.\d+\.rdb\d\.conv\d\.weight",
        key=_same,
        counts={"blocks": rf"body\.(\d+)\.rdb1\.conv\d\.{_PART}"},
    ),
    Dialect(
        name="MSRResNet (BasicSR)",
        presets=("msrresnet",),
        scales=(2, 3, 4),
        mark=r"body\.\d+\.conv[12]\.weight",
        key=_same,
        counts={"blocks": rf"body\.(\d+)\.conv\d\.{_PART}"},
    ),
)

FOREIGN: tuple[tuple[str, str], ...] = (
    (
        r"dense_memory\.\d+\.(recursive_unit|gate_unit)\..*",
        "These are weights of pytorch-MemNet, which is another network than MemNet: its residual "
        "blocks share no weights, its convolutions have no biases, and it has one output. Train "
        "{preset: memnet-m6r6} instead.",
    ),
)
"""Pattern of a name -> why files with such names are refused."""
