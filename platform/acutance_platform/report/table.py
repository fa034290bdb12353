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


def rich_table(data: ReportData, *, title: str | None = None, width: int | None = None) -> Table:
    """The trials of a sweep, best first and marked with a star.

    Args:
        data: the sweep.
        title: above the table.
        width: columns of the terminal; the least telling columns are left out until it fits.
    """
    content = trial_table(data)
    longest = _longest(content)
    kept = _fitting(content, longest, width)
    room = _room(content, longest, kept, width)
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
            # Only searched values are cut off where the terminal is too narrow for all.
            min_width=None if column.searched else longest[index],
            max_width=room if column.searched else None,
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


def _fitting(content: TrialTable, longest: list[int], width: int | None) -> list[int]:
    kept = list(range(len(content.columns)))
    leave_out = [index for name in _LESSER for index in kept if content.columns[index].hint == name]
    while width is not None and leave_out and sum(longest[i] + 2 for i in kept) > width:
        kept.remove(leave_out.pop(0))
    return kept


def _room(
    content: TrialTable, longest: list[int], kept: list[int], width: int | None
) -> int | None:
    """Return the most characters of a searched column with which all columns fit."""
    if width is None:
        return None
    searched = [longest[i] for i in kept if content.columns[i].searched]
    left = width - sum(longest[i] + 2 for i in kept if not content.columns[i].searched)
    fits = (
        n
        for n in range(max(searched, default=1), 1, -1)
        if sum(min(n, own) + 2 for own in searched) <= left
    )
    return next(fits, 1)
