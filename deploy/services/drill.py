"""A sweep on the cluster with a node killed in the middle: run it, watch it, kill."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nodes
from background import Background
from course import Course, moves
from place import NODES, ROOT, Place, say, write_private

from acutance_platform.search.journals import sweep_journal
from acutance_storage import StorageError, open_store

DRIVER = "driver"
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_SAVE = 60.0


class Rehearsal:
    """One sweep, and the death of one node, which is noted so that a second start goes on.

    Args:
        place: Of the cluster.
        background: Its processes.
        sweep: The sweep file.
        name: Of the sweep.
        options: Further words for `acutance sweep`.
        after: Rungs that trials have to have reached before the node dies.
    """

    def __init__(
        self,
        place: Place,
        background: Background,
        *,
        sweep: Path,
        name: str,
        options: Sequence[str],
        after: int,
    ) -> None:
        self._place, self._background = place, background
        self._command = ["sweep", str(sweep), "--name", name, "--resume", "auto", *options]
        self._after = after
        self._note = place.folder / "killed" / f"{name}.json"
        self._journal = sweep_journal(open_store(local=place.local("driver")), name)
        self._course = Course()
        self.records: list[dict[str, Any]] = []

    @property
    def death(self) -> dict[str, Any]:
        """Which node died, and when: `node`, `name`, `when`, `noticed`, `back`; empty before."""
        if not self._note.exists():
            return {}
        found: dict[str, Any] = json.loads(self._note.read_text())
        return found

    def run(self) -> int:
        """Run the sweep to its end and kill on the way; return its exit code."""
        variables = {**self._place.plain(), **self._place.user()}
        command = [sys.executable, "-m", "acutance", *self._command]
        say(f"$ acutance {' '.join(self._command)}")
        self._background.stop(DRIVER, signal.SIGINT, patience=_SECONDS_TO_SAVE)  # an orphan's
        # A group of its own: a Ctrl-C reaches it through us, once.
        driver = subprocess.Popen(
            command, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._background.note(DRIVER, driver.pid)
        try:
            while driver.poll() is None:
                self._look()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        except BaseException:
            _end(driver)
            raise
        finally:
            self._background.forget(DRIVER)
        self._look(kill=False)
        return driver.returncode

    def _look(self, *, kill: bool = True) -> None:
        with suppress(StorageError, OSError):  # the next look finds it
            for record in self._journal.read_new():
                self.records.append(record)
                self._course.feed(record)
        death = self.death
        if not death and kill:
            self._perhaps_kill()
        elif death and not death["back"]:
            self._follow(death)
        elif death and kill and not moves(self.records, death["node"], death["when"]):
            say(f"-- no trial ran on {death['name']} any more when it died; once more")
            self._note.unlink()

    def _perhaps_kill(self) -> None:
        names = nodes.host_names(self._place)
        known = {
            node: names[host]
            for node, (host, died) in nodes.known(self._place).items()
            if died is None and host in NODES.values()
        }
        node = self._course.victim(self._after, known)
        if node is None:
            return
        trials = sorted(t for t, where in self._course.running.items() if where == node)
        when = nodes.kill(self._background, known[node])
        death = {"node": node, "name": known[node], "when": when, "noticed": None, "back": None}
        self._write(death)
        say(f"-- killed {known[node]} ({node}), where {', '.join(trials)} ran")

    def _follow(self, death: dict[str, Any]) -> None:
        """Note when Ray took the node for dead, and when its successor joined."""
        with suppress(OSError, RuntimeError):
            for node, (host, died) in nodes.known(self._place).items():
                if node == death["node"] and died is not None and not death["noticed"]:
                    self._write(death := {**death, "noticed": died})
                    say(f"-- Ray noticed after {died - death['when']:.1f} s")
                if died is None and node != death["node"] and host == NODES[death["name"]]:
                    self._write(death := {**death, "back": time.time()})
                    say(f"-- {death['name']} is back after {death['back'] - death['when']:.1f} s")

    def _write(self, death: dict[str, Any]) -> None:
        write_private(self._note, json.dumps(death))


def _end(driver: "subprocess.Popen[bytes]") -> None:
    """Let a driver save its state; when asked again, ask it again."""
    say("-- waiting for the sweep to save its state")
    while True:
        try:
            with suppress(ProcessLookupError):
                driver.send_signal(signal.SIGINT)
            driver.wait()
            return
        except KeyboardInterrupt:
            continue
