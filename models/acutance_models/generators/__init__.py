"""Generators: the networks that enlarge, one file per architecture."""

import difflib
from collections.abc import Mapping
from typing import Any

import torch

from acutance_models.errors import Problem, RegistryError
from acutance_models.generators.carn import CARN
from acutance_models.generators.dbpn import DBPN
from acutance_models.generators.edsr import EDSR
from acutance_models.generators.enhancenet import EnhanceNet
from acutance_models.generators.esrgan import ESRGAN
from acutance_models.generators.idn import IDN
from acutance_models.generators.lapsrn import LapSRN
from acutance_models.generators.memnet import MemNet
from acutance_models.generators.msrn import MSRN
from acutance_models.generators.preset import Preset
from acutance_models.generators.presets import PRESETS
from acutance_models.generators.rcan import RCAN
from acutance_models.generators.rdn import RDN
from acutance_models.generators.sftgan import SFTGAN
from acutance_models.generators.srdensenet import SRDenseNet
from acutance_models.generators.srfeat import SRFeat
from acutance_models.generators.srgan import SRGAN
from acutance_models.generators.srresnet import SRResNet
from acutance_models.generators.vdsr import VDSR
from acutance_models.generators.zssr import ZSSR
from acutance_models.interfaces import Generator
from acutance_models.registry import Registry

__all__ = [
    "GENERATORS",
    "PRESETS",
    "Preset",
    "build_generator",
    "check_generator",
    "resolve_generator",
]

GENERATORS: Registry[Generator] = Registry(
    "generator",
    ("scale",),
    carn=CARN,
    dbpn=DBPN,
    edsr=EDSR,
    enhancenet=EnhanceNet,
    esrgan=ESRGAN,
    idn=IDN,
    lapsrn=LapSRN,
    memnet=MemNet,
    msrn=MSRN,
    rcan=RCAN,
    rdn=RDN,
    sftgan=SFTGAN,
    srdensenet=SRDenseNet,
    srfeat=SRFeat,
    srgan=SRGAN,
    srresnet=SRResNet,
    vdsr=VDSR,
    zssr=ZSSR,
)


def resolve_generator(spec: object) -> dict[str, Any]:
    """Return the complete spec with kind and every argument, presets expanded.

    Args:
        spec: `{kind: NAME, ...}` or `{preset: NAME, ...}`; arguments beside a preset's name
            replace the preset's.

    Raises:
        RegistryError: With everything wrong with the spec.
    """
    return GENERATORS.resolve(_expand(spec))


def build_generator(spec: object, *, scale: int, seed: int | None = 0) -> Generator:
    """Return a generator with its first weights.

    Args:
        spec: As in `resolve_generator`.
        scale: SR pixels per LR pixel.
        seed: Key of the first weights; None leaves them zero, for weights that are loaded next.

    Raises:
        RegistryError: If the spec does not fit or cannot be built for this scale.
    """
    resolved = resolve_generator(spec)
    generator = GENERATORS.build(resolved, scale=scale)
    generator.spec = resolved
    if seed is not None:
        generator.init_parameters(seed)
    return generator


def check_generator(spec: object, *, scale: int) -> list[Problem]:
    """Return everything that keeps a generator from being built, without the memory of one."""
    try:
        with torch.device("meta"):
            build_generator(spec, scale=scale, seed=None)
    except RegistryError as error:
        return list(error.problems)
    return []


def _expand(spec: object) -> object:
    if not isinstance(spec, Mapping) or "preset" not in spec:
        return spec
    name = spec["preset"]
    if "kind" in spec:
        rule = "a generator has a kind or a preset, not both."
        raise RegistryError([Problem("preset", name, rule, "Remove one of them.")])
    if not isinstance(name, str) or name not in PRESETS:
        close = difflib.get_close_matches(str(name), PRESETS, n=1)
        rule = f"Unknown preset {name!r}; known: {', '.join(sorted(PRESETS))}."
        way_out = f"Did you mean {close[0]!r}?" if close else ""
        raise RegistryError([Problem("preset", name, rule, way_out)])
    own = {argument: value for argument, value in spec.items() if argument != "preset"}
    return {**PRESETS[name].spec, **own}
