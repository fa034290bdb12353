"""Figures of EnhanceNet, SFTGAN, SRFeat and ESRGAN at scale 4.

Their aim is looks, not PSNR; PSNR tells whether a reproduction is the same network.
"""

from acutance_models.published.figure import SETS, Figure, read_table

_ENHANCENET = {
    "ENet-E": "31.74/.8869 28.42/.7774 27.50/.7326 25.66/.7703",
    "ENet-P": "28.28/- 25.64/- 24.73/- 23.75/-",
    "ENet-EA": "28.15/- 25.94/- 25.71/- 23.56/-",
    "ENet-PA": "27.20/- 24.93/- 24.19/- 22.51/-",
    "ENet-EAT": "29.26/- 26.53/- 25.97/- 24.16/-",
}
_SPSR = "comparison table of SPSR"


def _rgb(metric: str, value: float) -> Figure:
    return Figure(
        system="ESRGAN",
        variant="ESRGAN",
        presets=("esrgan-23",),
        self_ensemble=False,
        set="Set14",
        scale=4,
        metric=metric,
        value=value,
        protocol="rcan",
        source="authors' reply in XPixelGroup/BasicSR issue 72, RRDB_ESRGAN_x4",
    )


GAN_FAMILY: tuple[Figure, ...] = (
    *read_table(
        {4: "28.56/- 25.77/- 24.93/- 23.54/-"},
        system="EnhanceNet",
        variant="ENet-PAT",
        presets=["enhancenet"],
        protocol="enhancenet",
        source="the EnhanceNet paper, checked with the released weights",
    ),
    *(
        figure
        for variant, row in _ENHANCENET.items()
        for figure in read_table(
            {4: row},
            system="EnhanceNet",
            variant=variant,
            presets=["enhancenet"],
            protocol="enhancenet",
            source="the EnhanceNet paper",
            recalled=True,
        )
    ),
    *read_table(
        {4: "29.93/- 26.22/- 25.51/- 24.01/-"},
        system="SFTGAN",
        variant="SFTGAN",
        presets=["sftgan-paper"],
        protocol="rcan",
        source=_SPSR,
        recalled=True,
    ),
    *read_table(
        {4: "32.27/.8938 28.71/.7835 27.64/.7378"},
        system="SRFeat",
        variant="SRFeat_M",
        presets=["srfeat-128"],
        protocol="rcan",
        source="the SRFeat paper",
        sets=SETS[:3],
        recalled=True,
    ),
    *read_table(
        {4: "32.73/.9011 28.99/.7917 27.85/.7455 27.03/.8153 31.66/.9196"},
        system="ESRGAN",
        variant="RRDB (PSNR)",
        presets=["esrgan-23"],
        protocol="rcan",
        source="README of xinntao/ESRGAN, trained on DF2K",
        sets=(*SETS, "Manga109"),
    ),
    *read_table(
        {4: "26.2835/.6984"},
        system="ESRGAN",
        variant="ESRGAN",
        presets=["esrgan-23"],
        protocol="rcan",
        source="authors' reply in XPixelGroup/BasicSR issue 72, RRDB_ESRGAN_x4",
        sets=("Set14",),
    ),
    _rgb("psnr_rgb", 24.4956),
    _rgb("ssim_rgb", 0.6547),
    *read_table(
        {4: "30.45/- 25.32/- 24.36/-"},
        system="ESRGAN",
        variant="ESRGAN",
        presets=["esrgan-23"],
        protocol="rcan",
        source=_SPSR,
        sets=("Set5", "B100", "Urban100"),
        recalled=True,
    ),
)
