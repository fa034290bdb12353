"""One published number, and how tables of them are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SETS = ("Set5", "Set14", "B100", "Urban100")


@dataclass(frozen=True)
class Figure:
    """One number that a source states."""

    system: str
    """The paper, as in `Preset.system`."""
    variant: str
    """What was measured, in the source's words, e.g. "RCAN+"."""
    presets: tuple[str, ...]
    """Presets that are this network, scale apart; none where only a variant of it was measured."""
    self_ensemble: bool
    """Whether eight rotated and mirrored pictures were averaged ("+" in tables)."""
    set: str
    """Benchmark set."""
    scale: int
    """SR pixels per LR pixel."""
    metric: str
    """Name in `METRICS`, e.g. "psnr_y" (dB)."""
    value: float
    """As printed."""
    protocol: str
    """Name in `PROTOCOLS`."""
    source: str
    """Where it stands."""
    recalled: bool = False
    """Written down from memory; never used as a bar."""


def read_table(
    rows: Mapping[int, str],
    *,
    system: str,
    variant: str,
    presets: Sequence[str] = (),
    protocol: str,
    source: str,
    sets: Sequence[str] = SETS,
    self_ensemble: bool = False,
    recalled: bool = False,
) -> tuple[Figure, ...]:
    """Return a table's numbers.

    Args:
        rows: Scale -> "PSNR/SSIM" of each set, separated by blanks; "-" for a missing number.
        system: As in `Figure`, like the following.
        variant: What was measured.
        presets: Presets that are this network.
        protocol: How it was measured.
        source: Where the numbers stand.
        sets: Benchmark sets in the rows' order.
        self_ensemble: Whether eight turned pictures were averaged.
        recalled: Whether the numbers are from memory.
    """
    return tuple(
        Figure(
            system=system,
            variant=variant,
            presets=tuple(presets),
            self_ensemble=self_ensemble,
            set=name,
            scale=scale,
            metric=metric,
            value=float(number),
            protocol=protocol,
            source=source,
            recalled=recalled,
        )
        for scale, row in rows.items()
        for name, pair in zip(sets, row.split(), strict=True)
        for metric, number in zip(("psnr_y", "ssim_y"), pair.split("/"), strict=True)
        if number != "-"
    )
