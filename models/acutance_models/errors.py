"""What can go wrong in this package.

ModelsError
├── RegistryError       a spec does not fit its constructor; `.problems` lists every reason
├── GeneratorError      a network cannot be built or run with these numbers
├── DiscriminatorError  a discriminator cannot be built or run with these numbers
├── FeatureError        a feature network cannot be built or run with these numbers
├── LossError           a loss, or a mix of them, cannot be built or computed
├── ImportRefused       a published checkpoint cannot be turned into a network
├── ExportError         a network cannot be written for other programs, or they disagree
├── InterpolationError  two networks' weights cannot be mixed
├── DegradationError    a chain or a picture cannot be degraded
├── PictureError        an array is not the picture that a function takes
├── ProtocolError       a metric or protocol is unknown or does not apply
└── WeightsError        bytes are not weights this version can read

All are `ValueError`s: they speak of what was passed in, never of a fault inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class ModelsError(ValueError):
    """Base of every error this package raises on purpose."""


class GeneratorError(ModelsError):
    """A network cannot be built or run with these numbers."""


class DiscriminatorError(ModelsError):
    """A discriminator cannot be built or run with these numbers."""


class FeatureError(ModelsError):
    """A feature network cannot be built or run with these numbers."""


class LossError(ModelsError):
    """A loss, or a mix of losses, cannot be built or computed."""


class InterpolationError(ModelsError):
    """Two networks' weights cannot be mixed."""


class ImportRefused(ModelsError):
    """A file is no checkpoint that the importers know, or not exactly the one it seems to be."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        """Every tensor that is missing, surplus or misshapen, by its name in the file."""
        super().__init__(message)


class ExportError(ModelsError):
    """A network cannot be written for another program, or that program makes other pictures."""


class DegradationError(ModelsError):
    """A chain of steps, or the picture given to it, cannot be used."""


class PictureError(ModelsError):
    """An array has the wrong shape, type or size for a picture."""


class ProtocolError(ModelsError):
    """A metric or protocol is unknown, or does not apply to these pictures."""


class WeightsError(ModelsError):
    """Bytes are not weights that this version can turn into a network."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec: place, value, rule, way out."""

    path: str
    """Dotted place inside the spec; empty for the spec itself."""
    value: Any
    """What stands there."""
    rule: str
    """What should stand there."""
    way_out: str = ""
    """What to write instead, where that can be said."""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.rule}" + (f" {self.way_out}" if self.way_out else "")


class RegistryError(ModelsError):
    """A spec names an unknown kind or does not fit its constructor."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
