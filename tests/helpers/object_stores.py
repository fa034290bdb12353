"""Object stores that tests start for themselves: Swift, a real one, and moto, a quick pretence."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
SWIFT = ROOT / "deploy" / "services" / "swift.sh"
BUCKET = "acutance-tests"


@dataclass(frozen=True)
class Service:
    """An S3-compatible service on loopback, with one bucket."""

    name: str
    endpoint: str
    key: str
    secret: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment of whoever uses it; no other variable may interfere."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def address(self) -> str:
        """Return the address of a new, empty store."""
        return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}?endpoint={self.endpoint}"

    def client(self):
        """Return plain boto3, to look at what lies there."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )


@contextmanager
def swift(folder: Path) -> Iterator[Service]:
    """Run Swift with its data in a folder; the first time ever, it is installed."""
    port = free_ports(4)
    variables = {
        "SWIFT_VENV": os.environ.get("SWIFT_VENV", str(ROOT / ".venv-services")),
        "SWIFT_PYTHON": sys.executable,
        "SWIFT_WORKERS": "1",
    }
    environment = {**os.environ, **variables}
    try:
        start_swift(folder, port, environment)
        service = Service("swift", f"http://127.0.0.1:{port}", "acutance:local", "acutance-secret")
        service.client().create_bucket(Bucket=BUCKET)
        yield service
    finally:
        subprocess.run([SWIFT, "stop", folder], env=environment, check=True)


def start_swift(folder: Path, port: int, environment: dict[str, str]) -> None:
    """Start Swift; output goes to a file, because its servers keep what they are given open."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "start.txt").open("w") as said:
        command = [SWIFT, "start", folder, str(port)]
        done = subprocess.run(command, env=environment, stdout=said, stderr=said, check=False)
    assert done.returncode == 0, (folder / "start.txt").read_text()


@contextmanager
def moto() -> Iterator[Service]:
    """Run moto in a thread of this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_ports(1), verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        service = Service("moto", f"http://{host}:{port}", "testing", "testing")
        service.client().create_bucket(Bucket=BUCKET)
        yield service
    finally:
        server.stop()


def free_ports(count: int) -> int:
    """Return the first of some neighbouring ports that nobody listens on."""
    for _ in range(100):
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
        try:
            for further in range(port, port + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", further))
        except (OSError, OverflowError):
            continue
        return port
    raise RuntimeError("no free ports")
