"""EnhanceNet's toy example: pictures of bars, all their solutions, and how to measure networks.

A picture is a grid of cells of 2x2 pixels. Each cell holds, independently and with probability
`DENSITY`, one black bar of 1x2 pixels: along its left side or along its top, equally likely. The
mean of a cell is the same for both, so the box-reduced picture says where bars are and nothing of
how they lie: a picture of n bars has 2^n solutions, equally likely. Their mean, pixel by pixel, is
the picture with the least expected squared error.

Run as a program, it rewrites the experiment's pictures and, after the sweep, its figure:

    python tests/helpers/toy_bars.py pictures
    python tests/helpers/toy_bars.py figure SWEEP...
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import acutance
from acutance_models import Degradation

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments" / "toy-bars"
PICTURES = EXPERIMENT / "pictures"
FIGURE = ROOT / "docs" / "pictures" / "toy-bars.png"

SCALE = 2
WHITE = 254  # even, so that a cell with a bar has the mean 127 and nothing is rounded
DENSITY = 0.1
CELLS = 32  # along each side of a picture
PICTURE_COUNTS = {"train": 16, "validation": 4}
TOLERANCE = 0.25  # of white, for each pixel of a valid cell

SOLUTIONS = np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]]])
"""A cell with a bar, (solution, row, column), white = 1: the upright one and the lying one."""

Plane = NDArray[np.float64]
"""A grey picture, (H, W), black 0 and white 1."""
Upscale = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""LR picture -> SR picture, both RGB of 8 bits."""


class Validity(NamedTuple):
    """Shares of the cells of some pictures; the outermost cells do not count."""

    bars: float
    """Of the cells with a bar, those that are one of the solutions within the tolerance."""
    blank: float
    """Of the cells without, those that are white within the tolerance."""
    upright: float
    """Of the valid bars, those that stand upright; NaN where there are none."""


def draw_bars(random: np.random.Generator) -> Plane:
    """Return one picture of the generative model."""
    shape = (CELLS, CELLS)
    filled = random.random(shape) < DENSITY
    bars = SOLUTIONS[random.integers(0, len(SOLUTIONS), shape)]
    return _picture(np.where(filled[..., None, None], bars, 1.0))


def pixels(plane: Plane) -> NDArray[np.uint8]:
    """Return a plane as an RGB picture of 8 bits."""
    return np.repeat((plane * WHITE).astype(np.uint8)[..., None], 3, axis=2)


def plane(picture: NDArray[Any]) -> Plane:
    """Return an RGB picture of 8-bit levels as a plane."""
    mean: Plane = picture.astype(np.float64).mean(axis=2) / WHITE
    return mean


def mean_solution(hr: Plane) -> Plane:
    """Return the mean of all pictures that have the same LR picture as `hr`.

    Cells are independent, so it is the mean cell wherever a bar is: black, grey, grey, white.
    """
    return _picture(np.where(_filled(hr)[..., None, None], SOLUTIONS.mean(axis=0), 1.0))


