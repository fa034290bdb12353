"""What a preset is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A spec with a name, so that a recipe can say `{preset: carn-m}`."""

    name: str
    system: str
    """The paper it belongs to."""
    spec: Mapping[str, Any]
    """What differs from the constructor's defaults, and the kind."""
    scales: tuple[int, ...]
    """Scales the source states it for; others may be buildable."""
    parameters: Mapping[int, int] = field(default_factory=dict)
    """Scale -> trainable parameters as published or counted in the authors' network."""
    multiply_adds: Mapping[int, float] = field(default_factory=dict)
    """Scale -> multiply-adds for an HR picture of 1280x720, in 10^9, as published."""
    source: str = ""
    """Where the numbers come from."""
