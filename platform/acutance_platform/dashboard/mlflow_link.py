"""Where MLflow shows the same model."""

import os
import urllib.parse

from acutance_platform.verbs.home import Home


def mlflow_address(home: Home, model: str) -> str | None:
    """Return the address of a registered model's page at MLflow, None where no server answers.

    `ACUTANCE_DASHBOARD_MLFLOW` says where browsers find it, if that is not where this process does.
    No server is started for it, and what the address of a server may hold besides, a user and
    password, stays here.
    """
    from acutance_platform.tracking import LocalServer

    given = os.environ.get("ACUTANCE_DASHBOARD_MLFLOW") or os.environ.get("MLFLOW_TRACKING_URI")
    given = given or LocalServer(home.local).address()
    parts = urllib.parse.urlsplit(given or "")
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{host}:{parts.port}" if parts.port else host
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{place}{path}/#/models/{urllib.parse.quote(model, safe='')}"
