"""`logs`: what a sweep or one of its trials said, from its journal, and what it says next."""

import time
from collections.abc import Callable, Iterator

from acutance_platform.search.fold import Record, Sweep
from acutance_platform.search.journals import sweep_journal
from acutance_platform.verbs.home import Home, open_home
from acutance_platform.verbs.journals import Told, open_sweep, seen_from
from acutance_platform.verbs.steering import split, trial_of

_LOOK_AGAIN = 1.0  # seconds
_ALIVE = 15.0
"""Seconds of silence after which a follower asks whether the driver still lives."""


def logs(
    address: str,
    *,
    follow: bool = False,
    home: Home | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Record]:
    """Return the journal's records about a sweep or a trial, in order.

    Args:
        address: SWEEP or SWEEP/TRIAL.
        follow: Go on until the sweep or the trial ends, or no driver runs it any more.
        home: Store and local folder; None takes what the environment says.
        pause: Waits for seconds.

    Raises:
        RecipeErrors: If there is no such sweep or trial.
    """
    home = home or open_home()
    name, trial = split(address)
    journal = sweep_journal(home.store, name)
    told = open_sweep(home.store, name)
    if trial is not None:
        trial_of(told, trial)
    records = journal.read()
    return _spoken(records, trial, journal.read_new, home, pause if follow else None)


def _spoken(
    records: list[Record],
    trial: str | None,
    read_new: Callable[[], list[Record]],
    home: Home,
    pause: Callable[[float], None] | None,
) -> Iterator[Record]:
    told, silent = Told(Sweep(), []), 0.0
    while True:
        for record in records:
            told.sweep.apply(record)
            told.records.append(record)
            if trial is None or record.get("trial") == trial:
                yield record
        if pause is None or _over(told.sweep, trial):
            return
        silent = 0.0 if records else silent + _LOOK_AGAIN
        if silent >= _ALIVE:
            silent = 0.0
            if not seen_from(home, told).sweep.running:
                return
        pause(_LOOK_AGAIN)
        records = read_new()


def _over(sweep: Sweep, trial: str | None) -> bool:
    """Say whether nothing can follow before somebody starts a driver."""
    return not sweep.running or (trial is not None and sweep.trials[trial].ended is not None)
