"""Reports: the table of trials, figures, picture strips and one self-contained HTML page.

Matplotlib and Jinja2 are imported only when something is drawn.
"""

from acutance_platform.report.data import ReportData
from acutance_platform.report.figures import curves_png, scatter_png
from acutance_platform.report.front import front_png
from acutance_platform.report.html import report_html, summary
from acutance_platform.report.strip import picture_strip
from acutance_platform.report.table import rich_table
from acutance_platform.report.tradeoff import Between, tradeoff_png
from acutance_platform.report.words import label, number

__all__ = [
    "Between",
    "ReportData",
    "curves_png",
    "front_png",
    "label",
    "number",
    "picture_strip",
    "report_html",
    "rich_table",
    "scatter_png",
    "summary",
    "tradeoff_png",
]
