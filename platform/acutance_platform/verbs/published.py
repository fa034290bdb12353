"""The published files that `acutance fetch` knows, as data."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Published:
    """One file that somebody else published."""

    purpose: str
    """What it is for."""
    address: str
    """Where its publisher keeps it."""
    sha256: str
    """Of its bytes, in hex."""
    vouched: str
    """Where the hash comes from."""
    size: int
    """Bytes."""
    licence: str
    """Under which it was published."""
    features: str | None = None
    """Kind of the feature network whose weights it holds; None = it is no feature network."""


_RAW = "https://raw.githubusercontent.com"
_TORCH = "https://download.pytorch.org/models"
_MEASURED = "measured on the publisher's file"
_NAMED = "its first 8 digits stand in the publisher's file name, the whole was measured by others"

PUBLISHED: Mapping[str, Published] = {
    "vgg19": Published(
        purpose="perceptual and texture losses (torchvision's VGG-19, ImageNet)",
        address=f"{_TORCH}/vgg19-dcbb9e9d.pth",
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        vouched=_NAMED,
        size=574_673_361,
        licence="BSD-3-Clause",
        features="vgg19",
    ),
    "vgg16": Published(
        purpose="perceptual losses and the backbone of LPIPS (torchvision's VGG-16, ImageNet)",
        address=f"{_TORCH}/vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        vouched=_NAMED,
        size=553_433_881,
        licence="BSD-3-Clause",
        features="vgg16",
    ),
    "vgg19-normalised": Published(
        purpose="texture losses with EnhanceNet's weights (VGG-19 of mean one, up to conv3_1)",
        address=f"{_RAW}/pietrocarbo/deep-transfer/30b40b175d0d4afa19789fd57b5439aed125c1a5/models/"
        "autoencoder_vgg19/vgg19_3/vgg_normalised_conv3_1.pth",
        sha256="ff8506173d3a17e7b0fbfbff242c00b6827cfbcd7c21852b46806ae6a3fd7b09",
        vouched=_MEASURED,
        size=2_223_308,
        licence="Apache-2.0",
        features="vgg19-normalised",
    ),
    "vgg19-distilled": Published(
        purpose="deep features from 4 MB (a network that imitates the normalised VGG-19)",
        address=f"{_RAW}/MingSun-Tse/Collaborative-Distillation/"
        "75c1b81c1dbea11c96d3fb04e96f207dee16dcbb/trained_models/wct_se_16x_new/5SE.pth",
        sha256="9417c34d0d8d621bc6af78be745f1b8d30f5f210efa01e50655c60eb3770816b",
        vouched=_MEASURED,
        size=3_862_288,
        licence="MIT",
        features="vgg19-distilled",
    ),
    "niqe": Published(
        purpose="the metric niqe (statistics of pristine photographs)",
        address=f"{_RAW}/XPixelGroup/BasicSR/master/basicsr/metrics/niqe_pris_params.npz",
        sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
        vouched=_MEASURED,
        size=11_850,
        licence="Apache-2.0",
    ),
    "lpips-vgg": Published(
        purpose="the metric lpips (weights of its layers, version 0.1); it needs vgg16 as well",
        address=f"{_RAW}/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
        sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        vouched="measured by others",
        size=7_289,
        licence="BSD-2-Clause",
    ),
}
"""Name -> file; the name is that of the feature network or metric that needs it."""
