"""The command line as processes that a test may kill, and what is left of them.

Everything that a test starts carries its folder in its environment, command or working directory,
so that nothing else is ever taken for it.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

LIMIT = 240.0
"""Seconds for anything to happen; a machine may be busy."""


class CommandLine:
    """Runs `acutance` with store and local folder below one folder, which no other test uses."""

    def __init__(self, folder, **variables):
        self.folder = folder
        helpers = str(Path(__file__).parent)
        paths = [os.environ.get("PYTHONPATH", ""), helpers]
        self.variables = {
            "ACUTANCE_STORE": str(folder / "store"),
            "ACUTANCE_LOCAL": str(folder / "local"),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            **{name: str(value) for name, value in variables.items()},
        }
        self.started = []

    def start(self, *arguments):
        """Start a process group of its own, as a shell does; output goes to files."""
        number = len(self.started)
        with (
            (self.folder / f"out-{number}.txt").open("w") as out,
            (self.folder / f"err-{number}.txt").open("w") as err,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", "acutance", *map(str, arguments)],
                env={**os.environ, **self.variables},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def run(self, *arguments, code=0):
        """Run to the end, expect an exit code, and return standard output."""
        process = self.start(*arguments)
        self.end(process, code)
        return self.out(process)

    def end(self, process, code):
        assert process.wait(timeout=LIMIT) == code, self.err(process)
        assert "Traceback" not in self.err(process), self.err(process)

    def out(self, process):
        return (self.folder / f"out-{self.started.index(process)}.txt").read_text()

    def err(self, process):
        return (self.folder / f"err-{self.started.index(process)}.txt").read_text()

    def until(self, process, happened, every=0.002):
        """Wait until `happened()` is true while the process lives."""
        deadline = time.monotonic() + LIMIT
        while not happened():
            assert time.monotonic() < deadline, f"nothing happened: {self.err(process)}"
            assert process.poll() is None, f"it ended too early: {self.err(process)}"
            time.sleep(every)

    def kill(self, process):
        """End the process alone, at once and without a word, as a crash does."""
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=LIMIT)

    def interrupt(self, process):
        """Press Ctrl-C: the terminal tells the whole group."""
        os.killpg(process.pid, signal.SIGINT)

    def processes(self):
        """Return every live process that was started, directly or not, by this object."""
        mark, found = str(self.folder), []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                # Ray's workers write their title over their environment, but keep their folder.
                places = [process.cwd(), *process.cmdline(), *process.environ().values()]
                if any(mark in place for place in places):
                    found.append(process)
        return found

    def gone(self, seconds=20.0):
        """Return the processes that are left after some seconds of patience."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def clean(self):
        """End what a failed test left; by number, and only what carries this folder's mark."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        for process in self.started:
            process.wait(timeout=LIMIT)
