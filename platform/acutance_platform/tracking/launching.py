"""How an MLflow server is called, and whether one answers at a port."""

import http.client
import os
import socket
import sys
from pathlib import Path
from typing import Final

from acutance_platform.tracking.processes import MARKER

HOST: Final = "127.0.0.1"
_PASSED_ON: Final = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")


def command(port: int) -> list[str]:
    """The command line; paths in it are relative to the server's folder, which may move."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", "sqlite:///mlflow.db"),
        *("--artifacts-destination", "./artifacts", "--serve-artifacts"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--uvicorn-opts", "--no-access-log"),
    ]


def environment(folder: Path) -> dict[str, str]:
    """No credentials, no proxies: the server reads one database file and one folder."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {
        MARKER: str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # Eight consumer processes for MLflow's GenAI jobs: 1.8 GB and 4 s that nothing here uses.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }


def healthy(port: int) -> bool:
    """Whether an MLflow server answers at ``port``; the caller knows whose it is."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status == 200 and response.read(16).strip() == b"OK"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_free(port: int) -> bool:
    """Whether nobody listens at ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port at which nobody listens now; somebody else may be quicker to take it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
