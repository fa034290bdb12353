"""What we change in Ray Tune while a sweep runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.tune.execution import class_cache
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


@contextmanager
def sending_no_secrets() -> Iterator[None]:
    """Keep Tune from sending the driver's AWS keys along with each trial.

    By itself (Ray 2.60) it puts them into the runtime environment of its workers, which every node
    writes to its logs as it is, and which Ray shows to whoever asks. Nodes have keys of their own.
    """
    earlier = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in earlier if not name.startswith("AWS_")}
    try:
        yield
    finally:
        class_cache.ENV_VARS_TO_PROPAGATE = earlier
