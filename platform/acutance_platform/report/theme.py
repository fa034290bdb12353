"""Colours of the figures on light and on dark pages.

The first five hues from Okabe and Ito, "Color Universal Design" (2008), which people with any
common colour vision can tell apart; families differ in their marker as well.
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
        families=(
            "#0072b2",
            "#d55e00",
            "#007a5a",
            "#a83e78",
            "#8a6d00",
            "#5e3c99",
            "#b3262e",
            "#3f7d00",
        ),
    ),
    "dark": Theme(
        page="#171c23",
        ink="#e6eaf0",
        faint="#39424e",
        baseline="#a7b1bd",
        families=(
            "#56b4e9",
            "#f0883e",
            "#2fc79a",
            "#e08bb7",
            "#f0e442",
            "#b3a2e0",
            "#ff8a8a",
            "#a6d96a",
        ),
    ),
}
MARKERS: Final = ("o", "s", "^", "D", "v", "<", ">", "p", "h")
"""One more than colours: two families differ in one of the two at least, up to 72 of them."""


def looks(colours: Theme, index: int) -> tuple[str, str]:
    """The colour and the marker of a family, by its place among all of a sweep."""
    return colours.families[index % len(colours.families)], MARKERS[index % len(MARKERS)]
