"""Fathers: random crops of the one picture there is, through one cubic warp each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a father; the defaults are the authors'."""

    crop: int = 128
    """Side of a father in pixels."""
    as_is: float = 0.05
    """Share of fathers that are cut out only."""
    exact: float = 0.45
    """Share that is turned by quarters and mirrored, without interpolation."""
    min_scale: float = 0.5
    """Smallest scale of the others, whose scale is drawn evenly up to the largest."""
    anisotropy: float = 0.25
    """Standard deviation of (horizontal - vertical) scale of the others."""
    shear: float = 0.1
    """Standard deviation of each of their two shears."""
    rotate: bool = True
    """Whether fathers may be turned and mirrored at all."""


def draw_father(
    pool: Sequence[Picture],
    base_scales: Sequence[float],
    *,
    max_scale: float,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> Picture:
    """Return one random father.

    Args:
        pool: Pictures of the same scene, (H, W, C), the LR picture first.
        base_scales: Scale of each, the LR picture's being 1; an anisotropic one has its smaller
            factor.
        max_scale: Largest scale of an interpolated father.
        augmentation: What may happen.
        rng: Where everything is drawn from.

    Returns:
        Shape (crop, crop, C), [0, 1]; zero where the warped picture does not reach.
    """
    chosen = rng.random()
    as_is = chosen < augmentation.as_is
    affine = chosen >= augmentation.as_is + augmentation.exact
    span = max_scale - augmentation.min_scale
    scale = 1.0 if as_is else augmentation.min_scale + rng.random() * span
    source = next(i for i, base in enumerate(base_scales) if base > scale - 1e-6)
    picture = pool[source]
    if affine:
        matrix = _affine(picture.shape, scale / base_scales[source], augmentation, rng)
    else:
        matrix = _exact(picture.shape, augmentation, rng, turned=not as_is and augmentation.rotate)
    return np.clip(warp(picture, matrix, augmentation.crop), 0.0, 1.0)


def warp(picture: Picture, matrix: NDArray[np.float64], size: int) -> Picture:
    """Return a square window of a picture after a linear transformation, by cubic interpolation.

    Keys' cubic with a = -0.75, as in OpenCV's `warpPerspective`, whose places are rounded to 1/32
    pixel while these are exact. Outside of the picture everything is zero.

    Args:
        picture: Shape (H, W, C).
        matrix: 3x3, last row (0, 0, 1): (x, y, 1) of a pixel's centre -> its place in the window;
            the first pixel's centre is (0, 0) in both.
        size: Side of the window.

    Returns:
        Shape (size, size, C), not clipped.
    """
    back = np.linalg.inv(matrix)
    to_unit = [np.array([2 / max(side - 1, 1), -1.0]) for side in picture.shape[1::-1]]
    steps = np.arange(size, dtype=np.float64)
    places = [
        (back[axis, 0] * steps[None, :] + back[axis, 1] * steps[:, None] + back[axis, 2])
        * to_unit[axis][0]
        + to_unit[axis][1]
        for axis in (0, 1)
    ]
    grid = torch.from_numpy(np.stack(places, axis=-1))[None]
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float64))
    made = F.grid_sample(
        planes[None], grid, mode="bicubic", padding_mode="zeros", align_corners=True
    )
    return np.ascontiguousarray(made[0].permute(1, 2, 0).numpy(), dtype=np.float32)


def _exact(
    shape: tuple[int, ...], augmentation: Augmentation, rng: np.random.Generator, *, turned: bool
) -> NDArray[np.float64]:
    """Return a shift by whole pixels, after a quarter turn and a mirroring where allowed."""
    mirror = rng.choice([-1.0, 1.0]) if turned else 1.0
    shift = np.round(_shift(shape, 1.0, augmentation.crop, rng))
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][rng.integers(4) if turned else 0]
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float64)
    centre = np.round(_centre(shape))
    matrix: NDArray[np.float64] = (
        _moved(centre - shift) @ turn @ np.diag([mirror, 1.0, 1.0]) @ _moved(-centre)
    )
    return matrix


def _affine(
    shape: tuple[int, ...], scale: float, augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return scale, rotation, shear and shift, in this order, around the picture's centre."""
    half = rng.standard_normal() * augmentation.anisotropy / 2
    mirror = rng.choice([-1.0, 1.0]) if augmentation.rotate else 1.0
    stretch = np.diag([mirror * (scale + half), scale - half, 1.0])
    shift = _shift(shape, scale, augmentation.crop, rng)
    angle = rng.random() * 2 * math.pi if augmentation.rotate else 0.0
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    shear = np.eye(3)
    shear[0, 1], shear[1, 0] = rng.standard_normal(2) * augmentation.shear
    centre = _centre(shape)
    matrix: NDArray[np.float64] = _moved(centre - shift) @ shear @ turn @ stretch @ _moved(-centre)
    return matrix


def _shift(
    shape: tuple[int, ...], scale: float, crop: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    room = np.array([scale * shape[1] - crop, scale * shape[0] - crop])
    drawn: NDArray[np.float64] = rng.random(2) * np.maximum(room, 0.0)
    return drawn


def _centre(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.array([shape[1] / 2, shape[0] / 2])


def _moved(by: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix
