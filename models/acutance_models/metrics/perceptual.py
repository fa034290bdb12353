"""Distances as a network sees them: feature maps, their Gram matrices, LPIPS."""

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from acutance_models.errors import FeatureError, ImportRefused
from acutance_models.features import FeatureNetwork, build_features, weights_name
from acutance_models.importing.reading import read_content
from acutance_models.losses.gram import gram_matrices
from acutance_models.losses.interface import Source
from acutance_models.losses.perceptual import Layers
from acutance_models.metrics.interface import Metric, require_same_shape

Files = Mapping[str, bytes]
Maps = dict[str, torch.Tensor]

LPIPS_FILE = "lpips-vgg"
"""Name of the published heads of LPIPS for VGG-16, version 0.1."""

_BACKBONE = "vgg16"
_TAPS = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512, "relu5_3": 512}
_LEAST = 1e-10
_KEPT = 128 * 2**20  # bytes of real pictures' maps that one metric keeps
SMALL = {"kind": "random", "channels": 8}
"""The feature network that metrics look through unless told otherwise; it needs no file."""


@final
class Seen:
    """What a metric makes of pictures; of real ones only once, as far as memory goes.

    The same validation pictures come back at every evaluation of a training. Those that come when
    the room is taken are computed each time: giving up older ones would leave none to come back to.

    Args:
        make: From a picture, shape (1, 3, H, W) in [0, 1], to its maps.
        device: Where to compute, and to keep.
        room: Bytes of maps that are kept.
    """

    def __init__(
        self, make: Callable[[torch.Tensor], Maps], device: torch.device, room: int = _KEPT
    ) -> None:
        self._make, self._device, self._room = make, device, room
        self._kept: dict[tuple[tuple[int, ...], bytes], Maps] = {}

    def both(self, sr: NDArray[Any], hr: NDArray[Any]) -> tuple[Maps, Maps]:
        """Return the maps of both pictures, one after the other: large ones need much memory.

        Args:
            sr: Shape (H, W, 3), uint8.
            hr: Of the same shape.
        """
        require_same_shape(sr, hr)
        return self._of(sr), self._of_real(hr)

    def _of_real(self, hr: NDArray[Any]) -> Maps:
        picture = np.ascontiguousarray(hr)
        key = picture.shape, hashlib.sha256(picture.data).digest()
        if key not in self._kept:
            made = self._of(picture)
            size = sum(maps.nbytes for maps in made.values())
            if size > self._room:
                return made
            self._room -= size
            self._kept[key] = made
        return self._kept[key]

    def _of(self, picture: NDArray[Any]) -> Maps:
        values = torch.from_numpy(np.array(picture)).to(self._device).float() / 255
        with torch.inference_mode():
            return self._make(values.permute(2, 0, 1)[None])


