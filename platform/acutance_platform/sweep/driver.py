"""Runs a sweep on Ray: one Tune trial per leg, a fresh Tuner at every start.

Nothing of Tune's own state is used again; the journal and the trainings' states are all there is.
"""

import hashlib
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout
from ray import tune

from acutance_platform.search.fold import Record
from acutance_platform.search.requests import Requests
from acutance_platform.sweep.cluster import cluster
from acutance_platform.sweep.conductor import Conductor
from acutance_platform.sweep.errors import SweepBusy
from acutance_platform.sweep.legs import Crossing, LegScheduler, LegSearcher, LegStopper
from acutance_platform.sweep.plan import SweepPlan
from acutance_platform.sweep.ports import Log
from acutance_platform.sweep.room import Share
from acutance_platform.sweep.sharing import admitted, requested
from acutance_platform.sweep.trainable import Leg
from acutance_platform.sweep.turning import never_blocking, sending_no_secrets
from acutance_platform.sweep.watch import NodeWatch
from acutance_storage import StorageError
from acutance_storage.leases import Leases

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_sweep(
    plan: SweepPlan,
    *,
    journal: Log,
    store: Any,
    local: Path,
    on_event: Callable[[Record], object] | None = None,
    slots: int | None = None,
    address: str | None = None,
) -> str:
    """Run a sweep to its end, from wherever its journal says it is.

    Args:
        plan: What to run; a journal that exists has to be of the same plan.
        journal: Of this sweep, written by nobody else.
        store: The blob store in which the trainings keep their states; workers open its address.
        local: This machine's own folder.
        on_event: Called with each record of the journal after it is durable.
        slots: Most legs at one time; None takes all that the cluster has room for.
        address: Of a Ray cluster that runs already; None starts a private one on this machine.

    Returns:
        COMPLETE; STOPPED where a budget other than the number of trials was reached; FAILED
        where not one trial completed; INTERRUPTED by SIGINT or SIGTERM, to be run again.

    Raises:
        SweepBusy: If another driver runs this sweep on this machine.
        SweepDiffers: If the journal is of another plan.
        RecipeErrors: If no node of the cluster can ever run a trial.
    """
    folder = local / "sweeps" / plan.name
    with _sole_driver(folder, plan.name):
        leases = Leases(store, plan.name)
        conductor = Conductor(
            plan,
            journal=journal,
            clock=time.time,
            on_event=on_event,
            leases=leases,
            requests=Requests(store, plan.name),
        )
        if conductor.done:
            return conductor.sweep.state
        name = f"acutance-{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:10]}"
        code = [*(plan.recipe.get("plugins") or ()), plan.training.partition(":")[0]]
        sharing = admitted(plan, conductor, limit=slots, shared=bool(address))
        with cluster(_threads(plan), name, address, code), sharing as (admission, shares):
            conductor.start(session := uuid.uuid4().hex[:12], socket.gethostname())
            key = f"bells/{plan.name}/{session}" if address else ""
            crossing = Crossing(
                conductor,
                admission=admission,
                common=shares | _common(plan, store, None if address else local, key),
                bell=folder / "stop",
                ring=partial(_ring, store, key),
                watch=NodeWatch() if address else None,
            )
            with leases.beating(), _signals(crossing):
                return _drive(crossing, folder / "tune")


def _common(plan: SweepPlan, store: Any, local: Path | None, bell_key: str) -> dict[str, Any]:
    """Return the config that all legs have."""
    return {
        "local": None if local is None else str(local),
        "training": plan.training,
        "store": store.address,
        "bell_key": bell_key,
        "machine": plan.machine,
    }


def _ring(store: Any, key: str, ringing: bool) -> None:
    """Ask legs on other machines to save and stop, or take it back; the store may be away."""
    with suppress(StorageError, OSError):
        if key and ringing:
            store.write(key, b"stop")
        elif key:
            store.delete(key)


def _drive(crossing: Crossing, folder: Path) -> str:
    """Run Tune, anew where a node fell silent, and return the sweep's state."""
    with never_blocking(), sending_no_secrets():
        _tune(crossing, folder)
        while crossing.give_up():
            _tune(crossing, folder)
    return _close(crossing)


def _tune(crossing: Crossing, folder: Path) -> None:
    """Run Tune until no leg is left, or until the crossing says that it ends."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        tune.Tuner(
            tune.with_resources(Leg, requested),
            tune_config=tune.TuneConfig(
                num_samples=-1,
                search_alg=LegSearcher(crossing),
                scheduler=LegScheduler(crossing),
                reuse_actors=True,
                trial_name_creator=lambda trial: str(trial.trial_id),
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="legs",
                storage_path=str(folder.absolute()),
                stop=LegStopper(crossing),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(
                    checkpoint_frequency=0, checkpoint_at_end=False
                ),
                verbose=0,
            ),
        ).fit()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _close(crossing: Crossing) -> str:
    """Journal how the session ended, and return the sweep's state."""
    conductor = crossing.conductor
    if crossing.fault is not None:
        raise crossing.fault
    if crossing.signal is not None:
        conductor.interrupt(crossing.signal)
    else:
        conductor.finish()
    return conductor.sweep.state


def _threads(plan: SweepPlan) -> Share:
    resources = plan.recipe.get("resources") or {}
    return Share(float(resources.get("cpu", 1)), 0.0)


@contextmanager
def _sole_driver(folder: Path, name: str) -> Iterator[None]:
    """Hold the sweep's lock; the system lets go of it when a driver dies."""
    folder.mkdir(parents=True, exist_ok=True)
    # One object per path, so that a caller who holds the lock already may come in.
    lock = FileLock(folder / "driver.lock", timeout=0, is_singleton=True)
    try:
        lock.acquire()
    except Timeout:
        raise SweepBusy(
            f"sweep {name!r} is running in another process of this machine. Follow it with "
            f"`acutance status {name}`, or end it first."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _signals(crossing: Crossing) -> Iterator[None]:
    """End the sweep on a signal: the first lets legs save, the second does not, the third raises.

    A flag that Tune's loop looks at, because an exception could strike in the middle of a write.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        crossing.interrupt(signal.Signals(number).name)

    earlier = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        crossing.close()
        for number, handler in earlier.items():
            signal.signal(number, handler)
