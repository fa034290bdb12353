"""Protocols: how a published number was measured, as data, and the scoring that follows them.

A protocol names the degradation, what is rounded where, and the border. The same network differs by
up to 0.17 dB between protocols, so no number is written down without one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from acutance_models.color import require_picture, rgb_to_y, round_to_uint8, truncate_to_uint8
from acutance_models.degradations import Degradation
from acutance_models.errors import PictureError, ProtocolError
from acutance_models.metrics import METRICS
from acutance_models.resize import bicubic_upscale, crop_to_multiple, matlab_resize


@dataclass(frozen=True)
class Protocol:
    """How SR pictures are made from HR pictures and compared with them."""

    name: str
    degradation: tuple[Mapping[str, Any], ...]
    """The chain that makes LR from HR."""
    lr: Literal["uint8", "float"]
    """Whether the network sees LR pictures of 8 bits or not rounded at all."""
    sr_to_uint8: Literal["round", "truncate"]
    """How SR pictures become 8-bit RGB before they are compared."""
    y: Literal["float", "uint8"]
    """Whether luma of those is rounded to 8 bits."""
    border: int | None
    """HR pixels ignored at each edge; None = the scale."""
    luma_only: bool
    """Whether its published networks see luma alone; then bicubic's value is made on luma too."""
    source: str


_MATLAB = ({"kind": "matlab_bicubic"},)

PROTOCOLS: dict[str, Protocol] = {
    "rcan": Protocol(
        name="rcan",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="round",
        y="float",
        border=None,
        luma_only=False,
        source="EDSR, RDN, RCAN, MSRN: Evaluate_PSNR_SSIM.m of RCAN's test code",
    ),
    "carn": Protocol(
        name="carn",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="truncate",
        y="float",
        border=None,
        luma_only=False,
        source="CARN: sample.py cuts SR down to bytes; its tables lie closest to this",
    ),
    "selfex": Protocol(
        name="selfex",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="round",
        y="uint8",
        border=None,
        luma_only=False,
        source="SelfExSR's evaluation: 8-bit RGB, then rgb2ycbcr of uint8",
    ),
    "y8": Protocol(
        name="y8",
        degradation=({"kind": "matlab_bicubic_float"},),
        lr="float",
        sr_to_uint8="round",
        y="uint8",
        border=None,
        luma_only=True,
        source="MemNet and IDN: test_MemNet_M6R6_SR.m, test_IDN.m",
    ),
    "enhancenet": Protocol(
        name="enhancenet",
        degradation=({"kind": "pil_lanczos"},),
        lr="uint8",
        sr_to_uint8="round",
        y="float",
        border=None,
        luma_only=False,
        source="EnhanceNet: Pillow's ANTIALIAS in its code; its table, x4, is met to 0.015 dB",
    ),
}
"""Name -> protocol. `y8` was made for networks that see luma; one that sees RGB gets the RGB
picture degraded without rounding, its SR picture is rounded to 8-bit RGB and its luma to 8 bits."""


