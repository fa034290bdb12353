"""`interpolate`: the models between two, and what each of them measures."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from acutance_models import Entry, PictureMix, load_generator, read_header
from acutance_platform.recipe import refuse
from acutance_platform.report import Between, tradeoff_png
from acutance_platform.verbs.addresses import load_model, weights_bytes
from acutance_platform.verbs.evaluation import Evaluation, evaluate
from acutance_platform.verbs.home import Home, StrPath, open_home
from acutance_platform.verbs.mixing import mixed, related
from acutance_platform.verbs.model import Model

_MOST = 101  # alphas


@dataclass(frozen=True)
class Interpolated:
    """The models between two."""

    a: str
    """MODEL at alpha 0."""
    b: str
    """MODEL at alpha 1."""
    parents: list[str]
    """SHA-256 of both models' weights."""
    related: bool
    """Whether they share a pretrain."""
    models: list[dict[str, Any]]
    """Alpha, file and SHA-256 of each model."""
    data: str | None
    """What was measured on; None where nothing was."""
    protocol: dict[str, Any] | None
    """How it was measured."""
    curve: list[dict[str, Any]]
    """By alpha: metrics of the interpolated network, and of the mix of both models' pictures."""
    figure: str | None
    """The curve as PNG."""


def interpolate(
    a: StrPath,
    b: StrPath,
    *,
    alphas: Sequence[float],
    output: StrPath,
    data: StrPath | None = None,
    metrics: Sequence[Entry] | str | None = None,
    unrelated: bool = False,
    progress: Callable[[float], object] = lambda alpha: None,
    home: Home | None = None,
    **measuring: Any,
) -> Interpolated:
    """Write the models between two, and with `data` their perception-distortion curve.

    Args:
        a: MODEL at alpha 0, as a rule the one trained for PSNR.
        b: MODEL at alpha 1, of the same network and a common pretrain.
        alphas: Rising shares of `b`, 0 to 1.
        output: Folder for `alpha-A.safetensors`, and with `data` for `curve.json` and `curve.png`.
        data: Folder of HR pictures, or NAME[@VERSION] of a dataset.
        metrics: What to measure, the figure's two first; None takes the protocol's.
        unrelated: Whether models without a common pretrain may be mixed all the same.
        progress: Called with each alpha that is done.
        home: Store and local folder; None takes what the environment says.
        measuring: Further arguments of `evaluate`: split, protocol, lr, tile, ...

    Raises:
        RecipeErrors: If a model, alpha or option cannot be used, or the two are no relatives.
        ModelsError: If a file is no weights file.
    """
    home, ends, folder = home or open_home(), (os.fspath(a), os.fspath(b)), Path(output)
    _check_alphas(alphas)
    first, second = (weights_bytes(end, home) for end in ends)
    _check_pair(ends, first, second, unrelated)
    folder.mkdir(parents=True, exist_ok=True)
    models, points, told = [], list[Between](), None
    common = {**measuring, "metrics": metrics, "home": home}
    for alpha in alphas:
        content = mixed(first, second, alpha)
        path = folder / f"alpha-{_name(alpha)}.safetensors"
        _write(path, content)
        models.append({"alpha": alpha, "file": str(path), "weights": _sha256(content)})
        if data is not None:
            told = evaluate(load_model(path, home), data, **common)
            pictures = evaluate(_picture_mix(ends, first, second, alpha), data, **common)
            points.append(Between(alpha=alpha, network=told.mean, pictures=pictures.mean))
        progress(alpha)
    found = Interpolated(
        *ends,
        parents=[_sha256(first), _sha256(second)],
        related=related(first, second),
        models=models,
        **_told(folder, points, told),
    )
    if points:
        _write(folder / "curve.json", json.dumps(vars(found), indent=2).encode())
    return found


def _name(alpha: float) -> str:
    """Return an alpha with three digits, or with all that tell it from its neighbours."""
    short = f"{alpha:.3f}"
    return short if float(short) == alpha else format(Decimal(repr(alpha)), "f")


def _told(folder: Path, points: Sequence[Between], told: Evaluation | None) -> dict[str, Any]:
    """Return what the measurements add, after drawing them."""
    return {
        "data": told.data if told is not None else None,
        "protocol": told.protocol if told is not None else None,
        "curve": [vars(point) for point in points],
        "figure": _figure(folder, points, told),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def parse_alphas(text: str) -> list[float]:
    """Return the alphas of `START:STOP:STEP`, both ends included, or of a list `A,B,C`.

    Raises:
        RecipeErrors: If it is neither, or leaves 0 to 1.
    """
    try:
        if ":" in text:
            start, stop, step = (Decimal(part) for part in text.split(":"))
            many = (stop - start) / step
            if not 0 <= many < _MOST:
                raise ValueError
            alphas = [float(start + step * number) for number in range(int(many) + 1)]
        else:
            alphas = [float(Decimal(part)) for part in text.split(",")]
    except (InvalidOperation, ValueError, ArithmeticError):
        rule = "alphas are START:STOP:STEP or a list"
        raise refuse("--alpha", text, rule, "Write 0:1:0.1 or 0.25,0.5,0.75.") from None
    _check_alphas(alphas)
    return alphas


def _check_alphas(alphas: Sequence[float]) -> None:
    rising = all(low < high for low, high in itertools.pairwise(alphas))
    if not alphas or len(alphas) > _MOST or not rising or not all(0 <= x <= 1 for x in alphas):
        text = ", ".join(f"{alpha:g}" for alpha in alphas)
        rule = f"alphas rise from 0 to 1 and are {_MOST} at most"
        raise refuse("--alpha", text, rule, "Write 0:1:0.1 or 0.25,0.5,0.75.")


def _check_pair(ends: tuple[str, str], a: bytes, b: bytes, unrelated: bool) -> None:
    first, second = read_header(a), read_header(b)
    if (first["spec"], first["scale"]) != (second["spec"], second["scale"]):
        told = [f"{each['spec'].get('kind')} x{each['scale']}" for each in (first, second)]
        same = told[0] == told[1]
        rule = f"{ends[0]} is {told[0]}, this is {'one of other arguments' if same else told[1]}"
        raise refuse("B", ends[1], rule, "Only weights of one network can be interpolated.")
    if not unrelated and not related(a, b):
        rule = f"it shares no pretrain with {ends[0]}, so what lies between is no good network"
        way_out = "Train both on from one stage, or insist with --unrelated."
        raise refuse("B", ends[1], rule, way_out)


def _picture_mix(ends: tuple[str, str], a: bytes, b: bytes, alpha: float) -> Model:
    networks = {"a": load_generator(a).eval(), "b": load_generator(b).eval()}
    return Model(f"{ends[0]} + {ends[1]}", None, PictureMix(**networks, alpha=alpha).eval())


def _figure(folder: Path, points: Sequence[Between], told: Evaluation | None) -> str | None:
    if told is None or len(told.mean) < 2:
        return None
    x, y = list(told.mean)[:2]
    _write(folder / "curve.png", tradeoff_png(points, x=x, y=y, names=("A", "B")))
    return str(folder / "curve.png")


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
