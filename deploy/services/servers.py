"""The S3 server and MLflow."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import boto3
import database
from background import Background
from botocore.config import Config
from botocore.exceptions import ClientError
from place import BUCKETS, ROOT, Place, Trouble

MLFLOW = "mlflow"
_SWIFT = Path(__file__).with_name("swift.sh")
_SECONDS_TO_ANSWER = 180.0


def start_storage(place: Place) -> None:
    """Start the S3 server unless it runs, and make its buckets once."""
    _swift(place, "start", str(place.port("swift")))
    client = s3(place)
    for bucket in BUCKETS:
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError:
            client.create_bucket(Bucket=bucket)


def stop_storage(place: Place) -> None:
    """Stop it; what it holds stays."""
    _swift(place, "stop")


def _swift(place: Place, *words: str) -> None:
    command, *rest = words
    said = place.folder / "logs" / "swift.log"
    variables = {
        **place.plain(),
        "SWIFT_PYTHON": sys.executable,
        "SWIFT_VENV": os.environ.get("SWIFT_VENV", str(ROOT / ".venv-services")),
        "SWIFT_WORKERS": "1",
    }
    # What it prints is the secret. Errors go to a file: its servers keep what they are given open.
    with open(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        line = [str(_SWIFT), command, str(place.folder / "swift"), *rest]
        out = subprocess.DEVNULL
        done = subprocess.run(line, env=variables, stdout=out, stderr=file, start_new_session=True)
    if done.returncode != 0:
        why = said.read_text(errors="replace").strip().splitlines()[-1:]
        raise Trouble(f"the S3 server did not {command}: {''.join(why)}; see {said}")


def s3(place: Place):  # type: ignore[no-untyped-def]  # boto3 has no types
    """Return a client of the S3 server."""
    known = place.storage()
    return boto3.client(
        "s3",
        endpoint_url=known["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
        region_name=known["AWS_REGION"],
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


def start_tracking(place: Place, background: Background) -> None:
    """Start MLflow unless it runs; `wait_for_tracking` says when it answers.

    It finds the database's password in a file and the S3 server's secret in its environment.
    """
    backend = f"postgresql+psycopg://acutance@127.0.0.1:{place.port(database.NAME)}/mlflow"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"),
        *("--port", str(place.port(MLFLOW)), "--workers", "1", "--backend-store-uri", backend),
        *("--artifacts-destination", "s3://mlflow/artifacts", "--serve-artifacts"),
        *("--uvicorn-opts", "--no-access-log"),
    ]
    variables = {
        **place.plain(),
        **place.storage(),
        "MLFLOW_S3_ENDPOINT_URL": place.storage()["AWS_ENDPOINT_URL_S3"],
        "PGPASSFILE": str(place.passwords),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    background.start(MLFLOW, command, variables, may=partial(place.require_free, MLFLOW))


def wait_for_tracking(place: Place, background: Background) -> None:
    """Return when MLflow answers; a busy machine may take a minute.

    Raises:
        Trouble: If it does not.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _SECONDS_TO_ANSWER
    while True:
        try:
            with direct.open(f"{place.tracking}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        if not background.alive(MLFLOW) or time.monotonic() > deadline:
            raise Trouble(f"MLflow does not answer; see {background.log(MLFLOW)}")
        time.sleep(0.3)
