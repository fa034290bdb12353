"""VGG itself: from a published file, or with random weights."""

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, final

from pydantic import Field
from torch import nn

from acutance_models.features.interface import FeatureNetwork
from acutance_models.features.layout import (
    VGG16_BLOCKS,
    VGG19_BLOCKS,
    Pooling,
    Prepare,
    Preprocessing,
    layer_names,
    vgg_chain,
)
from acutance_models.generators.layers import Conv
from acutance_models.init import fill_network

_CHANNELS = 64  # of the first block

Substitute = dict[str, str]


@final
class VGG19(FeatureNetwork):
    """VGG-19 from a file: torchvision's of ImageNet, or any other with these layers.

    Args:
        last: The deepest layer that is needed.
        file: Which file its weights are read from; null = torchvision's `vgg19` (ImageNet).
        preprocessing: What the weights were trained on: `imagenet` (torchvision), `caffe` (the
            original ones, as EnhanceNet and SRFeat use them) or `none`.
        pooling: Whether an odd side's last row is dropped (`floor`) or kept (`ceil`, as SRFeat).
        clip: Clip pictures to [0, 1] first, as SRFeat does.
        substitute: Layer that this source lacks -> the one that stands in for it.

    Source:
        Simonyan and Zisserman, ICLR 2015, https://arxiv.org/abs/1409.1556
    """

    revision: ClassVar[int] = 1
    has: ClassVar[tuple[str, ...]] = layer_names(VGG19_BLOCKS)

    def __init__(
        self,
        *,
        last: str | None = None,
        file: str | None = None,
        preprocessing: Preprocessing = "imagenet",
        pooling: Pooling = "floor",
        clip: bool = False,
        substitute: Substitute | None = None,
    ) -> None:
        super().__init__()
        self.file, self.substitute = file, dict(substitute or {})
        prepare = Prepare(preprocessing, clip)
        self.chain = vgg_chain(
            VGG19_BLOCKS,
            prepare,
            channels=_CHANNELS,
            convolution=Conv,
            pooling=pooling,
            last=last,
        )
        self.branches = nn.ModuleDict()

    @classmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return the rules from our names to a file's, see `FeatureNetwork.dialects`."""
        return _vgg_dialects(cls.has)

    def draw(self) -> None:
        """Do nothing: its weights are read."""


@final
class VGG16(FeatureNetwork):
    """VGG-16 from a file: torchvision's of ImageNet, or any other with these layers.

    ESRGAN's network for materials (MINC) is one: `{kind: vgg16, file: FILE, preprocessing: none,
    pooling: ceil}` with the layer conv5_3.

    Args:
        last: The deepest layer that is needed.
        file: Which file its weights are read from; null = torchvision's `vgg16` (ImageNet).
        preprocessing: What the weights were trained on: `imagenet`, `caffe` or `none`.
        pooling: Whether an odd side's last row is dropped (`floor`) or kept (`ceil`).
        clip: Clip pictures to [0, 1] first.
        substitute: Layer that this source lacks -> the one that stands in for it.

    Source:
        Simonyan and Zisserman, ICLR 2015, https://arxiv.org/abs/1409.1556
    """

    revision: ClassVar[int] = 1
    has: ClassVar[tuple[str, ...]] = layer_names(VGG16_BLOCKS)

    def __init__(
        self,
        *,
        last: str | None = None,
        file: str | None = None,
        preprocessing: Preprocessing = "imagenet",
        pooling: Pooling = "floor",
        clip: bool = False,
        substitute: Substitute | None = None,
    ) -> None:
        super().__init__()
        self.file, self.substitute = file, dict(substitute or {})
        prepare = Prepare(preprocessing, clip)
        self.chain = vgg_chain(
            VGG16_BLOCKS,
            prepare,
            channels=_CHANNELS,
            convolution=Conv,
            pooling=pooling,
            last=last,
        )
        self.branches = nn.ModuleDict()

    @classmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return the rules from our names to a file's, see `FeatureNetwork.dialects`."""
        return _vgg_dialects(cls.has)

    def draw(self) -> None:
        """Do nothing: its weights are read."""


@final
class RandomVGG19(FeatureNetwork):
    """VGG-19 with random weights, which needs no file: use deep layers, with a pixel loss.

    Only deep layers rank pictures as wanted. Measured on Set5 as L1 before activation: at conv5_4
    a sharp, perceptually trained picture is nearer to the real one than bicubic is; at conv2_2
    they are alike; at conv1_2 blur wins, as with a pixel loss. Not for Gram terms with EnhanceNet's
    weights, which presume features of mean one.

    Args:
        last: The deepest layer that is needed.
        seed: Key of the weights, apart from the recipe's, so that all trials see with one eye.
        channels: Of the first block (VGG-19: 64). Fewer make it cheap, work falls with the square;
            how narrow networks rank pictures was not measured.
        pooling: Whether an odd side's last row is dropped (`floor`) or kept (`ceil`).
        substitute: Layer that this source lacks -> the one that stands in for it.

    Source:
        Liu et al., "Generic Perceptual Loss", CVPR 2021, https://arxiv.org/abs/2103.10571 (the
        idea; initialisation by He et al., ICCV 2015, zero bias)
    """

    revision: ClassVar[int] = 1
    has: ClassVar[tuple[str, ...]] = layer_names(VGG19_BLOCKS)

    def __init__(
        self,
        *,
        last: str | None = None,
        seed: Annotated[int, Field(ge=0)] = 0,
        channels: Annotated[int, Field(ge=1, le=256)] = _CHANNELS,
        pooling: Pooling = "floor",
        substitute: Substitute | None = None,
    ) -> None:
        super().__init__()
        self.seed, self.substitute = seed, dict(substitute or {})
        prepare = Prepare("imagenet", clip=False)
        self.chain = vgg_chain(
            VGG19_BLOCKS, prepare, channels=channels, convolution=Conv, pooling=pooling, last=last
        )
        self.branches = nn.ModuleDict()

    @classmethod
    def dialects(cls) -> Sequence[Callable[[str], str]]:
        """Return nothing: there is no file."""
        return ()

    def draw(self) -> None:
        """Draw every layer from its own stream."""
        fill_network(self.chain, self.seed, "feature/random", lambda place: ("kaiming", 1.0))


def _vgg_dialects(layers: tuple[str, ...]) -> Sequence[Callable[[str], str]]:
    """Return the ways in which files name VGG's layers."""

    def torchvision(name: str) -> str:
        return f"features.{sequence(name)}"

    def sequence(name: str) -> str:
        _, layer, part = name.split(".")
        return f"{layers.index(layer)}.{part}"

    def layered(name: str) -> str:
        return name.removeprefix("chain.")

    def minc(name: str) -> str:
        return layered(name).replace("_", "")

    return torchvision, sequence, layered, minc
