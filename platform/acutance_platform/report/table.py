"""The table of trials for the terminal."""

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from acutance_platform.report.data import ReportData
from acutance_platform.report.rows import Column, TrialTable, trial_table

_STYLES: Final = {
    "COMPLETE": "green",
    "RUNNING": "cyan",
    "PAUSED": "yellow",
    "WAITING": "yellow",
    "STOPPED": "bright_black",
    "FAILED": "red",
}
_LESSER: Final = ("parameters", "ssim_rgb", "ssim_y", "psnr_rgb", "macs_per_pixel")
"""Columns that a narrow terminal does without, the first first."""

_SHORTEST: Final = 8  # characters of a searched value that still say something
_BETWEEN: Final = 2  # blanks between columns


def rich_table(data: ReportData, *, title: str | None = None, width: int | None = None) -> Table:
    """The trials of a sweep, best first and marked with a star.

    Args:
        data: the sweep.
        title: above the table.
        width: columns of the terminal; the least telling columns are left out until it fits.
    """
    content = trial_table(data)
    longest = _longest(content)
    kept, cut = _fitting(content, longest, width)
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for index in kept:
        column = content.columns[index]
        table.add_column(
            Text(_heading(column)),
            justify="right" if column.numeric else "left",
            no_wrap=True,
            min_width=None if column.searched else longest[index],
            max_width=cut if column.searched else None,
        )
    for row in content.rows:
        texts = [Text(row.cells[index].text) for index in kept]
        if row.best:
            texts[0].append(" *")
        texts[1].stylize(_STYLES.get(row.state, ""))
        table.add_row(*texts, style="bold" if row.best else None)
    return table


def _heading(column: Column) -> str:
    return column.title.partition(" [")[0]  # the unit is for pages that have room


def _longest(content: TrialTable) -> list[int]:
    """Characters of the longest text of each column."""
    lengths = [len(_heading(column)) for column in content.columns]
    for row in content.rows:
        lengths = [
            max(length, len(cell.text)) for length, cell in zip(lengths, row.cells, strict=True)
        ]
    lengths[0] += 2  # the star
    return lengths


def _fitting(
    content: TrialTable, longest: list[int], width: int | None
) -> tuple[list[int], int | None]:
    """Return which columns a terminal has room for, and where searched values are cut off.

    Only searched values are cut off, and where they are too many, the last ones are left out: rich
    itself would take as much from every column, until trials and metrics are gone.
    """
    kept = list(range(len(content.columns)))
    if width is None:
        return kept, None
    searched = [index for index in kept if content.columns[index].searched]

    def needed(cut: int) -> int:
        widths = (min(longest[i], cut) if i in searched else longest[i] for i in kept)
        return sum(each + _BETWEEN for each in widths) - 1  # nothing stands right of the last one

    lesser = [index for name in _LESSER for index in kept if content.columns[index].hint == name]
    widest = max(longest)
    while lesser and needed(widest) > width:
        kept.remove(lesser.pop(0))
    while searched and needed(_SHORTEST) > width:
        kept.remove(searched.pop())
    cut = next((c for c in range(widest, _SHORTEST, -1) if needed(c) <= width), _SHORTEST)
    return kept, cut