def validity(sr: Plane, hr: Plane) -> Validity:
    """Return how many cells of an SR picture are right, given the real picture."""
    inner = np.zeros((hr.shape[0] // 2, hr.shape[1] // 2), dtype=bool)
    inner[1:-1, 1:-1] = True
    filled, cells = _filled(hr), _cells(sr)
    distance = np.abs(cells[..., None, :, :] - SOLUTIONS).max(axis=(-1, -2))
    valid = distance.min(axis=-1) <= TOLERANCE
    white = np.abs(cells - 1).max(axis=(-1, -2)) <= TOLERANCE
    chosen = distance.argmin(axis=-1)[inner & filled & valid]
    upright = float((chosen == 0).mean()) if chosen.size else float("nan")
    bars, blank = valid[inner & filled], white[inner & ~filled]
    return Validity(float(bars.mean()), float(blank.mean()), upright)


def write_pictures(folder: Path) -> None:
    """Write the experiment's pictures, with a bit per pixel and two colours."""
    random = np.random.default_rng(0)
    number = 0
    for split, count in PICTURE_COUNTS.items():
        (folder / split).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            image = Image.fromarray((draw_bars(random) > 0).astype(np.uint8), "P")
            image.putpalette([0, 0, 0, WHITE, WHITE, WHITE])
            image.save(folder / split / f"bars{number:02}.png", bits=1, optimize=True)
            number += 1


class Measured(NamedTuple):
    """What a network makes of the validation pictures, on 8-bit pictures without their border."""

    rms: float
    """Root mean square difference to the mean of all solutions, white = 1."""
    psnr: float
    """Mean PSNR in dB to the real pictures, white = 1."""
    validity: Validity
    """Mean over the pictures."""


def measure(upscale: Upscale) -> Measured:
    """Return what a network makes of the experiment's validation pictures."""
    made = [(plane(upscale(reduced(hr))), hr) for hr in real_pictures("validation")]
    far = [_inner(sr - mean_solution(hr)) for sr, hr in made]
    wrong = [float(np.square(_inner(sr - hr)).mean()) for sr, hr in made]
    shares = np.array([validity(sr, hr) for sr, hr in made])
    return Measured(
        rms=float(np.sqrt(np.square(far).mean())),
        psnr=float(np.mean(-10 * np.log10(wrong))),
        validity=Validity(*shares.mean(axis=0).tolist()),
    )


def real_pictures(split: str) -> list[Plane]:
    """Return the experiment's pictures of a split, as planes."""
    files = sorted((PICTURES / split).glob("*.png"))
    return [plane(np.asarray(Image.open(file).convert("RGB"))) for file in files]


def reduced(hr: Plane) -> NDArray[np.uint8]:
    """Return the LR picture, RGB of 8 bits."""
    return Degradation([{"kind": "box"}], SCALE)(pixels(hr), np.random.default_rng(0))


def other_solution(hr: Plane) -> Plane:
    """Return the solution in which each bar lies the other way."""
    lying = (np.abs(_cells(hr) - SOLUTIONS[1]).max(axis=(-1, -2)) == 0).astype(int)
    turned = SOLUTIONS[1 - lying]
    return _picture(np.where(_filled(hr)[..., None, None], turned, 1.0))


def figure(models: dict[str, tuple[Upscale, Measured]]) -> Image.Image:
    """Return LR | two solutions | their mean | MSE | adversarial, of one validation picture."""
    hr = real_pictures("validation")[0]
    lr = reduced(hr)
    panels = {
        "LR": (plane(lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1)), "what is given"),
        "a solution: HR": (hr, "what it was made of"),
        "another solution": (other_solution(hr), "has the same LR"),
        "mean of all": (mean_solution(hr), "closed form"),
    }
    for title, (upscale, found) in models.items():
        caption = f"{found.validity.bars:.0%} valid, {found.psnr:.1f} dB"
        panels[title] = plane(upscale(lr)), caption
    return _side_by_side(panels)


def _side_by_side(
    panels: dict[str, tuple[Plane, str]], *, zoom: int = 8, window: int = 24
) -> Image.Image:
    """Return a detail of pictures beside each other.

    Args:
        panels: Title -> picture at HR size, and a line under it.
        zoom: Pixels of the figure per HR pixel.
        window: Side of the detail in HR pixels.
    """
    side, gap, text = window * zoom, 12, 22
    size = (gap + len(panels) * (side + gap), side + 2 * text + 2 * gap)
    paper = Image.new("L", size, 255)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(15)
    for place, (title, (shown, caption)) in enumerate(panels.items()):
        left, top = gap + place * (side + gap), gap + text
        detail = shown[2 : 2 + window, 2 : 2 + window]
        levels = np.round(np.clip(detail, 0, 1) * 255).astype(np.uint8)
        paper.paste(
            Image.fromarray(levels).resize((side, side), Image.Resampling.NEAREST), (left, top)
        )
        pen.rectangle((left - 1, top - 1, left + side, top + side), outline=150)
        pen.text((left, gap + text / 2 - 4), title, fill=0, font=font, anchor="lm")
        pen.text((left, top + side + text / 2 + 2), caption, fill=80, font=font, anchor="lm")
    return paper


def _cells(picture: Plane) -> NDArray[np.float64]:
    """Return (rows, columns, 2, 2) of a picture."""
    rows, columns = (side // 2 for side in picture.shape)
    return picture.reshape(rows, 2, columns, 2).transpose(0, 2, 1, 3)


def _picture(cells: NDArray[np.float64]) -> Plane:
    """Return the picture of (rows, columns, 2, 2)."""
    rows, columns = cells.shape[:2]
    return cells.transpose(0, 2, 1, 3).reshape(2 * rows, 2 * columns)


def _inner(picture: Plane) -> Plane:
    """Return a picture without its outermost cells."""
    return picture[2:-2, 2:-2]


def _filled(hr: Plane) -> NDArray[np.bool_]:
    """Return which cells hold a bar, which is what an LR picture tells."""
    filled: NDArray[np.bool_] = _cells(hr).mean(axis=(-1, -2)) < 0.75
    return filled


def trials_of(sweep: str) -> dict[str, str]:
    """Return `mse` and `adversarial` -> MODEL, of the experiment's finished sweep."""
    found = {}
    for trial in acutance.status(sweep)["trials"]:
        judged = any("adversarial" in path for path in trial["recipe"])
        found["adversarial" if judged else "mse"] = f"{sweep}/{trial['trial']}"
    return dict(sorted(found.items(), reverse=True))


def main(task: str, *sweeps: str) -> None:
    """Write the experiment's pictures, or print its table and draw the first sweep's figure."""
    if task == "pictures":
        write_pictures(PICTURES)
        return
    print("sweep        loss         RMS to mean  PSNR [dB]  valid bars  blank cells  upright")
    for sweep in sweeps:
        models = {}
        for loss, model in trials_of(sweep).items():
            upscale = acutance.load(model).upscale
            found = measure(upscale)
            models[loss] = upscale, found
            shares = found.validity
            print(
                f"{sweep:12} {loss:12} {found.rms:11.4f} {found.psnr:10.2f} "
                f"{shares.bars:11.1%} {shares.blank:12.1%} {shares.upright:8.0%}"
            )
        if sweep == sweeps[0]:
            figure(models).save(FIGURE, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
