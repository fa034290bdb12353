"""What every feature network is, wherever its weights come from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from acutance_models.errors import FeatureError
from acutance_models.features.layout import ReflectConv


class FeatureNetwork(nn.Module, ABC):
    """A frozen network whose maps are compared instead of pixels.

    A subclass takes keyword arguments of plain values, and from the program `last`, the deepest
    layer that is needed (None = all); it fills `chain` and is final. Its weights never learn.
    """

    revision: ClassVar[int]
    """Raised whenever the same picture and file give other features."""

    has: ClassVar[tuple[str, ...]]
    """The layers of this source, shallow first."""

    chain: nn.ModuleDict
    """Layer name -> step, in order; the first one is `prepare`."""

    branches: nn.ModuleDict
    """Layer name -> what its map goes through on its way out; most layers have none."""

    substitute: dict[str, str]
    """Layer that this source lacks -> its layer that stands in for it, as the recipe declares."""

    spec: dict[str, Any]
    """The complete spec from which `build_features` made it."""

    @classmethod
    @abstractmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return, for each known kind of file, the rule from our tensor names to the file's.

        Empty for a source without a file.
        """

    @abstractmethod
    def draw(self) -> None:
        """Draw the weights of a source that has no file; others have nothing to draw."""

    def forward(self, pictures: torch.Tensor, layers: Collection[str]) -> dict[str, torch.Tensor]:
        """Return the maps of some layers; nothing behind the deepest of them is computed.

        Args:
            pictures: Shape (B, 3, H, W), RGB in [0, 1].
            layers: Names of layers that were built, or that are substituted by such.

        Returns:
            Layer name -> shape (B, channels, h, w), as asked for.

        Raises:
            FeatureError: If a layer was not built, or the pictures are too small for it.
        """
        inside = {layer: self.substitute.get(layer, layer) for layer in layers}
        unknown = [layer for layer, name in inside.items() if name not in self.chain]
        if unknown:
            raise FeatureError(f"This feature network was built without {', '.join(unknown)}.")
        made: dict[str, torch.Tensor] = {}
        x = pictures
        for name, step in self.chain.items():
            if len(made) == len(set(inside.values())):
                break
            _require_side(pictures, x, step, name)
            x = step(x)
            if name in inside.values():
                made[name] = self.branches[name](x) if name in self.branches else x
        return {layer: made[name] for layer, name in inside.items()}


def _require_side(pictures: torch.Tensor, seen: torch.Tensor, step: nn.Module, name: str) -> None:
    """Refuse maps of which a step would leave nothing."""
    halves = isinstance(step, nn.MaxPool2d) and not step.ceil_mode
    if (halves or isinstance(step, ReflectConv)) and min(seen.shape[-2:]) < 2:
        raise FeatureError(
            f"Pictures of {pictures.shape[-2]} x {pictures.shape[-1]} pixels are too small for the "
            f"layer {name}: one place is left in front of it. Use larger patches or fewer layers."
        )
