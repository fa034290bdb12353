"""Colours of the figures on light and on dark pages.

Hues from Okabe and Ito, "Color Universal Design" (2008), which people with any common colour
vision can tell apart; families differ in their marker as well.
"""

from dataclasses import dataclass
from typing import Final, Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """One set of colours."""

    page: str
    ink: str
    faint: str
    baseline: str
    families: tuple[str, ...]


THEMES: Final[dict[ThemeName, Theme]] = {
    "light": Theme(
        page="#ffffff",
        ink="#1c2430",
        faint="#d4d9e0",
        baseline="#5b6673",
        families=("#0072b2", "#d55e00", "#007a5a", "#a83e78", "#8a6d00"),
    ),
    "dark": Theme(
        page="#171c23",
        ink="#e6eaf0",
        faint="#39424e",
        baseline="#a7b1bd",
        families=("#56b4e9", "#f0883e", "#2fc79a", "#e08bb7", "#f0e442"),
    ),
}
MARKERS: Final = ("o", "s", "^", "D", "v")
