"""Scoring: the metrics of a picture as a protocol measures it."""

import math
from collections.abc import Mapping, Sequence
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
from acutance_models.metrics import Entry, Metric, build_metrics
from acutance_models.metrics.regions import Shares, classes_of_pixels
from acutance_models.protocols import Protocol, find_protocol
from acutance_models.resize import bicubic_upscale, crop_to_multiple, matlab_resize

_Pair = tuple[NDArray[Any], NDArray[Any]]

Asked = Sequence[Entry] | Mapping[str, Metric]
"""Metrics by name; or built, which pays for a feature network once and not for each picture."""


def score(
    sr: NDArray[Any],
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Asked,
    border: int | None = None,
    grey: bool = False,
    lr: NDArray[Any] | None = None,
    shares: Shares | None = None,
) -> dict[str, float]:
    """Return the metrics of one SR picture under a protocol.

    Args:
        sr: Shape (H, W, 3), uint8, or floating point around [0, 1].
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; its degradation is not used here.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`, or built ones.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.
        lr: Shape (h, w, 3), uint8, or floating point around [0, 1]: what the SR picture was made
            from, for metrics that look at it.
        shares: Segmentation map, shape (H, W, classes), for metrics that look at a class.

    Returns:
        Metric name -> value; without the metrics of classes that the picture does not show. PSNR
        of equal pictures is `math.inf`; if the SR picture holds a value that is not finite, every
        metric is `math.nan`.

    Raises:
        PictureError: If the pictures do not fit each other or nothing is left inside the border.
        ProtocolError: If the protocol is unknown, or a metric looks at LR or a map and there is
            none.
        RegistryError: If a metric is unknown.
    """
    rules = find_protocol(protocol)
    _require_pair(sr, hr)
    built = _built(metrics)
    if not np.isfinite(sr).all():
        return dict.fromkeys(built, math.nan)
    edge, whole = _edge(rules, scale, border), _to_uint8(sr, rules)
    sr8, hr8 = _inside(whole, edge), _inside(hr, edge)
    prepared: dict[tuple[str, str], _Pair] = {("hr", "rgb"): (sr8, hr8)}
    if lr is not None:
        levels = lr if lr.dtype == np.uint8 else lr.astype(np.float64) * 255
        prepared["lr", "rgb"] = whole, levels
        if ("lr", "y") in _wanted(built):
            grey_luma = grey and rules.grey == "raw"
            prepared["lr", "y"] = _plain_luma(whole, grey_luma), _plain_luma(levels, grey_luma)
    if ("hr", "y") in _wanted(built):
        prepared["hr", "y"] = _luma(sr8, rules, grey), _luma(hr8, rules, grey)
    return _measured(built, prepared, _labels(shares, hr, edge))


def score_bicubic(
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Asked,
    border: int | None = None,
    grey: bool = False,
    shares: Shares | None = None,
) -> dict[str, float]:
    """Return the metrics of MATLAB's bicubic under a protocol, the baseline of every table.

    Args:
        hr: Shape (H, W, 3), uint8; cropped to a multiple of the scale.
        protocol: Name or protocol, whose degradation makes the LR picture.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS`.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.
        shares: Segmentation map of HR, see `score`; cropped like HR.

    Returns:
        Metric name -> value, see `score`. Under a protocol for luma-only networks, metrics on luma
        are those of bicubic on the luma plane, as in those networks' tables.
    """
    rules = find_protocol(protocol)
    hr = crop_to_multiple(hr, scale)
    built = _built(metrics)
    on_luma = {n: each for n, each in built.items() if each.colour == "y" and rules.luma_only}
    rest = {name: each for name, each in built.items() if name not in on_luma}
    common: dict[str, Any] = {"protocol": rules, "scale": scale, "border": border, "grey": grey}
    common["shares"] = None if shares is None else crop_to_multiple(shares, scale)
    scores: dict[str, float] = {}
    if rest:
        lr = degrade(hr, rules, scale)
        scores = score(bicubic_upscale(lr, scale), hr, lr=lr, metrics=rest, **common)
    if on_luma:
        plane = degrade_luma(hr, rules, scale, grey=grey)
        enlarged = bicubic_upscale(plane, scale)
        scores |= score_luma(enlarged, hr, lr=plane, metrics=on_luma, **common)
    return {name: scores[name] for name in built if name in scores}


