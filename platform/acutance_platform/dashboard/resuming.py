"""Going on with a sweep from a page: a process of its own, which outlives the server.

`main` is what that process runs, and `dashboard/resume/SWEEP.log` in the local folder what it says.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final, final

from acutance_platform.recipe import RecipeErrors, refuse
from acutance_platform.search.requests import acting_as
from acutance_platform.verbs.home import Home, open_home
from acutance_storage import StorageError

_PROGRAM: Final = f"import sys; from {__name__} import main; sys.exit(main(*sys.argv[1:]))"
_LINES: Final = 12
"""Of the log's end that a page shows."""


@final
class Resumed:
    """The processes that this server started, one at most per sweep.

    Args:
        home: Whose sweeps.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, who: str, settings: list[str]) -> None:
        """Start `resume` for a sweep.

        Args:
            name: Of the sweep; checked by the caller.
            who: For whom; the journal names it.
            settings: Of the budget, as `resume --budget` takes them.

        Raises:
            RecipeErrors: If the one that was started before has not ended yet.
        """
        with self._lock:
            before = self._started.get(name)
            if before is not None and before.poll() is None:
                way_out = "Wait until its page shows the sweep as RUNNING."
                raise refuse("SWEEP", name, "it is being resumed already", way_out)
            log = self.log(name)
            log.parent.mkdir(parents=True, exist_ok=True)
            where = {"ACUTANCE_STORE": self._home.store.address}
            where |= {"ACUTANCE_LOCAL": str(self._home.local.absolute())}
            path = os.pathsep.join(filter(None, sys.path))
            command = [sys.executable, "-c", _PROGRAM, name, who, *settings]
            with log.open("wb") as said:
                self._started[name] = subprocess.Popen(
                    command,
                    env={**os.environ, **where, "PYTHONPATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # it goes on when the server ends
                )

    def state(self, name: str) -> dict[str, Any]:
        """Return `state` (none, running, ended, failed) and `lines`, the end of what it said."""
        with self._lock:
            process = self._started.get(name)
        if process is None:
            return {"state": "none", "lines": []}
        code = process.poll()
        state = "running" if code is None else "failed" if code else "ended"
        return {"state": state, "lines": self._said(name)}

    def log(self, name: str) -> Path:
        """Return the file to which a sweep's process writes."""
        return self._home.local / "dashboard" / "resume" / f"{name}.log"

    def _said(self, name: str) -> list[str]:
        try:
            text = self.log(name).read_bytes()[-16_000:].decode("utf-8", "replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if line.strip()][-_LINES:]


def main(name: str, who: str, *settings: str) -> int:
    """Run as the process that goes on with a sweep; return its exit code."""
    from acutance_platform.sweep.errors import SweepError
    from acutance_platform.verbs.running import resume

    try:
        with acting_as(who):
            outcome = resume(name, budget=settings, home=open_home())
    except (RecipeErrors, StorageError, SweepError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{name} is {outcome.state}. {outcome.told.sweep.reason}\n")
    return 0
