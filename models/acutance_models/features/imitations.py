"""Networks that stand for VGG-19 and are small enough to be at hand."""

from collections.abc import Callable, Sequence
from typing import ClassVar, final

from torch import nn

from acutance_models.features.interface import FeatureNetwork
from acutance_models.features.layout import ReflectConv, layer_names, vgg_chain
from acutance_models.generators.layers import Conv

_IN_SEQUENCE = {"prepare": 0, "conv1_1": 2, "conv1_2": 5, "conv2_1": 9, "conv2_2": 12} | {
    "conv3_1": 16
}  # layer -> number in the published file, whose padding and ReLUs count as well


@final
class NormalisedVGG19(FeatureNetwork):
    """VGG-19 up to relu3_1, scaled so that every filter's mean activation is one.

    This is what EnhanceNet's weights presume ("features normalised to mean one"). Its borders
    mirror the map, where VGG's are zero.

    Args:
        last: The deepest layer that is needed.
        substitute: Layer that this source lacks -> the one that stands in for it.

    Source:
        Gatys, Ecker, Bethge, CVPR 2016 (the scaling); file of pietrocarbo/deep-transfer, Apache-2.0
    """

    revision: ClassVar[int] = 1
    has: ClassVar[tuple[str, ...]] = layer_names((2, 2, 1))[:-1]

    def __init__(
        self, *, last: str | None = None, substitute: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        self.substitute = dict(substitute or {})
        self.chain = vgg_chain(
            (2, 2, 1),
            Conv(3, 3, 1),
            channels=64,
            convolution=ReflectConv,
            last=last or self.has[-1],
        )
        self.branches = nn.ModuleDict()

    @classmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return the rule from our names to the file's, see `FeatureNetwork.dialects`."""

        def sequence(name: str) -> str:
            _, layer, part = name.split(".")
            return f"{_IN_SEQUENCE[layer]}.{part}"

        return (sequence,)

    def draw(self) -> None:
        """Do nothing: its weights are read."""


@final
class DistilledVGG19(FeatureNetwork):
    """A network sixteen times smaller that imitates the first activation of each VGG-19 block.

    It has relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, on the scale of the normalised VGG-19,
    and nothing else: its inner maps imitate no layer. Correlation with the true maps on Set5: 0.98,
    0.86 to 0.93, 0.78 to 0.85 in the first three; deeper unknown.

    Args:
        last: The deepest layer that is needed.
        substitute: Layer that this source lacks -> the one that stands in for it, such as
            {pool5: relu5_1}.

    Source:
        Wang et al., "Collaborative Distillation", CVPR 2020, https://arxiv.org/abs/2003.08436; file
        of MingSun-Tse/Collaborative-Distillation, MIT
    """

    revision: ClassVar[int] = 1
    has: ClassVar[tuple[str, ...]] = tuple(f"relu{block}_1" for block in range(1, 6))

    def __init__(
        self, *, last: str | None = None, substitute: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        self.substitute = dict(substitute or {})
        self.chain = vgg_chain(
            (2, 2, 4, 4, 1),
            Conv(3, 3, 1),
            channels=16,
            convolution=ReflectConv,
            last=last or self.has[-1],
        )
        self.branches = nn.ModuleDict(
            {
                layer: nn.Sequential(Conv(width, 4 * width, 1), nn.ReLU())
                for layer, width in zip(self.has, (16, 32, 64, 128, 128), strict=True)
                if layer in self.chain
            }
        )

    @classmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return the rule from our names to the file's, see `FeatureNetwork.dialects`."""

        def small(name: str) -> str:
            room, layer, *rest = name.split(".")
            part = rest[-1]
            if layer == "prepare":
                return f"conv0.{part}"
            place = layer[4:].replace("_", "")
            return f"conv{place}_aux.{part}" if room == "branches" else f"conv{place}.{part}"

        return (small,)

    def draw(self) -> None:
        """Do nothing: its weights are read."""