def score_luma(
    sr: NDArray[Any],
    hr: NDArray[np.uint8],
    *,
    protocol: str | Protocol,
    scale: int,
    metrics: Asked,
    border: int | None = None,
    grey: bool = False,
    lr: NDArray[Any] | None = None,
    shares: Shares | None = None,
) -> dict[str, float]:
    """Return the metrics on luma of an enlarged luma plane, as papers of such networks measure.

    Args:
        sr: Shape (H, W), luma over 255, not rounded.
        hr: Shape (H, W, 3), uint8.
        protocol: Name or protocol; says how HR's luma is rounded.
        scale: SR pixels per LR pixel.
        metrics: Names in `METRICS` that look at luma, or built ones.
        border: HR pixels ignored at each edge, instead of the protocol's.
        grey: Whether the HR file holds one channel; the protocol says what its luma is.
        lr: Shape (h, w), luma over 255: what the SR plane was made from.
        shares: Segmentation map, see `score`.

    Raises:
        ProtocolError: If a metric looks at colours, or at LR or a map and there is none.
    """
    rules = find_protocol(protocol)
    edge, luma = _edge(rules, scale, border), _luma(hr, rules, grey)
    built = _built(metrics)
    if not np.isfinite(sr).all():
        return dict.fromkeys(built, math.nan)
    made = round_to_uint8(255 * np.asarray(sr, dtype=np.float64))
    for name, metric in built.items():
        if metric.colour != "y":
            raise ProtocolError(f"{name} looks at colours, and there is only a luma plane.")
    prepared = {("hr", "y"): (_inside(made, edge), _inside(luma, edge))}
    if lr is not None:
        prepared["lr", "y"] = made, 255 * np.asarray(lr, dtype=np.float64)
    return _measured(built, prepared, _labels(shares, hr, edge))


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


def _built(metrics: Asked) -> Mapping[str, Metric]:
    return metrics if isinstance(metrics, Mapping) else build_metrics(metrics)


def _wanted(built: Mapping[str, Metric]) -> set[tuple[str, str]]:
    return {(metric.beside, metric.colour) for metric in built.values()}


def _labels(shares: Shares | None, hr: NDArray[Any], edge: int) -> NDArray[np.intp] | None:
    """Return the class of each pixel inside the border."""
    return None if shares is None else _inside(classes_of_pixels(shares, hr.shape[:2]), edge)


def _measured(
    built: Mapping[str, Metric],
    prepared: Mapping[tuple[str, str], _Pair],
    labels: NDArray[np.intp] | None,
) -> dict[str, float]:
    """Return each metric of the pair of pictures, or of their pixels, that it looks at."""
    found: dict[str, float] = {}
    for name, metric in built.items():
        if (metric.beside, metric.colour) not in prepared:
            raise ProtocolError(f"{name} looks at the LR picture, and there is none.")
        sr, hr = prepared[metric.beside, metric.colour]
        if metric.label is not None:
            if labels is None:
                raise ProtocolError(f"{name} looks at a segmentation map, and there is none.")
            there = labels == metric.label
            if not there.any():
                continue
            sr, hr = sr[there], hr[there]
        found[name] = metric(sr, hr)
    return found


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


def _plain_luma(picture: NDArray[Any], raw_grey: bool) -> NDArray[np.float64]:
    return rgb_to_grey(picture) if raw_grey else rgb_to_y(picture)


def _luma(picture: NDArray[np.uint8], rules: Protocol, grey: bool) -> NDArray[Any]:
    y = _plain_luma(picture, grey and rules.grey == "raw")
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
