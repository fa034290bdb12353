"""A Ray cluster for one sweep: a private one on this machine, or one that runs already."""

import importlib.util
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import ray
from ray._private import worker as ray_worker
from ray.exceptions import AuthenticationError

import acutance_models
import acutance_platform
import acutance_storage
from acutance_platform.sweep.errors import SweepError
from acutance_platform.sweep.knocking import NO_TOKEN, TOKEN, require_answer
from acutance_platform.sweep.room import Share

_SECONDS_TO_END = 5.0
_SOCKET_PATH_ROOM = 40
"""Characters that a temporary folder may have: Ray adds about 60, and a Unix socket's path ends
at 107."""

_PACKAGES = (acutance_platform, acutance_models, acutance_storage)

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Legs are offered only where they fit, so all of them may start at once.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    # Tune's own snapshots grow with every leg, and nobody reads them.
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": str(10**9),
    "RAY_AIR_NEW_OUTPUT": "0",
}


@contextmanager
def cluster(
    share: Share, scratch_name: str, address: str | None = None, plugins: Collection[str] = ()
) -> Iterator[None]:
    """Hold a connection to Ray; a private cluster ends with it.

    Args:
        share: What one trial takes; sets the threads of the workers.
        scratch_name: Distinguishes this sweep's temporary folder. What a killed driver of the
            same sweep left there is removed, so no two drivers may share a name at one time.
        address: Of a cluster that runs already; None starts a private one.
        plugins: Modules that nodes are sent beside our own.

    Raises:
        SweepError: If this process is connected to Ray already, or the address does not answer.
    """
    scratch = _scratch(scratch_name)
    if address:
        with connected(address, plugins=plugins, variables=_thread_variables(share)):
            yield
        return
    with _ray_at_rest():
        _end_leftovers(scratch)
        variables = {**_thread_variables(share), "PYTHONPATH": _python_path()}
        try:
            with _token_needed():
                ray.init(
                    address="local",
                    include_dashboard=False,
                    _temp_dir=str(scratch),
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": variables},
                )
            yield
        finally:
            ray.shutdown()
            _end_leftovers(scratch)


@contextmanager
def connected(
    address: str, *, plugins: Collection[str] = (), variables: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Hold a connection to a cluster that runs already.

    Our packages and the plug-ins travel with it, by their content: nodes need what
    constraints.txt names, not our code. No secret travels: what nodes may do, their own
    environment says.

    Args:
        address: Such as `10.0.0.5:6379`, or `auto`.
        plugins: Modules that nodes are sent beside our own.
        variables: Environment of the workers.

    Raises:
        SweepError: If this process is connected to Ray already, or the address does not answer.
    """
    with _ray_at_rest(), tempfile.TemporaryDirectory(prefix="acutance-code-") as folder:
        require_answer(address)
        code: dict[str, Any] = {
            "env_vars": dict(variables or {}),
            "py_modules": shipped(Path(folder), plugins),
        }
        try:
            _join(address, code)
            yield
        finally:
            ray.shutdown()


def _join(address: str, code: dict[str, Any]) -> None:
    """Connect to a cluster; from a machine that is none of its nodes Ray cannot."""
    try:
        with _token_needed():
            ray.init(
                address=address,
                namespace="acutance",
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env=code,
            )
    except ConnectionError as error:
        raise SweepError(
            f"{address}: no Ray cluster lets this process in ({error}). Start it, mend the "
            f"address, or, if it asks for a token: {TOKEN[0].lower()}{TOKEN[1:]}"
        ) from None
    except (RuntimeError, ValueError) as error:
        raise SweepError(
            f"{address}: this machine cannot join the Ray cluster there ({error}). Start sweeps on "
            "one of its nodes, such as the head, or send them with `ray job submit`."
        ) from None


@contextmanager
def _token_needed() -> Iterator[None]:
    """Say in few words what Ray takes a page for, where it wants a token and there is none."""
    try:
        yield
    except AuthenticationError as error:
        raise SweepError(f"{NO_TOKEN} ({error.message.partition('. ')[0]}). {TOKEN}") from None


@contextmanager
def _ray_at_rest() -> Iterator[None]:
    """Set Ray's environment and quiet its logs, in a process that is not connected yet."""
    if ray.is_initialized():
        raise SweepError(
            "this process is connected to Ray already, and a sweep needs a connection of its own. "
            "Call ray.shutdown() first, or run `acutance sweep` in another process."
        )
    with _environment(_QUIET), _quiet_logs():
        yield


def _thread_variables(share: Share) -> dict[str, str]:
    """Return what the workers need beside their code.

    Idle OpenMP threads must sleep: with two trials on two busy cores the default, spinning, is
    ten times slower.
    """
    return {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(max(1, int(share.cpu)))}


def _python_path() -> str:
    """Return where workers of this machine find the packages, also in a plain checkout."""
    roots = [str(Path(path).parent) for package in _PACKAGES for path in package.__path__]
    earlier = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return os.pathsep.join(dict.fromkeys([*roots, *earlier]))


def shipped(folder: Path, plugins: Collection[str]) -> list[str]:
    """Return the folders of modules that a cluster is sent: our packages and the plug-ins.

    A plug-in of one file is copied into a package of its name below `folder`.
    """
    modules = [path for package in _PACKAGES for path in package.__path__]
    for name in plugins:
        root = name.partition(".")[0]
        spec = importlib.util.find_spec(root)
        if spec is None or spec.origin is None:
            continue  # the recipe's check has said so
        if spec.submodule_search_locations:
            modules += list(spec.submodule_search_locations)
        else:
            (folder / root).mkdir(exist_ok=True)
            shutil.copyfile(spec.origin, folder / root / "__init__.py")
            modules.append(str(folder / root))
    return list(dict.fromkeys(modules))


def _end_leftovers(scratch: Path) -> None:
    """End what a driver of this sweep left running, and remove its folder.

    Ray's processes notice the loss of their driver only after a while; until then an old worker
    would train beside the new one. They are known by their logs, which they hold open.
    """
    if not scratch.exists():
        return
    ours = (str(Path(sys.executable).resolve()), str(Path(ray.__file__).parent))
    left = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue  # Ray keeps logs of its driver open as well
        # Processes end while they are looked at, and those of other users may not be.
        with suppress(psutil.Error, OSError):
            opened = (Path(file.path) for file in process.open_files())
            if process.exe().startswith(ours) and any(scratch in path.parents for path in opened):
                process.kill()
                left.append(process)
    psutil.wait_procs(left, timeout=_SECONDS_TO_END)
    shutil.rmtree(scratch, ignore_errors=True)


def _scratch(name: str) -> Path:
    folder = Path(tempfile.gettempdir())
    if len(str(folder)) + len(name) > _SOCKET_PATH_ROOM and sys.platform != "win32":
        folder = Path("/tmp")
    return folder / name


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables that are not set, and take them away again."""
    mine = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep Ray's messages from people's terminals; what matters is journalled."""
    loggers = [logging.getLogger(name) for name in ("ray", "ray.tune", "ray.train")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    # Ray 2.60 prints the death of a worker on standard output, where one JSON document may be
    # all that is allowed, and `log_to_driver` does not keep it from that.
    printed = ray_worker._worker_logs_enabled
    ray_worker._worker_logs_enabled = False
    try:
        yield
    finally:
        ray_worker._worker_logs_enabled = printed
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
