"""Keeps Tune's loop turning while a sweep has no leg to offer."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.tune.execution.tune_controller import TuneController


@contextmanager
def never_blocking() -> Iterator[None]:
    """Let Tune return at once from a searcher that offers nothing, also when no leg runs.

    By itself (Ray 2.60) it then asks the searcher alone, for ten minutes: no signal, no request and
    no neighbour is heard, and an idle worker keeps what another sweep waits for.
    """
    method = TuneController._update_trial_queue
    earlier = method.__defaults__
    method.__defaults__ = (False, 0)  # blocking, timeout
    try:
        yield
    finally:
        method.__defaults__ = earlier