def find_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol by name, or the given one.

    Raises:
        ProtocolError: If there is none of that name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise ProtocolError(f"Unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[protocol]


def score(
    sr: NDArray[Any],
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Sequence[str],
    border: int | None = None,
) -> dict[str, float]:
    """Return the metrics of one SR picture under a protocol.

    Args:
        sr: Shape (H, W, 3), uint8, or floating point around [0, 1].
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; its degradation is not used here.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`.
        border: HR pixels ignored at each edge, instead of the protocol's.

    Returns:
        Metric name -> value. PSNR of equal pictures is `math.inf`; if the SR picture holds a
        value that is not finite, every metric is `math.nan`.

    Raises:
        PictureError: If the pictures do not fit each other or nothing is left inside the border.
        ProtocolError: If the protocol is unknown.
        RegistryError: If a metric is unknown.
    """
    rules = find_protocol(protocol)
    _require_pair(sr, hr)
    built = {name: METRICS.build({"kind": name}) for name in metrics}
    if not np.isfinite(sr).all():
        return dict.fromkeys(built, math.nan)
    edge = _edge(rules, scale, border)
    sr8, hr8 = _inside(_to_uint8(sr, rules), edge), _inside(hr, edge)
    prepared: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {"rgb": (sr8, hr8)}
    if any(metric.colour == "y" for metric in built.values()):
        prepared["y"] = _luma(sr8, rules), _luma(hr8, rules)
    return {name: metric(*prepared[metric.colour]) for name, metric in built.items()}


def score_bicubic(
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Sequence[str],
    border: int | None = None,
) -> dict[str, float]:
    """Return the metrics of MATLAB's bicubic under a protocol, the baseline of every table.

    Args:
        hr: Shape (H, W, 3), uint8; cropped to a multiple of the scale.
        protocol: Name or protocol, whose degradation makes the LR picture.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`.
        border: HR pixels ignored at each edge, instead of the protocol's.

    Returns:
        Metric name -> value. Under a protocol for luma-only networks, metrics on luma are those
        of bicubic on the luma plane, as in those networks' tables.
    """
    rules = find_protocol(protocol)
    hr = crop_to_multiple(hr, scale)
    luma_names = [name for name in metrics if METRICS.build({"kind": name}).colour == "y"]
    on_luma = luma_names if rules.luma_only else []
    rest = [name for name in metrics if name not in on_luma]
    scores: dict[str, float] = {}
    if rest:
        sr = bicubic_upscale(degrade(hr, rules, scale), scale)
        scores = score(sr, hr, protocol=rules, scale=scale, metrics=rest, border=border)
    if on_luma:
        enlarged = bicubic_upscale(degrade_luma(hr, rules, scale), scale)
        scores |= score_luma(
            enlarged, hr, protocol=rules, scale=scale, metrics=on_luma, border=border
        )
    return {name: scores[name] for name in metrics}


def score_luma(
    sr: NDArray[Any],
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Sequence[str],
    border: int | None = None,
) -> dict[str, float]:
    """Return the metrics on luma of an enlarged luma plane, as papers of such networks measure.

    Args:
        sr: Shape (H, W), luma over 255, not rounded.
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; says how HR's luma is rounded.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS` that look at luma.
        border: HR pixels ignored at each edge, instead of the protocol's.

    Raises:
        ProtocolError: If a metric looks at colours.
    """
    rules = find_protocol(protocol)
    edge, luma = _edge(rules, scale, border), _luma(hr, rules)
    made = round_to_uint8(255 * np.asarray(sr, dtype=np.float64))
    found = {}
    for name in metrics:
        metric = METRICS.build({"kind": name})
        if metric.colour != "y":
            raise ProtocolError(f"{name} looks at colours, and there is only a luma plane.")
        found[name] = metric(_inside(made, edge), _inside(luma, edge))
    return found


def degrade_luma(
    hr: NDArray[np.uint8], protocol: str | Protocol, scale: int
) -> NDArray[np.float64]:
    """Return the LR luma plane that a protocol for luma-only networks shows them.

    Args:
        hr: Shape (H, W, 3), uint8, sides multiples of the scale.
        protocol: Name or protocol; says how HR's luma is rounded.
        scale: HR pixels per LR pixel.

    Returns:
        Shape (H / scale, W / scale), luma over 255, not rounded.
    """
    luma = _luma(hr, find_protocol(protocol))
    plane: NDArray[np.float64] = matlab_resize(luma / 255, scale=1 / scale)
    return plane


def degrade(
    hr: NDArray[np.uint8], protocol: str | Protocol, scale: int
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Return the LR picture that a protocol shows to a network.

    Args:
        hr: Shape (H, W, 3), uint8, sides multiples of the scale.
        protocol: Name or protocol.
        scale: HR pixels per LR pixel.

    Returns:
        Shape (H / scale, W / scale, 3): uint8, or float32 around [0, 1] where the protocol does not
        round LR pictures.
    """
    rules = find_protocol(protocol)
    chain = Degradation(rules.degradation, scale)
    nothing_random = np.random.Generator(np.random.Philox(key=0))
    if rules.lr == "uint8":
        return chain(hr, nothing_random)
    return chain.unrounded(hr, nothing_random)


def _require_pair(sr: NDArray[Any], hr: NDArray[Any]) -> None:
    """Refuse pictures that cannot be compared."""
    require_picture(sr, "SR picture")
    require_picture(hr, "HR picture")
    if hr.dtype != np.uint8:
        raise PictureError(f"The HR picture must be uint8, got {hr.dtype}.")
    if sr.dtype != np.uint8 and not np.issubdtype(sr.dtype, np.floating):
        raise PictureError(f"The SR picture must be uint8 or floating point, got {sr.dtype}.")
    if sr.shape != hr.shape:
        raise PictureError(
            f"The SR picture is {sr.shape[0]}x{sr.shape[1]}, the HR picture "
            f"{hr.shape[0]}x{hr.shape[1]}. Crop the HR picture to a multiple of the scale."
        )


def _to_uint8(sr: NDArray[Any], rules: Protocol) -> NDArray[np.uint8]:
    if sr.dtype == np.uint8:
        return sr
    levels = sr.astype(np.float64) * 255
    return round_to_uint8(levels) if rules.sr_to_uint8 == "round" else truncate_to_uint8(levels)


def _luma(picture: NDArray[np.uint8], rules: Protocol) -> NDArray[Any]:
    y = rgb_to_y(picture)
    return y if rules.y == "float" else round_to_uint8(y)


def _edge(rules: Protocol, scale: int, border: int | None) -> int:
    if border is not None:
        return border
    return scale if rules.border is None else rules.border


def _inside(picture: NDArray[Any], edge: int) -> NDArray[Any]:
    if edge < 0 or min(picture.shape[:2]) <= 2 * edge:
        raise PictureError(
            f"Nothing of a picture of {picture.shape[0]}x{picture.shape[1]} is left inside a "
            f"border of {edge} pixels. Use a smaller border or leave the picture out."
        )
    return picture[edge : picture.shape[0] - edge, edge : picture.shape[1] - edge]
