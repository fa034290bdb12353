"""Two models' weights mixed into a third: what may be mixed, and what the mix remembers."""

import hashlib
from collections.abc import Mapping
from typing import Any

from acutance_models import dump_weights, interpolate, read_header, read_tensors
from acutance_platform.training import lineage_of


def related(a: bytes, b: bytes) -> bool:
    """Say whether two models share a pretrain, or one is the other's."""
    first, second = lineage_of(a), lineage_of(b)
    return first[0] == second[0] or first[-1] in second or second[-1] in first


def mixed(a: bytes, b: bytes, alpha: float) -> bytes:
    """Return the weights file between two of one network; its header names both and alpha.

    Args:
        a: The weights at alpha 0.
        b: Those at alpha 1.
        alpha: From 0 to 1; the ends' tensors are those of `a` and `b` bit for bit.

    Raises:
        InterpolationError: If the two are not of one network.
        WeightsError: If one is no weights file.
    """
    header, other = read_header(a), read_header(b)
    common = [x for x, y in zip(lineage_of(a), lineage_of(b), strict=False) if x == y]
    plugins = dict.fromkeys([*_listed(header, "plugins"), *_listed(other, "plugins")])
    extra = {
        "alpha": repr(float(alpha)),
        "parents": ",".join(hashlib.sha256(data).hexdigest() for data in (a, b)),
        "lineage": ",".join(common),
        "plugins": ",".join(plugins),
    }
    tensors = interpolate(read_tensors(a), read_tensors(b), alpha)
    return dump_weights(tensors, spec=header["spec"], scale=header["scale"], extra=extra)


def _listed(header: Mapping[str, Any], key: str) -> list[str]:
    return [name for name in str(header.get(key, "")).split(",") if name]
