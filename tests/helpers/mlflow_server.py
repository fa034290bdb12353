"""An MLflow server of a test's own, on SQLite or PostgreSQL, that can be killed and started again.

PostgreSQL is that of deploy/services, in a folder and on a port of its own.
"""

import sys
import time
from contextlib import contextmanager

import database
from background import Background
from place import Place
from servers import MLFLOW, wait_for_tracking


class MlflowServer:
    """One server, which always listens at the same port.

    Args:
        folder: takes the database, artifacts and logs.
        backend: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, folder, backend):
        self.place, self.backend = Place(folder), backend
        self.background = Background(self.place.folder)

    @property
    def uri(self):
        return self.place.tracking

    def start(self):
        """Start it; `wait` says when it answers."""
        store = "sqlite:///mlflow.db"
        if self.backend == "postgresql":
            database.start(self.place, self.background)
            port = self.place.port(database.NAME)
            store = f"postgresql+psycopg://acutance@127.0.0.1:{port}/mlflow"
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"),
            *("--port", str(self.place.port(MLFLOW)), "--backend-store-uri", store),
            *("--artifacts-destination", "./artifacts", "--serve-artifacts"),
            *("--uvicorn-opts", "--no-access-log"),
        ]
        # It finds the database's password in a file.
        more = {
            "PGPASSFILE": str(self.place.passwords),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self.background.start(MLFLOW, command, {**self.place.plain(), **more})

    def wait(self):
        wait_for_tracking(self.place, self.background)

    def kill(self):
        """End it and its children at once and without a word."""
        for process in self.background.members(MLFLOW):
            process.kill()
        self.background.stop(MLFLOW, patience=0.0)
        assert not self.background.alive(MLFLOW)

    def die(self, rng, *, longest):
        """Kill it, and start it again after a while; return for how many seconds it was away."""
        began = time.monotonic()
        self.kill()
        time.sleep(rng.uniform(0.0, longest))
        self.start()
        self.wait()
        return round(time.monotonic() - began, 1)

    def end(self):
        """End everything that was started and remove what it holds."""
        self.kill()
        if self.backend == "postgresql":
            database.stop(self.background)
            database.wipe(self.place)


@contextmanager
def mlflow_server(folder, backend):
    """Run a server while the block runs; yields it once it answers."""
    server = MlflowServer(folder, backend)
    try:
        server.start()
        server.wait()
        yield server
    finally:
        server.end()
