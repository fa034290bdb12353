"""One local MLflow server per ``ACUTANCE_LOCAL``, shared by everything that runs there.

Many writers on one SQLite file fail; one server in front of it does not. The server is started
when first needed, adopted if an earlier one was left behind, and stopped by its last user.

    local/mlflow/mlflow.db      runs and metrics
    local/mlflow/artifacts/     recipes, pictures, weights
    local/mlflow/server.json    {"pid", "port", "started"} of the running server
    local/mlflow/server.log     output of the last server
    local/mlflow/users/         one small file per process that uses the server

The folder may move: the server runs inside it and knows only relative paths.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

from filelock import FileLock, Timeout

from acutance_platform.tracking import processes
from acutance_platform.tracking.launching import (
    HOST,
    command,
    environment,
    free_port,
    healthy,
    is_free,
)

READY_WITHIN: Final = 120.0
"""Seconds a server may take to answer; 8 is usual, 25-43 were seen on a busy machine."""
_PORT_ATTEMPTS: Final = 5


class ServerError(RuntimeError):
    """The local MLflow server did not start. The text ends with the server's own last words."""


class WaitEndedError(Exception):
    """The caller no longer wants the server it was waiting for."""


def _never() -> bool:
    return False


@final
class LocalServer:
    """The MLflow server of one local folder.

    Args:
        local: the folder ``ACUTANCE_LOCAL``; the server lives in its sub-folder ``mlflow``.
        cancelled: asked while waiting; once true, waiting ends with `WaitEndedError`.
    """

    def __init__(self, local: Path, *, cancelled: Callable[[], bool] = _never) -> None:
        self._folder = local.resolve() / "mlflow"
        self._cancelled = cancelled
        self.users = processes.Users(self._folder / "users")

    @classmethod
    def ensure(cls, local: Path) -> str:
        """Start or adopt the server of ``local`` and return its address, ``http://127.0.0.1:PORT``.

        Raises:
            ServerError: it did not answer within `READY_WITHIN` seconds, or ended.
        """
        return cls(local).running()

    def running(self) -> str:
        """As `ensure`: the address of a server that answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock(timeout=READY_WITHIN + 30):
            if self._cancelled():
                raise WaitEndedError
            record = self._record()
            if not (record and self._adopt(record)):
                record = self._replace(record)
            return f"http://{HOST}:{record['port']}"

    def address(self) -> str | None:
        """The address of the server if one answers now; starts nothing."""
        record = self._record()
        if record and self._alive(record) and self._answers(record):
            return f"http://{HOST}:{record['port']}"
        return None

    def stop(self) -> None:
        """End the server and all of its children; nothing else."""
        processes.end(processes.members(self._folder))
        self._record_path.unlink(missing_ok=True)

    def leave(self, user: Path) -> None:
        """Forget ``user`` (from ``users.register()``); the last live user stops the server."""
        self.users.leave(user)
        if not self._folder.is_dir():
            return
        try:
            with self._lock(timeout=10):
                if not self.users.live():
                    self.stop()
        except (Timeout, WaitEndedError):
            return  # somebody is starting the server, so somebody uses it

    # --- the record of the running server

    @property
    def _record_path(self) -> Path:
        return self._folder / "server.json"

    @property
    def log_path(self) -> Path:
        """Output of the last server."""
        return self._folder / "server.log"

    def _record(self) -> dict[str, Any] | None:
        try:
            record = json.loads(self._record_path.read_text())
            return {key: record[key] for key in ("pid", "port", "started")}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write_record(self, record: dict[str, Any]) -> None:
        draft = self._record_path.with_suffix(".tmp")
        draft.write_text(json.dumps(record))
        draft.replace(self._record_path)

    @contextmanager
    def _lock(self, *, timeout: float) -> Iterator[None]:
        lock = FileLock(self._folder / "server.lock")
        deadline = time.monotonic() + timeout
        while True:
            try:
                lock.acquire(timeout=0.2, poll_interval=0.05)
                break
            except Timeout:
                if self._cancelled():
                    raise WaitEndedError from None
                if time.monotonic() > deadline:
                    raise
        try:
            yield
        finally:
            lock.release()

    # --- adopting and starting, under the lock

    def _adopt(self, record: dict[str, Any]) -> bool:
        if not self._alive(record):
            return False
        # Its starter may have died while it was coming up: give it the rest of its time.
        patience = max(10.0, READY_WITHIN - (time.time() - record["started"]))
        return self._wait_until_ready(record, within=patience)

    def _replace(self, old: dict[str, Any] | None) -> dict[str, Any]:
        self.stop()
        # The same port again, if it can be had, spares clients of the old one.
        port = old["port"] if old and is_free(old["port"]) else free_port()
        for _ in range(_PORT_ATTEMPTS):
            record = self._launch(port)
            if self._wait_until_ready(record, within=READY_WITHIN):
                return record
            taken = not self._alive(record) and not is_free(port)
            self.stop()
            if not taken:
                break
            port = free_port()
        raise ServerError(self._explain(record))

    def _launch(self, port: int) -> dict[str, Any]:
        with self.log_path.open("wb") as log:
            process = subprocess.Popen(
                command(port),
                cwd=self._folder,
                env=environment(self._folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at our terminal is not for the server
            )
        # Somebody has to collect the exit status, or the dead server stays as a zombie.
        threading.Thread(target=process.wait, name="mlflow-server-reaper", daemon=True).start()
        record = {"pid": process.pid, "port": port, "started": time.time()}
        self._write_record(record)
        return record

    def _wait_until_ready(self, record: dict[str, Any], *, within: float) -> bool:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self._cancelled():
                raise WaitEndedError
            if not self._alive(record):
                return False
            if self._answers(record):
                return True
            time.sleep(0.1)
        return False

    def _alive(self, record: dict[str, Any]) -> bool:
        return processes.server_alive(record["pid"], self._folder)

    def _answers(self, record: dict[str, Any]) -> bool:
        # Another program may have taken the port in between, so the socket must be ours.
        port = record["port"]
        return healthy(port) and processes.listens(processes.members(self._folder), port)

    def _explain(self, record: dict[str, Any]) -> str:
        try:
            tail = self.log_path.read_text(errors="replace").splitlines()[-15:]
        except OSError:
            tail = []
        words = "\n  ".join(tail) or "(nothing)"
        waited = time.time() - record["started"]
        return (
            f"The local MLflow server on {HOST}:{record['port']} did not answer: it ended, or was "
            f"given up, after {waited:.0f} s of at most {READY_WITHIN:.0f}. "
            f"Its log {self.log_path} ends with:\n  {words}\n"
            "Mend what it names, or set MLFLOW_TRACKING_URI to a server of your own."
        )


@contextmanager
def local_server(local: Path) -> Iterator[str]:
    """Use the tracking server while the block runs; yields its address once it answers.

    Where ``MLFLOW_TRACKING_URI`` is set, that is the address and no local server exists.

    Raises:
        ServerError: the local server did not start.
    """
    with tracking_server(local) as address:
        yield address()


@contextmanager
def tracking_server(local: Path) -> Iterator[Callable[[], str]]:
    """As `local_server`, but waits for the server only when its address is first asked for.

    The yielded function starts the server if there is none (again if it died) and may be called
    from any thread; a `Recorder` calls it from its own, so that training begins at once.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        yield lambda: given
        return
    closing = threading.Event()
    user = LocalServer(local).users.register()
    try:
        yield LocalServer(local, cancelled=closing.is_set).running
    finally:
        closing.set()
        LocalServer(local).leave(user)
