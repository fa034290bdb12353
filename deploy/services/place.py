"""Where the cluster of this machine lives: its folder, its ports, its secrets, its environments."""

import hashlib
import json
import os
import secrets
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[2]
HEAD_HOST = "127.0.0.11"
"""All of 127.0.0.0/8 is this machine; each node has an address of its own, as hosts have."""
NODES = {"node-1": "127.0.0.12", "node-2": "127.0.0.13"}
STORE = "s3://acutance/store"
BUCKETS = ("acutance", "mlflow")
ACCESS_KEY = "acutance:local"

_PASSED_ON = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "TERM")
_PORTS = {"database": 1, "swift": 4, "mlflow": 1, "ray": 1}
"""Neighbouring ports that each needs."""


class Trouble(Exception):
    """Something that keeps the cluster from running, with what to do about it."""


class Place:
    """A folder that holds everything of one cluster, of this user alone.

    Secrets are drawn once and lie in files of mode 600: `settings.json`, `pgpass`, `ray-token`,
    `swift/secret`, `cluster.env`. None is printed or stands in a command line.
    """

    head_host: ClassVar[str] = HEAD_HOST
    nodes: ClassVar[Mapping[str, str]] = NODES
    """Name -> host."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder.resolve()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Ports and secrets, drawn when they are first asked for."""
        path = self.folder / "settings.json"
        if not path.exists():
            drawn: dict[str, Any] = {
                "ports": dict(_free_ports()),
                "database": secrets.token_hex(16),
                "swift": secrets.token_hex(16),
            }
            write_private(self.token, secrets.token_hex(32))
            write_private(self.folder / "swift" / "secret", drawn["swift"])
            port = drawn["ports"]["database"]
            line = f"127.0.0.1:{port}:*:acutance:{drawn['database']}\n"
            write_private(self.passwords, line)
            write_private(path, json.dumps(drawn))  # last: whoever finds it finds the rest
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    @property
    def token(self) -> Path:
        """Ray's token: 64 hex digits, without which nobody joins or gives work."""
        return self.folder / "ray-token"

    @property
    def passwords(self) -> Path:
        """PostgreSQL's password, in the form that its clients read."""
        return self.folder / "pgpass"

    @property
    def scratch(self) -> Path:
        """Ray's own folder: short, since the path of a socket ends at 107 characters."""
        mark = hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]
        return Path(tempfile.gettempdir()) / f"acutance-cluster-{mark}"

    def port(self, name: str) -> int:
        """Return the port of a service."""
        return int(self.settings["ports"][name])

    def require_free(self, name: str) -> None:
        """Refuse to start a service at whose port another program listens by now.

        Raises:
            Trouble: With what to do.
        """
        port = self.port(name)
        with socket.socket() as probe:
            # What earlier connections left behind is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                raise Trouble(
                    f"port {port}, which this cluster has for {name}, is taken by another program. "
                    "End that; or have other ports drawn, for a cluster that holds nothing yet: "
                    "make cluster-down WIPE=1"
                ) from None

    @property
    def address(self) -> str:
        """Ray's address."""
        return f"{self.head_host}:{self.port('ray')}"

    @property
    def tracking(self) -> str:
        """MLflow's address."""
        return f"http://127.0.0.1:{self.port('mlflow')}"

    def plain(self) -> dict[str, str]:
        """Return the environment of a process that knows no secret."""
        mine = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        direct = ",".join(["127.0.0.1", "localhost", self.head_host, *self.nodes.values()])
        return {
            **mine,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONWARNINGS": "ignore",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def storage(self) -> dict[str, str]:
        """Return what reaches the S3 server."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": self.settings["swift"],
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.port('swift')}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def ray(self) -> dict[str, str]:
        """Return what every process of the cluster and each of its users needs."""
        return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token)}

    def local(self, name: str) -> Path:
        """Return the folder of a node, or of the driver, that no other one looks into."""
        return self.folder / "local" / name

    def entrance(self, name: str) -> list[str]:
        """Return what the command of a node begins with, where it runs elsewhere."""
        return []

    def own(self, name: str) -> dict[str, str]:
        """Return what only this node has in its environment."""
        return {"ACUTANCE_LOCAL": str(self.local(name))}

    def user(self) -> dict[str, str]:
        """Return what somebody exports who uses the cluster."""
        return {
            "RAY_ADDRESS": self.address,
            **self.ray(),
            "ACUTANCE_STORE": STORE,
            "ACUTANCE_LOCAL": str(self.local("driver")),
            "MLFLOW_TRACKING_URI": self.tracking,
            **self.storage(),
        }

    def write_environment(self) -> Path:
        """Write `cluster.env`, for a shell to read, and return it."""
        path = self.folder / "cluster.env"
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.user().items()]
        write_private(path, "".join(lines))
        return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user may read, at once and whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def say(line: str) -> None:
    """Tell whoever waits what goes on."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _free_ports() -> Iterator[tuple[str, int]]:
    taken: set[int] = set()
    for name, count in _PORTS.items():
        for _ in range(200):
            first = _free_run(count)
            if first and not taken & set(range(first, first + count)):
                break
        else:
            raise Trouble("no free ports on 127.0.0.1; end something that listens there")
        taken |= set(range(first, first + count))
        yield name, first


def _free_run(count: int) -> int:
    """Return the first of some neighbouring free ports, 0 where this try found none.

    Below 32768: the system gives those above to whoever calls out, for example while we are down.
    """
    first = 20_000 + secrets.randbelow(12_000)
    try:
        for port in range(first, first + count):
            with socket.socket() as probe:
                probe.bind(("0.0.0.0", port))
    except OSError:
        return 0
    return first
