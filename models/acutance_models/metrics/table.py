"""The table of metrics, and what a recipe's list of metrics says."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from acutance_models.errors import Problem, RegistryError
from acutance_models.features import check_features, resolve_features
from acutance_models.metrics.activity import ActiveFeatures
from acutance_models.metrics.character import (
    BrightnessShift,
    ChromaShift,
    EdgeAcutance,
    LrConsistency,
)
from acutance_models.metrics.fidelity import PsnrRgb, PsnrY, PsnrYDetail, Rmse, SsimRgb, SsimY
from acutance_models.metrics.interface import Metric
from acutance_models.metrics.niqe import Niqe
from acutance_models.metrics.perceptual import FeatureDistance, GramDistance, Lpips
from acutance_models.metrics.regions import PsnrYClass
from acutance_models.registry import Registry

Entry = str | dict[str, Any]
"""A metric as a list names it: a row of `METRICS`, or `{kind: NAME, name: OWN_NAME, ...}`."""

METRICS: Registry[Metric] = Registry(
    "metric",
    ("files", "device"),
    active_features=ActiveFeatures,
    brightness_shift=BrightnessShift,
    chroma_shift=ChromaShift,
    edge_acutance=EdgeAcutance,
    feature_distance=FeatureDistance,
    gram_distance=GramDistance,
    lpips=Lpips,
    lr_consistency=LrConsistency,
    niqe=Niqe,
    psnr_rgb=PsnrRgb,
    psnr_y=PsnrY,
    psnr_y_class=PsnrYClass,
    psnr_y_detail=PsnrYDetail,
    rmse=Rmse,
    ssim_rgb=SsimRgb,
    ssim_y=SsimY,
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def resolve_metric(entry: object) -> Entry:
    """Return an entry with every default filled in: a bare name where there is nothing to fill in.

    Raises:
        RegistryError: With everything wrong with the entry.
    """
    spec = {"kind": entry} if isinstance(entry, str) else entry
    if not isinstance(spec, Mapping):
        rule = f"a metric is written NAME or {{kind: NAME, ...}}, got {entry!r}."
        raise RegistryError([Problem("", entry, rule)])
    own = spec.get("name", spec.get("kind"))
    resolved = METRICS.resolve({key: value for key, value in spec.items() if key != "name"})
    problems = []
    if not isinstance(own, str) or not _NAME.fullmatch(own):
        rule = f"a metric's name is letters, digits, _ . or -, a letter first, got {own!r}."
        problems.append(Problem("name", own, rule))
    if "features" in resolved:
        try:
            resolved["features"] = resolve_features(resolved["features"])
            problems += check_features(resolved["features"], layers=resolved["layers"])
        except RegistryError as error:
            problems += error.problems
    if problems:
        raise RegistryError(problems)
    return own if resolved == {"kind": own} else {"name": own, **resolved}


def metric_name(entry: Entry) -> str:
    """Return the name under which a metric's values are told."""
    return entry if isinstance(entry, str) else str(entry.get("name", entry["kind"]))


def metric_files(entry: Entry) -> tuple[str, ...]:
    """Return the names of the files that a metric reads.

    Raises:
        RegistryError: If the entry does not fit.
    """
    spec = _spec(entry)
    constructor: Any = METRICS[spec["kind"]]
    needed: tuple[str, ...] = constructor.needs(spec)
    return needed


def build_metrics(
    entries: Sequence[Entry],
    *,
    files: Mapping[str, bytes] | None = None,
    device: torch.device | None = None,
) -> dict[str, Metric]:
    """Return name -> metric, each with its networks built; to be used for many pictures.

    Args:
        entries: Each a row of `METRICS`, or `{kind: NAME, name: OWN_NAME, ...}`.
        files: Name -> bytes of the files that they read, see `metric_files`.
        device: Where feature networks compute; None = on the CPU.

    Raises:
        RegistryError: If an entry does not fit, or a file is missing or damaged.
    """
    return {
        metric_name(entry): METRICS.build(_spec(entry), files=files or {}, device=device)
        for entry in entries
    }


def pooled(metric: Metric, values: Sequence[float]) -> float:
    """Return a metric's value for a set from the values of its pictures.

    Args:
        metric: Says how.
        values: One per picture, at least one.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if metric.pooling == "root_mean_square":
        return float(np.sqrt(np.mean(np.square(numbers))))
    return float(np.mean(numbers))


def _spec(entry: Entry) -> dict[str, Any]:
    resolved = resolve_metric(entry)
    spec = {"kind": resolved} if isinstance(resolved, str) else resolved
    return {key: value for key, value in spec.items() if key != "name"}
