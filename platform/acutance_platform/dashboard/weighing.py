"""How much each path matters, calculated beside the pages: it may take seconds."""

import threading
from typing import Any, Final, final

from acutance_platform.dashboard.index import Followed, Index
from acutance_platform.report.words import short_paths
from acutance_platform.search.fold import Sweep
from acutance_platform.search.trial import Trial

MOST: Final = 3_000
"""Complete trials that are weighed, the newest: what they say hardly changes with more."""
_KEPT: Final = 64


@final
class Weighing:
    """Calculates importance in one thread, one sweep at a time, and keeps what it found.

    Args:
        index: The sweeps.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: dict[str, dict[str, Any]] = {}
        self._going: set[str] = set()
        self._lock, self._turn = threading.Lock(), threading.Lock()

    def ask(self, sweep: str) -> dict[str, Any]:
        """Return what is known of a sweep, and start to calculate where that is out of date.

        `state` is `ready`; `calculating`, with what was found before if anything was; or `few`.

        Raises:
            RecipeErrors: If there is no such sweep.
        """
        from acutance_platform.search.importance import LEAST

        with self._index.sweep(sweep) as known:
            done = _complete(known.told.sweep)
            asked = f"{len(done)}:{done[-1].name if done else ''}"
            facts = {"version": known.version, "complete": len(done), "least": LEAST}
            with self._lock:
                found = self._found.get(sweep, {})
                if found.get("asked") == asked:
                    return {**facts, **found, "state": "ready"}
                if len(done) < LEAST:
                    return {**facts, "state": "few"}
                if sweep not in self._going:
                    self._going.add(sweep)
                    few = _copied(known, done[-MOST:])
                    work = threading.Thread(
                        target=self._work, args=(sweep, asked, few), daemon=True
                    )
                    work.start()
        return {**facts, **found, "state": "calculating"}

    def _work(self, name: str, asked: str, sweep: Sweep) -> None:
        from acutance_platform.search.importance import importance

        try:
            with self._turn:
                shares = importance(sweep)
            short = short_paths(shares)
            found = {
                "asked": asked,
                "trials": len(sweep.trials),
                "shares": [[path, short[path], share] for path, share in shares.items()],
            }
            with self._lock:
                self._found.pop(name, None)
                self._found[name] = found
                while len(self._found) > _KEPT:
                    del self._found[next(iter(self._found))]
        finally:
            with self._lock:
                self._going.discard(name)


def _complete(sweep: Sweep) -> list[Trial]:
    return [t for t in sweep.trials.values() if t.ended == "COMPLETE" and t.end in t.values]


def _copied(known: Followed, trials: list[Trial]) -> Sweep:
    """Return what importance reads of the trials, which nobody else changes."""
    few = Sweep(search=known.told.sweep.search)
    few.trials = {
        trial.name: Trial(
            trial.name,
            trial.ordinal,
            dict(trial.assignment),
            rungs=trial.rungs,
            values={trial.end: trial.values[trial.end]},
            ended="COMPLETE",
        )
        for trial in trials
    }
    return few
