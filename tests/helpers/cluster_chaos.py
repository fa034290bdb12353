"""A cluster of several processes, sweeps on it, and whoever kills parts of it at random moments.

Uses deploy/services, the same that `make cluster` starts.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

SERVICES = Path(__file__).parents[2] / "deploy" / "services"
sys.path[:0] = [str(SERVICES)]

import cluster  # noqa: E402
import nodes  # noqa: E402
import servers  # noqa: E402
from background import Background  # noqa: E402
from place import STORE, Place  # noqa: E402

DRIVER = "driver"
__all__ = [
    "LIMIT",
    "STORE",
    "VICTIMS",
    "Chaos",
    "Diary",
    "SlowPlace",
    "add_pictures",
    "cluster",
    "nodes",
    "rng_of",
    "shuffled",
]
VICTIMS = ("driver", "trial", "raylet", "mlflow", "s3")
LIMIT = 240.0
"""Seconds for anything to happen; a machine may be busy."""


class SlowPlace(Place):
    """A cluster on which each step of a training takes a while, and is noted."""

    pause = 0.2

    @property
    def steps(self):
        """File with one line for each step that was really taken."""
        return self.folder / "steps.log"

    def plain(self):
        helpers = str(Path(__file__).parent)
        paths = [helpers, *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            **super().plain(),
            "PYTHONPATH": os.pathsep.join(paths),
            "CHAOS_PAUSE": str(self.pause),
            "CHAOS_LOG": str(self.steps),
        }


class Chaos:
    """A cluster, one sweep at a time, and deaths.

    Args:
        folder: Of the cluster; what it holds is used again.
        place: Of another kind, whose module starts it when called with `up FOLDER`.
    """

    def __init__(self, folder, place=None):
        self.place = place or SlowPlace(folder)
        self.background = Background(self.place.folder)
        self.environment = {**self.place.plain(), **self.place.user()}

    def up(self):
        """Start what does not run; in a process of its own, since Ray reads its token once."""
        module = sys.modules[type(self.place).__module__].__file__
        command = [sys.executable, module, "up", str(self.place.folder)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def down(self, *, wipe):
        """End everything that was started; with `wipe` remove what it holds."""
        cluster.stop(self.place, self.background, wipe=wipe)

    def drive(self, file, name):
        """Start the driver of a sweep, or of what is left of it."""
        command = [sys.executable, "-m", "acutance", "sweep", str(file), "--name", name]
        self.background.start(DRIVER, [*command, "--resume", "auto"], self.environment)

    def wait_for_driver(self):
        """Wait until the driver has ended; return the last lines that it said."""
        deadline = time.monotonic() + LIMIT
        while self.background.alive(DRIVER):
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.2)
        self.background.forget(DRIVER)
        return self.said()

    def said(self):
        return self.background.log(DRIVER).read_text()[-4000:]

    def kill(self, victim, rng, file, name):
        """Kill one part and bring back what nobody else brings back; return how many legs died."""
        before = self.legs()
        if victim == "driver":
            self._kill_driver()
            time.sleep(rng.uniform(0, 3))
            self.drive(file, name)
            return len(before)
        if victim == "trial":
            for leg in rng.sample(before, min(1, len(before))):
                leg.kill()
            return min(1, len(before))
        if victim == "raylet":
            nodes.kill(self.background, rng.choice(sorted(self.place.nodes)))
            return 1
        if victim == "mlflow":
            self.background.stop(servers.MLFLOW, signal.SIGKILL, patience=0.0)
            time.sleep(rng.uniform(1, 6))
            servers.start_tracking(self.place, self.background)
            return 0
        self._kill_storage()
        time.sleep(rng.uniform(1, 6))
        servers.start_storage(self.place)
        return 0

    def legs(self):
        """Return the processes in which legs run at this moment."""
        found = []
        for name in self.place.nodes:
            for process in self.background.members(name):
                try:
                    if process.cmdline()[0].endswith("Trainable.train"):
                        found.append(process)
                except (psutil.Error, IndexError):
                    continue
        return found

    def secrets_found(self):
        """Return the files that hold a secret of the cluster and are not meant to.

        Everything that it wrote is searched: what its processes said, Ray's own logs, journals,
        states and artifacts in the S3 server, MLflow's database, the nodes' folders.
        """
        settings = self.place.settings
        token = self.place.token.read_text().strip()
        secrets = {
            "swift": settings["swift"].encode(),
            "database": settings["database"].encode(),
            "token": token.encode(),
        }
        meant = {"settings.json", "pgpass", "ray-token", "secret", "cluster.env"}
        found = []
        for folder in (self.place.folder, self.place.scratch):
            for file in folder.rglob("*"):
                is_config = file.parent == self.place.folder / "swift" / "etc"
                if file.is_symlink() or not file.is_file() or file.name in meant or is_config:
                    continue
                try:
                    content = file.read_bytes()
                except OSError:
                    continue  # it went while we looked
                names = [name for name, secret in secrets.items() if secret in content]
                found += [f"{file.relative_to(folder)}: {name}" for name in names]
        return found

    def steps_taken(self):
        file = self.place.steps
        return len(file.read_text().splitlines()) if file.exists() else 0

    def _kill_driver(self):
        for process in self.background.members(DRIVER):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.background.stop(DRIVER)

    def _kill_storage(self):
        root = str(self.place.folder / "swift")
        for process in psutil.process_iter():
            try:
                if any(root in word for word in process.cmdline()) and process.pid != os.getpid():
                    process.kill()
            except psutil.Error:
                continue
        servers.stop_storage(self.place)


def add_pictures(chaos, folder):
    """Put the pictures of the sweeps into the store of the cluster."""
    command = [sys.executable, "-m", "acutance", "data", "add", "pictures", str(folder)]
    done = subprocess.run(command, env=chaos.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Diary:
    """What was killed when, kept so that an interrupted campaign goes on.

    Args:
        file: One JSON document per line.
    """

    def __init__(self, file):
        self._file = file

    def note(self, **what):
        """Append an entry."""
        with self._file.open("a") as file:
            file.write(json.dumps(what) + "\n")

    def entries(self, kind):
        """Return the entries of a kind."""
        if not self._file.exists():
            return []
        lines = [json.loads(line) for line in self._file.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]


def shuffled(rng, victims):
    """Return the victims in random order."""
    return rng.sample(victims, len(victims))


def rng_of(seed):
    return random.Random(seed)


if __name__ == "__main__":
    here = SlowPlace(Path(sys.argv[2]))
    cluster.start(here, Background(here.folder))
