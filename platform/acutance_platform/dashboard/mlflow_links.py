"""Where MLflow shows what a page shows: its address, if one is known without starting anything."""

import os
import threading
import time
import urllib.parse
from typing import Final, final

from acutance_platform.tracking import LocalServer
from acutance_platform.verbs.home import Home

_KEPT: Final = 15.0
"""Seconds for which the local server is not asked again."""


@final
class MlflowLinks:
    """Links into MLflow's own pages.

    Args:
        home: Whose tracking server is meant, unless `MLFLOW_TRACKING_URI` names another.
    """

    def __init__(self, home: Home) -> None:
        self._home, self._lock = home, threading.Lock()
        self._known: tuple[float, str | None] = (-_KEPT, None)

    def address(self) -> str | None:
        """Return where MLflow's pages are, None where there are none now.

        `ACUTANCE_DASHBOARD_MLFLOW` says where browsers find them, if that is not where this process
        does. What the address of a server may hold besides, a user and password, stays here.
        """
        given = os.environ.get("ACUTANCE_DASHBOARD_MLFLOW") or os.environ.get("MLFLOW_TRACKING_URI")
        parts = urllib.parse.urlsplit(given or self._local() or "")
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            return None
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = f"{host}:{parts.port}" if parts.port else host
        return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"

    def sweep(self, name: str) -> str | None:
        """Return the address of the experiments of a sweep's name."""
        base = self.address()
        return f"{base}/#/experiments?searchFilter={urllib.parse.quote(name)}" if base else None

    def run(self, run_id: str | None) -> str | None:
        """Return the address of a run; MLflow finds its experiment by itself."""
        base = self.address()
        return f"{base}/#/runs/{run_id}" if base and run_id else None

    def model(self, name: str) -> str | None:
        """Return the address of a registered model."""
        base = self.address()
        return f"{base}/#/models/{urllib.parse.quote(name, safe='')}" if base else None

    def _local(self) -> str | None:
        with self._lock:
            if time.monotonic() - self._known[0] > _KEPT:
                self._known = (time.monotonic(), LocalServer(self._home.local).address())
            return self._known[1]
