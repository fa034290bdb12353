"""PostgreSQL for MLflow: Debian's package, a data folder and a port of its own, loopback only."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
from background import Background
from packages import apt, installer
from place import Place, Trouble, say, write_private

NAME = "database"
PACKAGE_USER = "postgres"
_SECONDS_TO_ANSWER = 60.0
_ADVICE = (
    "Install PostgreSQL's server (Debian, Ubuntu: sudo apt-get install postgresql), then again."
)
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/acutance.conf")
"""Keeps the package from starting a server of its own on port 5432."""


def start(place: Place, background: Background) -> None:
    """Start the server unless it runs, and make MLflow's database once.

    Raises:
        Trouble: If it cannot be installed, does not answer, or has no port.
    """
    if not background.alive(NAME):
        programs = _programs()
        data = _data(place)
        if not data.exists():
            _initialise(programs, place, data)
        arguments = {
            "listen_addresses": "127.0.0.1",
            "port": place.port(NAME),
            "unix_socket_directories": "",
            "max_connections": 60,
            "shared_buffers": "64MB",
        }
        settings = [part for name, value in arguments.items() for part in ("-c", f"{name}={value}")]
        command = [str(programs / "postgres"), "-D", str(data), *settings]
        may = partial(place.require_free, NAME)
        background.start(NAME, command, place.plain(), user=_owner(), may=may)
    _make_database(place, background)


def stop(background: Background) -> None:
    """End it as its manual says: open connections are closed, everything is on disk."""
    background.stop(NAME, signal.SIGINT)


def wipe(place: Place) -> None:
    """Remove its data, if there ever were any."""
    with suppress(KeyError):  # a user that the package, which is not here, would have made
        shutil.rmtree(_data(place), ignore_errors=True)


def _owner() -> str:
    """Return who runs it: it refuses root, for whom the package made a user."""
    return PACKAGE_USER if os.geteuid() == 0 else ""


def _data(place: Place) -> Path:
    """Return the data folder; that of root is where the package's user may go."""
    if not _owner():
        return place.folder / "database"
    return Path(pwd.getpwnam(PACKAGE_USER).pw_dir) / place.scratch.name


def _programs() -> Path:
    """Return the folder of the server's programs, installed now where they are missing."""
    found = _look()
    if found is None:
        _install()
        found = _look()
    if found is None:
        raise Trouble(f"PostgreSQL's server is not here. {_ADVICE}")
    return found


def _look() -> Path | None:
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    known = sorted(versions, key=lambda path: float(path.parents[1].name))
    on_path = shutil.which("initdb")
    if on_path is not None:
        known.append(Path(on_path).resolve())
    return known[-1].parent if known else None


def _install() -> None:
    """Install Debian's package where this user may; the server that it would start is not."""
    before = installer()
    if before is None:
        return
    say("installing PostgreSQL (apt-get)")
    trouble = apt(
        before,
        ("install", "postgresql-common"),
        ("mkdir", "-p", str(_NO_CLUSTER.parent)),
        ("sh", "-c", f"echo create_main_cluster = false >{_NO_CLUSTER}"),
        ("install", "postgresql"),
        ("rm", "-f", str(_NO_CLUSTER)),
    )
    if trouble is not None:
        raise Trouble(f"apt-get could not install PostgreSQL: {trouble}. {_ADVICE}")


def _initialise(programs: Path, place: Place, data: Path) -> None:
    """Make the data folder under another name first, so that a half one is never taken for it."""
    say("making a PostgreSQL data folder")
    fresh, word = data.with_name(f"{data.name}.new"), data.with_name(f"{data.name}.password")
    shutil.rmtree(fresh, ignore_errors=True)
    write_private(word, place.settings["database"])
    try:
        if _owner():
            shutil.chown(word, PACKAGE_USER)
        done = subprocess.run(
            [
                *(str(programs / "initdb"), "-D", str(fresh), "-U", "acutance"),
                *("--auth=scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C"),
            ],
            env=place.plain(),
            cwd="/",
            user=_owner() or None,
            group=_owner() or None,
            extra_groups=[] if _owner() else None,
            capture_output=True,
            text=True,
        )
    finally:
        word.unlink()
    if done.returncode != 0:
        raise Trouble(f"initdb failed: {done.stderr.strip()}")
    fresh.rename(data)


def _make_database(place: Place, background: Background) -> None:
    deadline = time.monotonic() + _SECONDS_TO_ANSWER
    while True:
        try:
            with psycopg.connect(
                host="127.0.0.1",
                port=place.port(NAME),
                user="acutance",
                dbname="postgres",
                passfile=str(place.passwords),
                connect_timeout=5,
                autocommit=True,
            ) as connection:
                there = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'mlflow'")
                if there.fetchone() is None:
                    connection.execute("CREATE DATABASE mlflow")
                return
        except psycopg.OperationalError as error:
            if not background.alive(NAME) or time.monotonic() > deadline:
                raise Trouble(
                    f"PostgreSQL does not answer ({str(error).strip()}); see {background.log(NAME)}"
                ) from None
            time.sleep(0.2)