@final
class FeatureDistance(Metric):
    """The mean distance of the feature maps of SR and HR, summed over layers with their weights.

    The default needs no file: a narrow network of random weights, seen deep. Measured on Set5 at
    scale 4: HR whose places are pushed about by a pixel (sharp, but 26.3 dB) is at 0.12, noise of
    deviation 10 at 0.22, bicubic (28.4 dB) at 0.29. The sharp picture is nearer than bicubic on
    each of the five, as with six other seeds and widths of 8 to 64 channels but for one picture of
    one network. Shallow layers (conv1_2, conv2_2) rank them the other way round, as PSNR does.
    Values of different networks or layers cannot be compared.

    Args:
        features: The feature network: a source's name, or its spec.
        layers: Layer -> weight; conv3_1 is before its activation, relu3_1 after it.
        distance: Mean of the absolute (`l1`) or squared (`mse`) difference over all elements.

    Source:
        Johnson et al., ECCV 2016; random weights: Liu et al., CVPR 2021
    """

    revision = 1
    colour = "rgb"
    better = "min"

    def __init__(
        self,
        *,
        features: Source = SMALL,
        layers: Layers = {"conv5_4": 1.0},  # noqa: B006 - a schema's default, copied below
        distance: Literal["l1", "mse"] = "l1",
        files: Files | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._layers, self._distance = dict(layers), distance
        network = network_of(features, layers, files, device)
        self._made = Seen(lambda picture: network(picture, layers), _device_of(network))

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the feature network's file, if it has one."""
        return files_needed(spec)

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the distance, at least 0."""
        ours, real = self._made.both(sr, hr)
        return sum(
            weight * self._of(ours[layer] - real[layer]) for layer, weight in self._layers.items()
        )

    def _of(self, difference: torch.Tensor) -> float:
        return float((difference.abs() if self._distance == "l1" else difference.square()).mean())


@final
class GramDistance(Metric):
    """How far apart the textures of SR and HR are, wherever in the picture they stand.

    |G_sr - G_hr| / |G_hr| (Frobenius) with G = F F^T of a layer's map, summed over layers with
    their weights: 0 = the same texture, 1 = as far as no texture at all. The default needs no file,
    see `feature_distance`. Measured on Set5 at scale 4: HR whose places are pushed about by a pixel
    is at 0.04, bicubic at 0.50, noise of deviation 10 at 0.61; the first is nearest on each picture
    with all seven networks tried. Whether blur or noise is nearer depends on the network.

    Args:
        features: The feature network: a source's name, or its spec.
        layers: Layer -> weight; conv3_1 is before its activation, relu3_1 after it.
        patch: Side of patches of the map, each with a matrix of its own, that do not overlap; what
            is left at the right and at the bottom has no part. null = one matrix for the picture.

    Source:
        Gatys et al., CVPR 2016; Sajjadi et al., ICCV 2017 (patches)
    """

    revision = 1
    colour = "rgb"
    better = "min"

    def __init__(
        self,
        *,
        features: Source = SMALL,
        layers: Layers = {"relu3_4": 1.0},  # noqa: B006 - a schema's default, copied below
        patch: Annotated[int, Field(ge=1)] | None = None,
        files: Files | None = None,
        device: torch.device | None = None,
    ) -> None:
        self._layers = dict(layers)
        network = network_of(features, layers, files, device)

        def matrices(picture: torch.Tensor) -> Maps:
            found = network(picture, layers)
            return {name: gram_matrices(each.double(), patch) for name, each in found.items()}

        self._made = Seen(matrices, _device_of(network))

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the feature network's file, if it has one."""
        return files_needed(spec)

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the distance, at least 0; `inf` where HR has no texture at all and SR has."""
        ours, real = self._made.both(sr, hr)
        return sum(
            weight * self._of(ours[layer], real[layer]) for layer, weight in self._layers.items()
        )

    def _of(self, ours: torch.Tensor, real: torch.Tensor) -> float:
        away, length = float((ours - real).norm()), float(real.norm())
        if not length:
            return math.inf if away else 0.0
        return away / length


@final
class Lpips(Metric):
    """LPIPS, version 0.1 with VGG-16: a distance weighted so as to agree with human judgement.

    At five layers (relu1_2 to relu5_3) features are divided by their length over the channels; the
    squared differences are weighted by the published heads, averaged over places, and summed.

    Source:
        Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
        CVPR 2018, https://arxiv.org/abs/1801.03924; heads BSD-2-Clause
    """

    revision = 1
    colour = "rgb"
    better = "min"

    def __init__(self, *, files: Files | None = None, device: torch.device | None = None) -> None:
        if files is None or LPIPS_FILE not in files:
            raise FeatureError(f"lpips needs the file {LPIPS_FILE}.")
        self._heads = {
            layer: head.to(device) for layer, head in _read_heads(files[LPIPS_FILE]).items()
        }
        network = network_of(_BACKBONE, _TAPS, files, device)

        def directions(picture: torch.Tensor) -> Maps:
            return {name: _of_length_one(each) for name, each in network(picture, _TAPS).items()}

        self._made = Seen(directions, _device_of(network))

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return backbone and heads."""
        return (_BACKBONE, LPIPS_FILE)

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the distance, at least 0."""
        ours, real = self._made.both(sr, hr)
        total = 0.0
        with torch.inference_mode():
            for layer, head in self._heads.items():
                away = (ours[layer] - real[layer]).square()
                total += float((away * head).sum(dim=1).mean())
        return total


def files_needed(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the file that a metric's feature network reads, if it reads one."""
    name = weights_name(spec["features"])
    return () if name is None else (name,)


def network_of(
    source: Source, layers: Collection[str], files: Files | None, device: torch.device | None
) -> FeatureNetwork:
    """Return a metric's feature network, as deep as its layers need.

    Raises:
        RegistryError, FeatureError, ImportRefused: See `build_features`.
    """
    name = weights_name(source)
    weights = (files or {}).get(name) if name is not None else None
    return build_features(source, layers=layers, weights=weights).to(device or "cpu")


def _device_of(network: FeatureNetwork) -> torch.device:
    return next(network.parameters()).device


def _of_length_one(maps: torch.Tensor) -> torch.Tensor:
    return maps / (maps.square().sum(dim=1, keepdim=True).sqrt() + _LEAST)


def _read_heads(data: bytes) -> dict[str, torch.Tensor]:
    """Return layer -> weight of each channel, shape (1, channels, 1, 1)."""
    found = read_content(data).tensors
    heads = {layer: f"lin{place}.model.1.weight" for place, layer in enumerate(_TAPS)}
    wrong = [
        name
        for layer, name in heads.items()
        if name not in found
        or found[name].shape != (1, _TAPS[layer], 1, 1)
        or not bool(torch.isfinite(found[name]).all())
    ]
    wrong += sorted(set(found) - set(heads.values()))
    if wrong:
        raise ImportRefused(
            f"This file holds no heads of LPIPS for VGG-16: {', '.join(wrong)}.", wrong
        )
    return {layer: found[name].float() for layer, name in heads.items()}
