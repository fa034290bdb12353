"""The names under which each system's authors, or a well-known port, publish its tensors."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from acutance_models.generators import (
    carn,
    dbpn,
    edsr,
    enhancenet,
    esrgan,
    idn,
    msrn,
    rcan,
    rdn,
    sftgan,
)
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
    whole: Mapping[str, str] = field(default_factory=dict)
    """Preset -> preset of the network that files hold which it is a part of; the rest is left
    out, but must be complete."""
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
_HEADS = {"carn": "carn-multi", "carn-m": "carn-m-multi"}
_RRDB = ("esrgan-23", "esrgan-16")


def _same(name: str, generator: Any) -> str:
    return name


def _at_scale(key: Callable[[str, int], str]) -> Key:
    return lambda name, generator: key(name, generator.scale)


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
    Dialect(
        name="CARN",
        presets=("carn-multi", "carn-m-multi", *_HEADS),
        scales=(2, 3, 4),
        mark=r"b\d\.(b\d|c\d)\.body\.\d\.weight",
        key=_at_scale(carn.published_key),
        shift=MeanShift("sub_mean.shifter", "add_mean.shifter", 1, "entry", "exit"),
        whole=_HEADS,
    ),
    Dialect(
        name="RCAN",
        presets=("rcan",),
        scales=(2, 3, 4, 8),
        mark=r"body\.\d+\.body\.\d+\.body\.3\.conv_du\.[02]\.weight",
        key=_at_scale(rcan.published_key),
        counts={
            "groups": rf"body\.(\d+)\.body\.0\.body\.0\.{_PART}",
            "blocks": rf"body\.0\.body\.(\d+)\.body\.0\.{_PART}",
        },
        shift=MeanShift("sub_mean", "add_mean", 255, "head.0", "tail.1"),
    ),
    Dialect(
        name="EDSR",
        presets=("edsr-baseline",),
        scales=(2, 3, 4),
        mark=r"body\.\d+\.body\.[02]\.weight",
        key=_at_scale(edsr.published_key),
        counts={"blocks": rf"body\.(\d+)\.body\.0\.{_PART}"},
        shift=MeanShift("sub_mean", "add_mean", 255, "head.0", "tail.1"),
    ),
    Dialect(
        name="MSRN",
        presets=("msrn",),
        scales=(2, 3, 4, 8),
        mark=r"body\.\d+\.confusion\.weight",
        key=_at_scale(msrn.published_key),
        counts={"blocks": rf"body\.(\d+)\.confusion\.{_PART}"},
        shift=MeanShift("sub_mean", "add_mean", 255, "head.0", "tail.3"),
    ),
    Dialect(
        name="MSRN (of the paper)",
        presets=("msrn-paper",),
        scales=(2, 3, 4, 8),
        mark=r"residual\d\.0\.confusion\.weight",
        key=_at_scale(msrn.published_key_of_paper),
        counts={"blocks": rf"residual(\d+)\.0\.confusion\.{_PART}"},
    ),
    Dialect(
        name="DBPN",
        presets=("dbpn", "dbpnll", "dbpns"),
        scales=(2, 4, 8),
        mark=r"up\d+\.up_conv1\.deconv\.weight",
        key=_at_scale(dbpn.published_key),
        counts={"blocks": rf"up(\d+)\.up_conv1\.deconv\.{_PART}"},
    ),
    Dialect(
        name="IDN (Caffe layers)",
        presets=("idn",),
        scales=(2, 3, 4),
        mark=r"conv\d_\d\.weight",
        key=_at_scale(idn.published_key),
        counts={"blocks": rf"conv(\d+)_1\.{_PART}"},
    ),
    Dialect(
        name="RDN (EDSR-PyTorch)",
        presets=("rdn-d16c8", "rdn-d20c6"),
        scales=(2, 3, 4),
        mark=r"RDBs\.\d+\.(LFF|convs\.\d+\.conv\.0)\.weight",
        key=_at_scale(rdn.published_key),
        counts={
            "blocks": rf"RDBs\.(\d+)\.LFF\.{_PART}",
            "layers": rf"RDBs\.0\.convs\.(\d+)\.conv\.0\.{_PART}",
        },
        spec={"mean": "none"},
        why="EDSR-PyTorch's port subtracts no mean colour",
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
