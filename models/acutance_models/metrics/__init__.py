"""Picture metrics on values from 0 to 255.

A metric looks at two prepared pictures; which colour, rounding and border they were prepared with
is a protocol's business (see `protocols`).
"""

from acutance_models.metrics.interface import Metric
from acutance_models.metrics.niqe import fit_niqe
from acutance_models.metrics.table import (
    METRICS,
    Entry,
    build_metrics,
    metric_files,
    metric_name,
    pooled,
    resolve_metric,
)

__all__ = [
    "METRICS",
    "Entry",
    "Metric",
    "build_metrics",
    "fit_niqe",
    "metric_files",
    "metric_name",
    "pooled",
    "resolve_metric",
]
