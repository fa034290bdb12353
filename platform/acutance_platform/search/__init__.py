"""Search: spaces, samplers, schedulers, and the fold over a sweep's journal."""

from acutance_platform.search.fold import Sweep
from acutance_platform.search.journals import open_sweep, sweep_journal, sweep_names
from acutance_platform.search.schema import Budget, Search, parse_search
from acutance_platform.search.status import front_summary, summary
from acutance_platform.search.trial import Trial

__all__ = [
    "Budget",
    "Search",
    "Sweep",
    "Trial",
    "front_summary",
    "open_sweep",
    "parse_search",
    "summary",
    "sweep_journal",
    "sweep_names",
]
