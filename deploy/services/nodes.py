"""Ray's nodes: a head that runs no trials, and workers that are started again when they die."""

import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import FrameType

import psutil
from background import Background
from place import Place, Trouble
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # compiled

HEAD = "head"
_RAY = Path(sys.executable).with_name("ray")
_OBJECT_STORE = 100_000_000  # bytes; trials hand on addresses and numbers, never pictures
_SECONDS_TO_ANSWER = 120.0
_SECONDS_BETWEEN_STARTS = 1.0

FAST_CHECKS = {
    # A silent host is given up after 62 s by default, with these after 6 s.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}


def start(place: Place, background: Background) -> None:
    """Start the nodes that do not run, and wait until the head knows all of them.

    Raises:
        Trouble: If one does not come up.
    """
    place.scratch.mkdir(mode=0o700, exist_ok=True)
    if place.scratch.stat().st_uid != psutil.Process().uids().effective:
        raise Trouble(f"{place.scratch} belongs to somebody else; set TMPDIR to a folder of yours")
    if not background.alive(HEAD):
        for name in place.nodes:  # those of an earlier head would never find this one
            background.stop(name)
        shutil.rmtree(place.scratch / HEAD, ignore_errors=True)
        command = [*_common(place, HEAD, place.head_host), *_head(place)]
        may = partial(place.require_free, "ray")
        background.start(HEAD, command, _head_env(place), may=may)
        _wait_for_head(place, background)
    for name, host in place.nodes.items():
        place.local(name).mkdir(mode=0o700, parents=True, exist_ok=True)
        once = [*_common(place, name, host), "--num-cpus", "1", "--address", place.address]
        command = [*place.entrance(name), sys.executable, __file__, *once]
        background.start(name, command, {**_env(place), **place.own(name)})
    _wait_for_nodes(place, background)


def _common(place: Place, name: str, host: str) -> list[str]:
    return [
        *(str(_RAY), "start", "--block", "--disable-usage-stats", "--log-style", "record"),
        *("--node-ip-address", host, "--temp-dir", str(place.scratch / name)),
        *("--num-gpus", "0", "--object-store-memory", str(_OBJECT_STORE)),
        *("--include-log-monitor", "false"),
    ]


def _head(place: Place) -> list[str]:
    port = str(place.port("ray"))
    return ["--head", "--port", port, "--num-cpus", "0", "--include-dashboard", "false"]


def _env(place: Place) -> dict[str, str]:
    return {**place.plain(), **place.storage(), **place.ray()}


def _head_env(place: Place) -> dict[str, str]:
    place.local(HEAD).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {**_env(place), **FAST_CHECKS, **place.own(HEAD)}


def known(place: Place) -> dict[str, tuple[str, float | None]]:
    """Return the host of each node that Ray's head knows, and when it took it for dead.

    Returns:
        First 8 digits of the node's id -> (host, seconds since the epoch, or None while it lives).
    """
    client = GcsClient(address=place.address)
    found = client.get_all_node_info(timeout=10)
    return {
        node.hex()[:8]: (info.node_manager_address, info.end_time_ms / 1000 or None)
        for node, info in found.items()
    }


def host_names(place: Place) -> dict[str, str]:
    """Return what each host is called here."""
    return {place.head_host: HEAD, **{host: name for name, host in place.nodes.items()}}


def living(place: Place) -> set[str]:
    """Return the names of the nodes that Ray's head takes for alive."""
    names = host_names(place)
    return {names.get(host, host) for host, died in known(place).values() if died is None}


def kill(background: Background, name: str) -> float:
    """Kill a node's raylet and all that it started, as a host does that loses its power.

    Returns:
        When, in seconds since the epoch.
    """
    raylets = [process for process in background.members(name) if _is_raylet(process)]
    if not raylets:
        raise Trouble(f"{name} has no raylet to kill")
    victims = [process for raylet in raylets for process in raylet.children(recursive=True)]
    now = time.time()
    for process in [*raylets, *victims]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return now


def _is_raylet(process: psutil.Process) -> bool:
    try:
        return Path(process.exe()).name == "raylet"
    except psutil.Error:
        return False


def _wait_for_head(place: Place, background: Background) -> None:
    deadline = time.monotonic() + _SECONDS_TO_ANSWER
    while not _head_answers(place):
        if not background.alive(HEAD) or time.monotonic() > deadline:
            raise Trouble(f"Ray's head does not answer; see {background.log(HEAD)}")
        time.sleep(0.3)


def _head_answers(place: Place) -> bool:
    try:
        return HEAD in living(place)
    except Exception:  # whatever Ray raises while it starts
        return False


def _wait_for_nodes(place: Place, background: Background) -> None:
    deadline = time.monotonic() + _SECONDS_TO_ANSWER
    while missing := set(place.nodes) - living(place):
        silent = next(iter(sorted(missing)))
        if not background.alive(silent) or time.monotonic() > deadline:
            raise Trouble(f"{silent} did not join; see {background.log(silent)}")
        time.sleep(0.3)


def supervise(command: list[str]) -> int:
    """Run a node, again and again until told to end: one that was cut off does not come back."""
    told: list[int] = []
    running: subprocess.Popen[bytes] | None = None

    def end(number: int, frame: FrameType | None) -> None:
        told.append(number)
        if running is not None:
            running.terminate()

    signal.signal(signal.SIGTERM, end)
    while not told:
        running = subprocess.Popen(command)
        if told:
            running.terminate()
        running.wait()
        if not told:
            time.sleep(_SECONDS_BETWEEN_STARTS)
    return 0


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
