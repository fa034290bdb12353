"""Protocols: how a published number was measured, as data; `scoring` follows them.

A protocol names the degradation, what is rounded where, the border, and what luma of a grey picture
is. The same network differs by up to 0.17 dB between protocols, and by 1.32 dB on a grey picture,
so no number is written down without one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from acutance_models.errors import ProtocolError


@dataclass(frozen=True)
class Protocol:
    """How SR pictures are made from HR pictures and compared with them."""

    name: str
    degradation: tuple[Mapping[str, Any], ...]
    """The chain that makes LR from HR."""
    lr: Literal["uint8", "float"]
    """Whether the network sees LR pictures of 8 bits or not rounded at all."""
    sr_to_uint8: Literal["round", "truncate"]
    """How SR pictures become 8-bit RGB before they are compared."""
    y: Literal["float", "uint8"]
    """Whether luma of those is rounded to 8 bits."""
    border: int | None
    """HR pixels ignored at each edge; None = the scale."""
    luma_only: bool
    """Whether its published networks see luma alone; then bicubic's value is made on luma too."""
    grey: Literal["raw", "rgb"]
    """Luma of a file with one channel: `raw`, its values as they stand, 0..255, or `rgb`, through
    RGB like any other picture, 16..235, which makes PSNR 1.32 dB higher."""
    grey_source: str
    """Where the rule for grey pictures stands."""
    source: str
    metrics: tuple[str, ...] = ("psnr_rgb", "psnr_y", "ssim_rgb", "ssim_y")
    """Metrics that are shown with it unless others are asked for: rows of `METRICS`."""


_MATLAB = ({"kind": "matlab_bicubic"},)
_PIRM_BOUNDS = (11.5, 12.5, 16.0)

PROTOCOLS: dict[str, Protocol] = {
    "rcan": Protocol(
        name="rcan",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="round",
        y="float",
        border=None,
        luma_only=False,
        grey="rgb",
        grey_source="Prepare_TestData_HR_LR.m copies one channel to three",
        source="EDSR, RDN, RCAN, MSRN: Evaluate_PSNR_SSIM.m of RCAN's test code",
    ),
    "carn": Protocol(
        name="carn",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="truncate",
        y="float",
        border=None,
        luma_only=False,
        grey="rgb",
        grey_source="dataset.py converts every file to RGB",
        source="CARN: sample.py cuts SR down to bytes; its tables lie closest to this",
    ),
    "selfex": Protocol(
        name="selfex",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="round",
        y="uint8",
        border=None,
        luma_only=False,
        grey="raw",
        grey_source="compute_difference.m converts three channels only",
        source="SelfExSR's evaluation: 8-bit RGB, then rgb2ycbcr of uint8",
    ),
    "y8": Protocol(
        name="y8",
        degradation=({"kind": "matlab_bicubic_float"},),
        lr="float",
        sr_to_uint8="round",
        y="uint8",
        border=None,
        luma_only=True,
        grey="raw",
        grey_source="test_IDN.m and test_MemNet_M6R6_SR.m convert three channels only",
        source="MemNet and IDN: test_MemNet_M6R6_SR.m, test_IDN.m",
    ),
    "enhancenet": Protocol(
        name="enhancenet",
        degradation=({"kind": "pil_lanczos"},),
        lr="uint8",
        sr_to_uint8="round",
        y="float",
        border=None,
        luma_only=False,
        grey="rgb",
        grey_source="its network knows RGB alone; no script of its table is public",
        source="EnhanceNet: Pillow's ANTIALIAS in its code; its table, x4, is met to 0.015 dB",
    ),
    "pirm": Protocol(
        name="pirm",
        degradation=_MATLAB,
        lr="uint8",
        sr_to_uint8="round",
        y="uint8",
        border=4,
        luma_only=False,
        grey="rgb",
        grey_source="its pictures are all in colour",
        source="PIRM 2018, x4: evaluate_results.m, on rgb2ycbcr of uint8; RMSE from pooled MSE",
        metrics=("psnr_rgb", "psnr_y", "rmse", "ssim_rgb", "ssim_y"),
    ),
}
"""Name -> protocol. `y8` was made for networks that see luma; one that sees RGB gets the RGB
picture degraded without rounding, its SR picture is rounded to 8-bit RGB and its luma to 8 bits."""


def find_protocol(protocol: str | Protocol) -> Protocol:
    """Return a protocol by name, or the given one.

    Raises:
        ProtocolError: If there is none of that name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise ProtocolError(f"Unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[protocol]


def default_metrics(protocol: str | Protocol) -> list[str]:
    """Return the metrics that a protocol shows unless others are asked for: rows of `METRICS`."""
    return list(find_protocol(protocol).metrics)


def pirm_region(rmse: float) -> int | None:
    """Return the region of the PIRM challenge that a set's RMSE at scale 4 falls into.

    Args:
        rmse: Of protocol `pirm`, grey levels, pooled over the set.

    Returns:
        1 up to 11.5, 2 up to 12.5, 3 up to 16, else None.

    Source:
        Blau et al., "The 2018 PIRM Challenge on Perceptual Image Super-resolution", ECCVW 2018.
    """
    return next((region for region, most in enumerate(_PIRM_BOUNDS, start=1) if rmse <= most), None)
