"""What lies between two trials."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Between:
    """A model between those of two trials, which cost no training.

    Attributes:
        parents: Names of both trials.
        alpha: Share of the second one's weights.
        metrics: What was measured; NaN where not finite.
        weights: SHA-256.
    """

    parents: tuple[str, str]
    alpha: float
    metrics: Mapping[str, float]
    weights: str

    @property
    def name(self) -> str:
        """Both parents and alpha, as `t0001-t0004-0.5`."""
        return f"{'-'.join(self.parents)}-{self.alpha:g}"
