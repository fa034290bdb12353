"""Figures that papers and repositories state, as data: what a reproduction is held against.

One module per family of systems. A number says under which protocol it was measured; two numbers of
different protocols may differ by up to 0.17 dB for the same pictures.
"""

from acutance_models.published.figure import Figure
from acutance_models.published.gan_family import GAN_FAMILY
from acutance_models.published.loss_weights import LOSS_WEIGHTS, LossWeights
from acutance_models.published.psnr_family import PSNR_FAMILY

__all__ = ["FIGURES", "LOSS_WEIGHTS", "Figure", "LossWeights", "published_figures"]

FIGURES: tuple[Figure, ...] = (*PSNR_FAMILY, *GAN_FAMILY)


def published_figures(
    preset: str, *, scale: int | None = None, recalled: bool = False
) -> list[Figure]:
    """Return what was published for a preset.

    Args:
        preset: Name in `PRESETS`.
        scale: SR pixels per LR pixel, or None for every scale.
        recalled: Also those that were written down from memory; they are no bar for anything.
    """
    return [
        figure
        for figure in FIGURES
        if preset in figure.presets
        and scale in (None, figure.scale)
        and (recalled or not figure.recalled)
    ]
