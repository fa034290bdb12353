"""Which processes belong to a folder's MLflow server, and which processes use it.

Process numbers are reused, so a number alone proves nothing. A server is recognised by a marker
in its environment, which all of its children inherit; a user by its number and birth time.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

MARKER = "ACUTANCE_MLFLOW_FOLDER"
"""Environment variable that only our servers and their children carry: the server's folder."""

_BIRTH_TOLERANCE = 1.0  # seconds; psutil rounds to a clock tick, boot time may be adjusted

_NEWBORN = 2.0  # seconds


def members(folder: Path) -> list[psutil.Process]:
    """All live processes of the server of ``folder``, the server itself and its children."""
    return [process for process in psutil.process_iter() if belongs(process, folder)]


def belongs(process: psutil.Process, folder: Path) -> bool:
    """Whether ``process`` is alive and was started as (part of) the server of ``folder``."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return _environment(process).get(MARKER) == str(folder)
    except (psutil.Error, OSError):
        return False  # gone, or another user's


def _environment(process: psutil.Process) -> dict[str, str]:
    """The environment of a process; waits for that of one which is just being started."""
    environment = process.environ()
    # Linux shows an empty one for a moment between a program's start and its first instruction.
    while not environment and time.time() - process.create_time() < _NEWBORN:
        time.sleep(0.01)
        environment = process.environ()
    return environment


def server_alive(pid: int, folder: Path) -> bool:
    """Whether ``pid`` still is the server of ``folder`` (and not a reused number)."""
    try:
        return belongs(psutil.Process(pid), folder)
    except psutil.Error:
        return False


def listens(processes: Iterable[psutil.Process], port: int) -> bool:
    """Whether one of ``processes`` holds the listening socket of ``port``."""
    for process in processes:
        try:
            sockets = process.net_connections(kind="tcp")
        except (psutil.Error, OSError):
            continue
        if any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets):
            return True
    return False


def end(processes: list[psutil.Process], *, grace: float = 10.0) -> None:
    """Ask ``processes`` to end, and kill what is still there after ``grace`` seconds."""
    for process in processes:
        _signal(process.terminate)
    _, stubborn = psutil.wait_procs(processes, timeout=grace)
    for process in stubborn:
        _signal(process.kill)
    psutil.wait_procs(stubborn, timeout=grace)


def _signal(send: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send()


class Users:
    """The processes that use a server, each a small file in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def register(self) -> Path:
        """Record this process as a user. Returns the file to hand to `leave`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        me = psutil.Process()
        path = self._folder / f"{me.pid}-{uuid.uuid4().hex[:8]}.json"
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps({"pid": me.pid, "born": me.create_time()}))
        draft.replace(path)
        return path

    def leave(self, path: Path) -> None:
        """Forget a user registered with `register`."""
        path.unlink(missing_ok=True)

    def live(self) -> list[int]:
        """Process numbers of the users that are alive; files of dead ones are removed."""
        alive = []
        for path in sorted(self._folder.glob("*.json")):
            pid = _live_user(path)
            if pid is None:
                path.unlink(missing_ok=True)
            else:
                alive.append(pid)
        return alive


def _live_user(path: Path) -> int | None:
    try:
        user = json.loads(path.read_text())
        process = psutil.Process(int(user["pid"]))
        if abs(process.create_time() - float(user["born"])) > _BIRTH_TOLERANCE:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process.pid
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
