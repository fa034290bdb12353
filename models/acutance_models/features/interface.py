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
    layer that is needed (None = all); it fills `chain`, whose convolutions keep the size and whose
    poolings halve it, and is final. Its weights never learn. One that takes
    `substitute` may be asked for layers that it lacks, as a recipe says what stands in for them.
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

    def __init__(self) -> None:
        super().__init__()
        self.substitute = {}
        self.branches = nn.ModuleDict()

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
        inside = self._inside(layers)
        made: dict[str, torch.Tensor] = {}
        x = pictures
        for name, step in self.chain.items():
            if len(made) == len(set(inside.values())):
                break
            _require_places(min(x.shape[-2:]), step, name, min(pictures.shape[-2:]))
            x = step(x)
            if name in inside.values():
                made[name] = self.branches[name](x) if name in self.branches else x
        return {layer: made[name] for layer, name in inside.items()}

    def shapes(self, layers: Collection[str], *, side: int) -> dict[str, tuple[int, int]]:
        """Return the channels and the side of layers' maps, without computing any.

        Args:
            layers: As in `forward`.
            side: Of a square picture, in pixels.

        Raises:
            FeatureError: If a layer was not built, or the picture is too small for it.
        """
        inside = self._inside(layers)
        made: dict[str, tuple[int, int]] = {}
        channels, places = 3, side
        for name, step in self.chain.items():
            if len(made) == len(set(inside.values())):
                break
            _require_places(places, step, name, side)
            if isinstance(step, nn.Conv2d):
                channels = step.out_channels
            elif isinstance(step, nn.MaxPool2d):
                places = -(-places // 2) if step.ceil_mode else places // 2
            if name in inside.values():
                branch = self.branches[name].modules() if name in self.branches else ()
                wide = [each.out_channels for each in branch if isinstance(each, nn.Conv2d)]
                made[name] = (wide[-1] if wide else channels), places
        return {layer: made[name] for layer, name in inside.items()}

    def _inside(self, layers: Collection[str]) -> dict[str, str]:
        """Return for each layer the step that makes it."""
        inside = {layer: self.substitute.get(layer, layer) for layer in layers}
        unknown = [layer for layer, name in inside.items() if name not in self.chain]
        if unknown:
            raise FeatureError(f"This feature network was built without {', '.join(unknown)}.")
        return inside


def _require_places(places: int, step: nn.Module, name: str, side: int) -> None:
    """Refuse maps of which a step would leave nothing."""
    halves = isinstance(step, nn.MaxPool2d) and not step.ceil_mode
    if (halves or isinstance(step, ReflectConv)) and places < 2:
        raise FeatureError(
            f"Pictures with a side of {side} are too small for the layer {name}: one place is "
            "left in front of it. Use larger patches or shallower layers."
        )
