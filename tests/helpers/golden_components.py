"""What every component computes on a fixed input, and the stored values to compare with.

Run as a program, it rewrites `tests/golden/`; see the README there.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from feature_files import feature_file
from formula_picture import formula_picture
from metric_files import lpips_files, niqe_file
from PIL import Image

from acutance_models import (
    DEGRADATIONS,
    DISCRIMINATORS,
    FEATURES,
    GENERATORS,
    LOSSES,
    METRICS,
    Degradation,
    Verdict,
    bicubic_upscale,
    build_discriminator,
    build_features,
    build_generator,
    build_metrics,
    matlab_resize,
    score,
    stream,
)

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
COMPONENTS = GOLDEN / "components.json"
SCALES = (2, 3, 4)

_SMALL_GENERATORS: dict[str, list[tuple[int, dict[str, Any]]]] = {
    "carn": [(3, {"channels": 4}), (2, {"channels": 8, "groups": 2, "share": True})],
    "dbpn": [
        (2, {"channels": 4, "first_channels": 6, "blocks": 3}),
        (4, {"channels": 3, "blocks": 2, "dense": False, "last_kernel": 1, "colour": "y"}),
    ],
    "edsr": [(3, {"channels": 4, "blocks": 2})],
    "enhancenet": [
        (4, {"channels": 4, "blocks": 2}),
        (2, {"channels": 4, "skip": "legacy_tf", "init": "glorot"}),
    ],
    "esrgan": [
        (4, {"channels": 4, "growth": 2, "blocks": 1}),
        (2, {"channels": 4, "blocks": 2, "block": "residual", "norm": "batch"}),
    ],
    "sftgan": [
        (4, {"channels": 4, "blocks": 2, "init_gain": 1.0}),
        (2, {"channels": 4, "blocks": 1, "classes": 3, "variant": "sft_net_torch"}),
    ],
    "srfeat": [
        (4, {"channels": 4, "blocks": 3, "init_gain": 10.0}),
        (3, {"channels": 4, "blocks": 2, "norm": "none", "init": "pytorch"}),
    ],
    "srgan": [
        (4, {"channels": 4, "blocks": 2}),
        (3, {"channels": 4, "blocks": 1, "norm": "none", "image_skip": "bilinear"}),
    ],
    "idn": [
        (2, {"channels": 16, "blocks": 1, "step": 4}),
        (3, {"channels": 6, "blocks": 2, "step": 2, "groups": 2, "compress": False}),
    ],
    "lapsrn": [(2, {"channels": 4, "depth": 2}), (4, {"channels": 4, "depth": 1})],
    "memnet": [
        (2, {"channels": 4, "blocks": 2, "recursions": 2}),
        (3, {"channels": 4, "blocks": 2, "recursions": 1, "gate": False, "supervision": "last"}),
    ],
    "msrn": [
        (3, {"channels": 4, "blocks": 2}),
        (4, {"channels": 4, "blocks": 1, "tail": "paper", "colour": "y", "values": 1}),
    ],
    "rcan": [
        (2, {"channels": 8, "groups": 2, "blocks": 2, "reduction": 2}),
        (3, {"channels": 4, "groups": 1, "blocks": 1, "attention": "none"}),
    ],
    "rdn": [
        (4, {"channels": 4, "blocks": 2, "layers": 2, "growth": 3}),
        (2, {"channels": 4, "blocks": 1, "layers": 2, "growth": 3, "local_fusion": False}),
    ],
    "srdensenet": [
        (4, {"channels": 8, "blocks": 2, "layers": 2, "growth": 4, "bottleneck": 8}),
    ],
    "srresnet": [
        (3, {"channels": 4, "blocks": 2}),
        (4, {"channels": 4, "blocks": 2, "image_skip": "bilinear", "init": "kaiming"}),
    ],
    "vdsr": [(2, {"channels": 4, "layers": 3})],
    "zssr": [(3, {"channels": 4, "layers": 3})],
}
_METRIC_ARGUMENTS: dict[str, dict[str, Any]] = {"psnr_y_class": {"label": 1}}
_STEP_ARGUMENTS: dict[str, dict[str, Any]] = {
    "blur_anisotropic": {"sigma_x": 2.0, "sigma_y": 0.7, "angle": 30.0},
    "blur_isotropic": {"sigma": 1.2},
    "blur_kernel": {"kernel": [[0.0, 0.1, 0.0], [0.2, 0.4, 0.2], [0.0, 0.1, 0.0]]},
    "jpeg": {"quality": 60},
    "kernel_subsample": {"kernel": [[0.0, 0.1, 0.3], [0.1, 0.5, 0.0]]},
    "noise_gaussian": {"sigma": [2.0, 9.0]},
    "noise_poisson": {"photons": 300},
}


def compute() -> dict[str, dict[str, Any]]:
    """Return "table/kind" -> revision and values, for every row of every table."""
    rows: dict[str, dict[str, Any]] = {}
    for kind in GENERATORS:
        rows[f"generator/{kind}"] = _row(GENERATORS.revision(kind), _generator(kind))
    for kind in DISCRIMINATORS:
        rows[f"discriminator/{kind}"] = _row(DISCRIMINATORS.revision(kind), _discriminator(kind))
    for kind in LOSSES:
        rows[f"loss/{kind}"] = _row(LOSSES.revision(kind), _loss(kind))
    for kind in FEATURES:
        rows[f"feature/{kind}"] = _row(FEATURES.revision(kind), _features(kind))
    for kind in METRICS:
        rows[f"metric/{kind}"] = _row(METRICS.revision(kind), _metric(kind))
    for kind in DEGRADATIONS:
        rows[f"degradation/{kind}"] = _row(DEGRADATIONS.revision(kind), _degradation(kind))
    return rows


def _row(revision: int, values: list[float]) -> dict[str, Any]:
    return {"revision": revision, "values": [float(f"{value:.9g}") for value in values]}


def _generator(kind: str) -> list[float]:
    lr = torch.from_numpy(formula_picture(9, 10)).permute(2, 0, 1)[None].double() / 255
    values: list[float] = []
    for scale, spec in _SMALL_GENERATORS[kind]:
        # Double precision, so that machines agree far below the tolerance.
        network = build_generator({"kind": kind, **spec}, scale=scale, seed=7).double()
        with torch.no_grad():
            values += _probe(network(lr[:, : network.channels])[0].numpy())
    return values


def _discriminator(kind: str) -> list[float]:
    seen = torch.from_numpy(formula_picture(35, 35)).permute(2, 0, 1)[None].double() / 255
    values: list[float] = []
    for head in ("linear", "pooled"):
        spec = {"kind": kind, "channels": 4, "head": head}
        network = build_discriminator(spec, side=35, inputs=3, name="golden", seed=7).double()
        with torch.no_grad():
            verdict = network(torch.cat([seen, seen.flip(3) ** 2]))
        for logits in (verdict.logits, verdict.classes):
            values += [] if logits is None else logits.reshape(-1).tolist()
    return values


def _loss(kind: str) -> list[float]:
    hr = torch.from_numpy(formula_picture(16, 16)).permute(2, 0, 1)[None].float() / 255
    sr = hr.flip(3)
    if kind in ("perceptual", "gram"):
        spec = {"kind": kind, "features": "random", "layers": {"relu1_1": 0.3, "pool2": 2.0}}
        own = {"patch": 8} if kind == "gram" else {"scale": 0.5, "distance": "l1"}
        maps = [{"relu1_1": each, "pool2": each[:, :2, ::2] ** 2} for each in (sr, hr)]
        return [
            float(LOSSES.build({**spec, **each})(*maps))
            for each in (own, {**own, "mean_one": "map"}, {**own, "mean_one": "pixel"})
        ]
    if kind in ("adversarial", "classification"):
        return _verdict_loss(kind, sr, hr)
    return [float(LOSSES.build({"kind": kind})(sr * factor, hr)) for factor in (1.0, 0.5)]


def _verdict_loss(kind: str, sr: torch.Tensor, hr: torch.Tensor) -> list[float]:
    fake, real = (Verdict(each[0, 0, :, :1] * 4 - 2, each[0, 0, :, :4]) for each in (sr, hr))
    labels = torch.arange(16) % 4
    specs: list[dict[str, Any]] = [{"kind": kind, "of": "other"}]
    if kind == "adversarial":
        forms = ("standard", "relativistic", "least_squares", "hinge")
        specs = [{"kind": kind, "form": form, "discriminator": {}} for form in forms]
    values: list[float] = []
    for spec in specs:
        loss: Any = LOSSES.build(spec)
        values.append(float(loss.generator_loss(real, fake, labels)))
        values.append(float(loss.discriminator_loss(real, fake, labels)))
    return values


def _features(kind: str) -> list[float]:
    picture = torch.from_numpy(formula_picture(21, 23)).permute(2, 0, 1)[None].double() / 255
    layers = ["conv4_1", "pool1"] if kind == "random" else ["relu2_1"]
    spec = {"kind": kind, "channels": 4} if kind == "random" else kind
    weights = None if kind == "random" else feature_file(kind, layers)
    network = build_features(spec, layers=layers, weights=weights).double()
    values: list[float] = []
    for maps in network(picture, layers).values():
        values += _probe(maps.numpy())
    return values


def _metric(kind: str) -> list[float]:
    hr = formula_picture(210, 300) if kind == "niqe" else formula_picture()
    files = {"niqe": niqe_file()} if kind == "niqe" else lpips_files() if kind == "lpips" else {}
    lr = matlab_resize(hr, scale=1 / 2)
    metrics = build_metrics([{"kind": kind, **_METRIC_ARGUMENTS.get(kind, {})}], files=files)
    shares = hr // 64 + 1  # three classes: where a colour is the brightest
    seen = {"lr": lr, "shares": shares, "scale": 2, "metrics": metrics}
    return [
        score(bicubic_upscale(lr, 2), hr, protocol=protocol, **seen)[kind]
        for protocol in ("rcan", "y8")
    ]


def _degradation(kind: str) -> list[float]:
    step = {"kind": kind, **_STEP_ARGUMENTS.get(kind, {})}
    resizes = getattr(DEGRADATIONS[kind], "resizes", False)
    chain = [step] if resizes else [step, {"kind": "matlab_bicubic_float"}]
    lr = Degradation(chain, scale=3).unrounded(formula_picture(), stream(7, "golden"))
    return _probe(lr)


def _probe(values: np.ndarray) -> list[float]:
    """Return mean, spread and seven single values of an array."""
    flat = values.reshape(-1)
    places = np.linspace(0, flat.size - 1, 7).astype(int)
    return [float(flat.mean()), float(flat.std()), *(float(flat[place]) for place in places)]


def write() -> None:
    """Rewrite the stored values and the resized pictures."""
    COMPONENTS.write_text(json.dumps(compute(), indent=1) + "\n")
    for scale in SCALES:
        lr = matlab_resize(formula_picture(), scale=1 / scale)
        Image.fromarray(lr).save(GOLDEN / f"formula_lr_x{scale}.png", optimize=True)


if __name__ == "__main__":
    write()
