"""NIQE: how unlike a picture's local statistics are those of pristine photographs.

Mittal, Soundararajan, Bovik, "Making a Completely Blind Image Quality Analyzer", IEEE SPL 2013; in
the arithmetic of the port whose parameters are public (see `Niqe`).
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate
from scipy.special import gamma

from acutance_models.color import rgb_to_y
from acutance_models.errors import ImportRefused, PictureError
from acutance_models.metrics.interface import Metric
from acutance_models.resize import matlab_resize

Values = NDArray[np.float64]
Plane = NDArray[np.float32]

NIQE_FILE = "niqe"
"""Name of the published parameters."""

_SIDE = 96  # of a block, in pixels
_ENOUGH = 10  # blocks, about
_FEATURES = 36
_MIRRORED = 8  # pixels around the picture while it is halved; the kernel reaches 3
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
_SHAPES = np.arange(0.2, 10.001, 0.001)
_SHAPE_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))
_PARTS = {
    "mu_pris_param": (1, _FEATURES),
    "cov_pris_param": (_FEATURES, _FEATURES),
    "gaussian_window": (7, 7),
}


@final
class Niqe(Metric):
    """NIQE: unlikeness to pristine photographs, without looking at HR; lower is better.

    On luma rounded to integers, inside the border, in whole blocks of 96x96 from the top left, at
    full and at half size. At least two blocks are needed; with fewer than about ten (a picture of
    300x400) the number is unstable.

    Args:
        file: Which parameters: null = the published ones (`niqe`), or the name of others, such as
            fitted to photographs of one's own.

    Source:
        Mittal et al. 2013; file niqe_pris_params.npz of BasicSR, Apache-2.0, whose values on
        Set5 are met to 1e-3
    """

    revision = 1
    colour = "y"
    better = "min"

    def __init__(
        self, *, file: str | None = None, files: Mapping[str, bytes] | None = None
    ) -> None:
        name = file or NIQE_FILE
        if files is None or name not in files:
            raise ImportRefused(f"niqe needs the file {name}.")
        self._mean, self._covariance, self._window = _read(files[name], name)

    @classmethod
    def needs(cls, spec: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the file of parameters."""
        return (spec["file"] or NIQE_FILE,)

    def caution(self, height: int, width: int) -> str | None:
        """Return how many blocks there are, if they are few."""
        blocks = (height // _SIDE) * (width // _SIDE)
        if blocks >= _ENOUGH:
            return None
        return f"niqe of {blocks} blocks of {_SIDE}x{_SIDE} is unstable, {_ENOUGH} settle it"

    def __call__(self, sr: NDArray[Any], hr: NDArray[Any]) -> float:
        """Return the distance, at least 0; HR is not looked at.

        Raises:
            PictureError: If SR has fewer than two blocks whose statistics can be told.
        """
        features, _ = _block_features(sr, self._window)
        whole = features[~np.isnan(features).any(axis=1)]
        if len(whole) < 2:
            raise PictureError(
                f"NIQE needs two blocks of {_SIDE}x{_SIDE} pixels that are not flat, inside the "
                f"border; this picture of {sr.shape[0]}x{sr.shape[1]} has {len(whole)}. Measure "
                "larger pictures, or leave niqe out."
            )
        away = np.nanmean(features, axis=0) - self._mean
        between = np.linalg.pinv((self._covariance + np.cov(whole, rowvar=False)) / 2)
        return float(np.sqrt(away @ between @ away))


def fit_niqe(pictures: Iterable[NDArray[np.uint8]], *, sharpness: float = 0.75) -> bytes:
    """Return NIQE parameters of pristine photographs, as a file like the published one.

    Args:
        pictures: Each (H, W, 3), uint8, at least 96x96.
        sharpness: Blocks count whose mean local deviation is above this share of the sharpest
            block's of their picture: what is out of focus is no model.

    Raises:
        PictureError: If a picture is too small, or all of them hold too few sharp blocks.

    Source:
        Mittal et al. 2013, estimatemodelparam.m
    """
    window = _gaussian_window()
    kept: list[Values] = []
    for picture in pictures:
        features, deviation = _block_features(rgb_to_y(picture), window)
        sharp = deviation > sharpness * deviation.max()
        kept.append(features[sharp & ~np.isnan(features).any(axis=1)])
    found = np.concatenate(kept) if kept else np.empty((0, _FEATURES))
    if len(found) <= _FEATURES:
        raise PictureError(
            f"A fit of NIQE needs more than {_FEATURES} sharp blocks of {_SIDE}x{_SIDE} pixels, "
            f"these {len(kept)} photographs have {len(found)}. Give more photographs."
        )
    buffer = io.BytesIO()
    np.savez(
        buffer,
        mu_pris_param=found.mean(axis=0, keepdims=True),
        cov_pris_param=np.cov(found, rowvar=False),
        gaussian_window=window,
    )
    return buffer.getvalue()


def _read(data: bytes, name: str) -> tuple[Values, Values, Values]:
    """Return mean, covariance and window of a file of parameters."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            parts = [np.asarray(file[part], dtype=np.float64) for part in _PARTS]
    except Exception as error:  # zip, header and array each have errors of their own
        raise ImportRefused(f"The file {name} holds no NIQE parameters: {error}.") from error
    for (part, shape), values in zip(_PARTS.items(), parts, strict=True):
        if values.shape != shape or not np.isfinite(values).all():
            raise ImportRefused(
                f"The file {name} holds no NIQE parameters: {part} has shape {values.shape}, or "
                f"values that are not finite; expected {shape}."
            )
    return parts[0][0], parts[1], parts[2]


def _gaussian_window() -> Values:
    line = np.exp(-np.square(np.arange(-3, 4) / (7 / 6)) / 2)
    window: Values = np.outer(line, line) / line.sum() ** 2
    return window


def _block_features(plane: NDArray[Any], window: Values) -> tuple[Values, Values]:
    """Return each block's 36 features, NaN where it is flat, and its mean local deviation."""
    rows, columns = (side // _SIDE for side in plane.shape)
    if not rows or not columns:
        raise PictureError(
            f"NIQE needs blocks of {_SIDE}x{_SIDE} pixels inside the border, and a picture of "
            f"{plane.shape[0]}x{plane.shape[1]} has none. Measure larger pictures, or leave it out."
        )
    # Float32 throughout, as in the port: in flat regions its rounding is part of the number.
    y = np.round(plane).astype(np.float32)[: rows * _SIDE, : columns * _SIDE]
    normal, deviation = _normalised(y, window)
    sizes = (_blocks(normal, _SIDE), _blocks(_normalised(_halved(y), window)[0], _SIDE // 2))
    features = np.concatenate([_statistics(blocks) for blocks in sizes], axis=1)
    return features, _blocks(deviation, _SIDE).mean(axis=(1, 2))


def _halved(plane: Plane) -> Plane:
    """Return the plane at half size, by antialiased bicubic over mirrored borders."""
    padded = np.pad(plane / np.float32(255), _MIRRORED, mode="symmetric")
    cut = _MIRRORED // 2
    halved: Plane = matlab_resize(padded, scale=0.5)[cut:-cut, cut:-cut] * np.float32(255)
    return halved


def _normalised(plane: Plane, window: Values) -> tuple[Plane, Plane]:
    """Return (I - mean) / (deviation + 1) and the deviation, both local."""
    mean = correlate(plane, window, mode="nearest")
    square = correlate(np.square(plane), window, mode="nearest")
    deviation = np.sqrt(np.abs(square - np.square(mean)))
    return (plane - mean) / (deviation + 1), deviation


def _blocks(plane: Plane, side: int) -> Plane:
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    blocks = plane.reshape(rows, side, columns, side).swapaxes(1, 2)
    return blocks.reshape(rows * columns, side, side)


def _statistics(blocks: Plane) -> Values:
    """Return 18 features of each block: of its values, and of products with its neighbours."""
    shape, left, right = _asymmetric_fit(blocks)
    columns = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _asymmetric_fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        columns += [shape, mean, left, right]
    return np.stack(columns, axis=1)


def _asymmetric_fit(blocks: Plane) -> tuple[Values, Values, Values]:
    """Return shape, left and right scale of each block's asymmetric generalised Gaussian."""
    values = blocks.reshape(len(blocks), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (
            np.sqrt(np.sum(np.square(values) * side, axis=1) / side.sum(axis=1))
            for side in (values < 0, values > 0)
        )
        skew = left / right
        ratio = np.abs(values).mean(axis=1) ** 2 / np.square(values).mean(axis=1)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    nearest = np.square(_SHAPE_RATIOS - ratio[:, None]).argmin(axis=1)
    shape = _SHAPES[nearest]
    factor = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * factor, right * factor
