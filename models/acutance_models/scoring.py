"""Scoring: the metrics of a picture as a protocol measures it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acutance_models.color import (
    require_picture,
    rgb_to_grey,
    rgb_to_y,
    round_to_uint8,
    truncate_to_uint8,
)
from acutance_models.degradations import Degradation
from acutance_models.errors import PictureError, ProtocolError
from acutance_models.metrics import METRICS
from acutance_models.protocols import Protocol, find_protocol
from acutance_models.resize import bicubic_upscale, crop_to_multiple, matlab_resize


def score(
    sr: NDArray[Any],
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Sequence[str],
    border: int | None = None,
    grey: bool = False,
) -> dict[str, float]:
    """Return the metrics of one SR picture under a protocol.

    Args:
        sr: Shape (H, W, 3), uint8, or floating point around [0, 1].
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; its degradation is not used here.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.

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
        prepared["y"] = _luma(sr8, rules, grey), _luma(hr8, rules, grey)
    return {name: metric(*prepared[metric.colour]) for name, metric in built.items()}


def score_bicubic(
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Sequence[str],
    border: int | None = None,
    grey: bool = False,
) -> dict[str, float]:
    """Return the metrics of MATLAB's bicubic under a protocol, the baseline of every table.

    Args:
        hr: Shape (H, W, 3), uint8; cropped to a multiple of the scale.
        protocol: Name or protocol, whose degradation makes the LR picture.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.

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
        scores = score(sr, hr, protocol=rules, scale=scale, metrics=rest, border=border, grey=grey)
    if on_luma:
        enlarged = bicubic_upscale(degrade_luma(hr, rules, scale, grey=grey), scale)
        scores |= score_luma(
            enlarged,
            hr,
            protocol=rules,
            scale=scale,
            metrics=on_luma,
            border=border,
            grey=grey,
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
    grey: bool = False,
) -> dict[str, float]:
    """Return the metrics on luma of an enlarged luma plane, as papers of such networks measure.

    Args:
        sr: Shape (H, W), luma over 255, not rounded.
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; says how HR's luma is rounded.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS` that look at luma.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.

    Raises:
        ProtocolError: If a metric looks at colours.
    """
    rules = find_protocol(protocol)
    edge, luma = _edge(rules, scale, border), _luma(hr, rules, grey)
    made = round_to_uint8(255 * np.asarray(sr, dtype=np.float64))
    found = {}
    for name in metrics:
        metric = METRICS.build({"kind": name})
        if metric.colour != "y":
            raise ProtocolError(f"{name} looks at colours, and there is only a luma plane.")
        found[name] = metric(_inside(made, edge), _inside(luma, edge))
    return found


def degrade_luma(
    hr: NDArray[np.uint8], protocol: str | Protocol, scale: int, *, grey: bool = False
) -> NDArray[np.float64]:
    """Return the LR luma plane that a protocol for luma-only networks shows them.

    Args:
        hr: Shape (H, W, 3), uint8, sides multiples of the scale.
        protocol: Name or protocol; says how HR's luma is rounded.
        scale: HR pixels per LR pixel.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.

    Returns:
        Shape (H / scale, W / scale), luma over 255, not rounded.
    """
    luma = _luma(hr, find_protocol(protocol), grey)
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


def _luma(picture: NDArray[np.uint8], rules: Protocol, grey: bool) -> NDArray[Any]:
    y = rgb_to_grey(picture) if grey and rules.grey == "raw" else rgb_to_y(picture)
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
