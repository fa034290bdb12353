"""Picture strips: the same detail as LR, bicubic, SR of some models and HR, side by side."""

import io
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Head = list[tuple[str, str]]
"""Lines above a panel: what stands at their left and at their right end."""

_GAP: Final = 8  # pixels between panels and around them
_TEXT: Final = 16  # height of the letters
_PAPER: Final = (255, 255, 255)
_INK: Final = (28, 36, 48)
_LUMA: Final = np.array([65.481, 128.553, 24.966]) / 255  # BT.601, of 8-bit R, G, B


def picture_strip(
    *,
    lr: Picture,
    bicubic: Picture,
    models: Mapping[str, Picture],
    hr: Picture,
    notes: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    crop: int = 96,
    panel: int = 288,
) -> bytes:
    """Draw LR (nearest) | bicubic | each model's SR | HR of the crop with most detail, as PNG.

    Args:
        lr: (h, w, 3).
        bicubic: (H, W, 3), as the models' and ``hr``; H and W are multiples of h and w.
        models: what each model made of it, under the panel's title, such as "SR".
        hr: the ground truth.
        notes: by title, "bicubic" included: (name, value) of the whole picture; the first value
            stands beside the title, every other one on a line of its own.
        crop: side of the crop in HR pixels; smaller where the picture is.
        panel: least side of a drawn panel in pixels; crops are enlarged by a whole factor.

    Raises:
        ValueError: the shapes do not fit together.
    """
    scale = _scale(lr, hr, bicubic, *models.values())
    size = min(crop, *hr.shape[:2]) // scale * scale
    top, left = busiest_crop(hr, size, step=scale)
    zoom = max(1, -(-panel // size))
    low = lr[top // scale :, left // scale :][: size // scale, : size // scale]
    whole = {"bicubic": bicubic, **models, "HR": hr}
    panels = [_enlarge(low, zoom * scale)]
    panels += [_enlarge(p[top : top + size, left : left + size], zoom) for p in whole.values()]
    heads = [_head(f"LR x{scale}, nearest", ())]
    heads += [_head(title, (notes or {}).get(title, ())) for title in whole]
    return _compose(panels, heads)


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
            f"got LR, bicubic, SR, ..., HR = {shapes}."
        )
    return scale


def _head(title: str, notes: Sequence[tuple[str, str]]) -> Head:
    """Return the lines above a panel."""
    (_, first), *rest = notes or [("", "")]
    return [(title, first), *rest]


def _enlarge(picture: Picture, factor: int) -> Picture:
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def _compose(panels: list[Picture], heads: list[Head]) -> bytes:
    side = panels[-1].shape[0]
    line = _TEXT + _GAP
    top = _GAP + max(map(len, heads)) * line
    width = len(panels) * (side + _GAP) + _GAP
    paper = Image.new("RGB", (width, top + side + _GAP), _PAPER)
    draw = ImageDraw.Draw(paper)
    font = ImageFont.load_default(_TEXT)
    for index, (panel, head) in enumerate(zip(panels, heads, strict=True)):
        left = _GAP + index * (side + _GAP)
        paper.paste(Image.fromarray(np.ascontiguousarray(panel)), (left, top))
        for row, (name, value) in enumerate(head):
            middle = _GAP / 2 + (row + 0.5) * line
            draw.text((left, middle), name, fill=_INK, font=font, anchor="lm")
            draw.text((left + side, middle), value, fill=_INK, font=font, anchor="rm")
    buffer = io.BytesIO()
    paper.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
