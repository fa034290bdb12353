"""Processes that go on in the background: started once, found again, ended; those and no others.

Each is the leader of a session of its own, which all its descendants share, and has a record: its
number and when it was born, since numbers are used again.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

_BIRTH_TOLERANCE = 1.0  # seconds; psutil rounds to a clock tick
_started: list["subprocess.Popen[bytes]"] = []


class Background:
    """The background processes of one folder.

    Args:
        folder: Takes the records, `run/NAME.json`, and what they say, `logs/NAME.log`.
    """

    def __init__(self, folder: Path) -> None:
        self._records, self._logs = folder / "run", folder / "logs"
        for part in (self._records, self._logs):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        user: str = "",
        may: Callable[[], object] = bool,
    ) -> bool:
        """Start a process unless it runs; return whether it had to be started.

        Args:
            name: Of the process.
            command: Program and arguments. Everybody on this machine can read them.
            variables: Its whole environment.
            user: Whose rights it has; empty for those of this one.
            may: Asked before, once what an earlier one left has ended; raises if it may not.
        """
        if self.alive(name):
            return False
        self.stop(name)  # what a dead leader left of its session
        may()
        who: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        with self.log(name).open("a") as said:
            process = subprocess.Popen(
                list(command),
                env=dict(variables),
                cwd="/" if user else self._logs.parent,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                **who,
            )
        _started.append(process)
        self.note(name, process.pid)
        return True

    def note(self, name: str, pid: int) -> None:
        """Remember the leader of a session that somebody else started."""
        record = {"pid": pid, "born": psutil.Process(pid).create_time()}
        draft = self._record(name).with_suffix(".new")
        draft.write_text(json.dumps(record))
        draft.replace(self._record(name))

    def forget(self, name: str) -> None:
        """Forget a process that has ended by itself."""
        self._record(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of all that was started and not stopped."""
        return sorted(path.stem for path in self._records.glob("*.json"))

    def log(self, name: str) -> Path:
        """Return the file that a process writes to."""
        return self._logs / f"{name}.log"

    def alive(self, name: str) -> bool:
        """Say whether a process runs."""
        _bury()
        record = self._read(name)
        return record is not None and _is(record["pid"], record["born"])

    def members(self, name: str) -> list[psutil.Process]:
        """Return the live processes of a session: the process itself and its descendants."""
        record = self._read(name)
        if record is None:
            return []
        pid, born = record["pid"], record["born"]
        if psutil.pid_exists(pid) and not _born_then(pid, born):
            return []  # somebody else has the number by now, so that nobody of ours is left
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                mine = os.getsid(process.pid) == pid
                young = process.create_time() >= born - _BIRTH_TOLERANCE
                if mine and young and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self, name: str, how: int = signal.SIGTERM, patience: float = 20.0) -> None:
        """End a process and its descendants: ask the leader, then kill what is left."""
        record = self._read(name)
        if record is None:
            return
        if _is(record["pid"], record["born"]):
            with suppress(ProcessLookupError):
                os.kill(record["pid"], how)
            deadline = time.monotonic() + patience
            while _is(record["pid"], record["born"]) and time.monotonic() < deadline:
                time.sleep(0.05)
        _bury()
        for _ in range(3):  # one that is being born escapes a first look
            left = self.members(name)
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(left, timeout=5)
        self.forget(name)

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._record(name).read_text())
        except FileNotFoundError:
            return None
        return record


def _bury() -> None:
    """Ask for the ends of what this process has started, or the dead would stay as zombies."""
    _started[:] = [process for process in _started if process.poll() is None]


def _is(pid: int, born: float) -> bool:
    """Say whether a number still is the process that was born then, and that lives."""
    try:
        return _born_then(pid, born) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _born_then(pid: int, born: float) -> bool:
    try:
        return bool(abs(psutil.Process(pid).create_time() - born) <= _BIRTH_TOLERANCE)
    except psutil.Error:
        return False
