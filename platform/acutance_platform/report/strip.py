"""Picture strips: the same detail as LR, bicubic, SR and HR, side by side."""

import io
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

_GAP: Final = 8  # pixels between panels and around them
_TEXT: Final = 16  # height of the letters
_PAPER: Final = (255, 255, 255)
_INK: Final = (28, 36, 48)
_LUMA: Final = np.array([65.481, 128.553, 24.966]) / 255  # BT.601, of 8-bit R, G, B


def picture_strip(
    *,
    lr: Picture,
    bicubic: Picture,
    sr: Picture,
    hr: Picture,
    scores: Mapping[str, float] | None = None,
    crop: int = 96,
    panel: int = 288,
) -> bytes:
    """Draw LR (nearest) | bicubic | SR | HR of the crop with most detail, as PNG.

    Args:
        lr: (h, w, 3).
        bicubic: (H, W, 3), as ``sr`` and ``hr``; H and W are multiples of h and w.
        sr: the model's output.
        hr: the ground truth.
        scores: PSNR in dB of the whole picture, under ``bicubic`` and ``sr``.
        crop: side of the crop in HR pixels; smaller where the picture is.
        panel: least side of a drawn panel in pixels; crops are enlarged by a whole factor.

    Raises:
        ValueError: the shapes do not fit together.
    """
    scale = _scale(lr, hr, bicubic, sr)
    size = min(crop, *hr.shape[:2]) // scale * scale
    top, left = busiest_crop(hr, size, step=scale)
    zoom = max(1, -(-panel // size))
    low = lr[top // scale :, left // scale :][: size // scale, : size // scale]
    panels = [_enlarge(low, zoom * scale)]
    panels += [_enlarge(p[top : top + size, left : left + size], zoom) for p in (bicubic, sr, hr)]
    return _compose(panels, _labels(scores or {}, scale))


def busiest_crop(picture: Picture, size: int, *, step: int = 1) -> tuple[int, int]:
    """Top and left of the square with the most detail: the greatest sum of luma differences.

    Args:
        picture: (H, W, 3), both sides at least ``size``.
        size: side in pixels.
        step: corners lie on multiples of this. The first of equals is taken.
    """
    luma = picture.astype(np.float64) @ _LUMA
    detail = np.zeros_like(luma)
    detail[:, 1:] += np.abs(np.diff(luma, axis=1))
    detail[1:, :] += np.abs(np.diff(luma, axis=0))
    sums = np.pad(detail, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    candidates = np.round(inside[::step, ::step], 6)
    row, column = np.unravel_index(int(candidates.argmax()), candidates.shape)
    return int(row) * step, int(column) * step


def _scale(lr: Picture, hr: Picture, *others: Picture) -> int:
    height, width = hr.shape[:2]
    scale = int(height // lr.shape[0])
    fits = lr.shape[0] * scale == height and lr.shape[1] * scale == width
    if scale < 1 or not fits or any(other.shape != hr.shape for other in others):
        shapes = [picture.shape for picture in (lr, *others, hr)]
        raise ValueError(
            f"A strip needs bicubic, SR and HR of one shape, a whole multiple of LR's; "
            f"got LR, bicubic, SR, HR = {shapes}."
        )
    return scale


def _labels(scores: Mapping[str, float], scale: int) -> list[tuple[str, str]]:
    value = {name: f"{psnr:.2f} dB" for name, psnr in scores.items()}
    return [
        (f"LR x{scale}, nearest", ""),
        ("bicubic", value.get("bicubic", "")),
        ("SR", value.get("sr", "")),
        ("HR", ""),
    ]


def _enlarge(picture: Picture, factor: int) -> Picture:
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _compose(panels: list[Picture], labels: list[tuple[str, str]]) -> bytes:
    side = panels[-1].shape[0]
    head = _TEXT + 2 * _GAP
    width = len(panels) * (side + _GAP) + _GAP
    paper = Image.new("RGB", (width, head + side + _GAP), _PAPER)
    draw = ImageDraw.Draw(paper)
    font = ImageFont.load_default(_TEXT)
    for index, (panel, (name, value)) in enumerate(zip(panels, labels, strict=True)):
        left = _GAP + index * (side + _GAP)
        paper.paste(Image.fromarray(np.ascontiguousarray(panel)), (left, head))
        draw.text((left, head / 2), name, fill=_INK, font=font, anchor="lm")
        draw.text((left + side, head / 2), value, fill=_INK, font=font, anchor="rm")
    buffer = io.BytesIO()
    paper.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
