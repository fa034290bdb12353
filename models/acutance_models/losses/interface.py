"""What a loss needs in order to be computed: pictures, feature maps, or a verdict."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from acutance_models.discriminators import Verdict

Source = str | dict[str, Any]
"""A feature network as a spec says it: a source's name, or `{kind: NAME, ...}`."""


class PictureLoss(nn.Module, ABC):
    """A distance between pictures; a plug-in's module of any other class is taken for one."""

    revision: ClassVar[int]
    """Raised whenever the same pictures give another value."""

    @abstractmethod
    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Return the distance as a float32 scalar.

        Args:
            sr: Shape (B, channels, H, W), around [0, 1].
            hr: The same shape, in [0, 1].
        """


class FeatureLoss(nn.Module, ABC):
    """A distance between maps of a feature network."""

    revision: ClassVar[int]
    """Raised whenever the same maps give another value."""

    features: Source
    """The network."""

    layers: dict[str, float]
    """Layer -> its weight inside this loss."""

    @abstractmethod
    def forward(
        self, sr: Mapping[str, torch.Tensor], hr: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return the distance as a float32 scalar.

        Args:
            sr: Layer name -> shape (B, channels, h, w), at least those in `layers`.
            hr: The same of the real pictures, without gradient.
        """


class VerdictLoss(nn.Module, ABC):
    """What generator and discriminator make of a discriminator's verdicts."""

    revision: ClassVar[int]
    """Raised whenever the same verdicts give another value."""

    of: str | None = None
    """The adversarial term whose verdicts it reads; None = it has a discriminator of its own."""

    names_classes: ClassVar[bool] = False
    """Whether it reads the class that the discriminator names."""

    compares: bool = False
    """Whether the generator's loss reads the verdict on real pictures."""

    @abstractmethod
    def generator_loss(
        self, real: Verdict | None, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the generator brings down, a float32 scalar.

        Args:
            real: Verdict on the real pictures, without gradient; None unless `compares`.
            fake: Verdict on the generated ones.
            labels: Class of each picture, shape (B,), where the data has them.
        """

    @abstractmethod
    def discriminator_loss(
        self, real: Verdict, fake: Verdict, labels: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what the discriminator brings down; `fake` is of pictures without gradient."""
