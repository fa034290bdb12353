"""One server per local folder: started once, adopted, replaced when dead, stopped by the last."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from acutance_platform.tracking import (
    LocalServer,
    ServerError,
    local_server,
    tracking_server,
)
from acutance_platform.tracking.processes import members
from acutance_platform.tracking.server import WaitEndedError

USER = """
import sys
from pathlib import Path
from acutance_platform.tracking import local_server
with local_server(Path(sys.argv[1])) as uri:
    print(uri, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def user(local: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(local)],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=local.parent,
    )


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)


def started(local: Path) -> list[int]:
    """The server's own process; its children have it as parent."""
    pids = {process.pid for process in members(local / "mlflow")}
    return [pid for pid in pids if psutil.Process(pid).ppid() not in pids]


def test_two_users_one_server(tmp_path: Path) -> None:
    local = tmp_path / "a folder with spaces, ü and ?#%"
    first, second = user(local), user(local)
    with ThreadPoolExecutor() as pool:
        addresses = set(pool.map(address, (first, second)))
    assert len(addresses) == 1
    (server,) = started(local)
    assert json.loads((local / "mlflow" / "server.json").read_text())["pid"] == server

    leave(first)
    assert started(local) == [server]  # somebody still uses it
    second.kill()  # dies without saying goodbye: the server is an orphan
    second.communicate()
    assert started(local) == [server]

    with local_server(local) as uri:
        assert {uri} == addresses  # adopted
        assert started(local) == [server]
        psutil.Process(server).kill()  # its child goes on, and must not be left behind
        assert LocalServer.ensure(local) == uri  # replaced, on the same port
        assert started(local) != [server]
    assert members(local / "mlflow") == []
    assert not (local / "mlflow" / "server.json").exists()


def test_leaving_ends_the_wait_for_a_server(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        with tracking_server(tmp_path) as where:
            waiting = pool.submit(where)
            while not members(tmp_path / "mlflow"):
                assert not waiting.done()
        assert isinstance(waiting.exception(timeout=10), WaitEndedError)
        assert isinstance(pool.submit(where).exception(timeout=10), WaitEndedError)
    assert members(tmp_path / "mlflow") == []


def test_says_why_it_did_not_start(tmp_path: Path) -> None:
    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(b"this is no database" * 100)
    with (
        pytest.raises(ServerError, match="file is not a database") as error,
        local_server(tmp_path),
    ):
        pass
    assert str(folder / "server.log") in str(error.value)
    assert "MLFLOW_TRACKING_URI" in str(error.value)
    assert members(folder) == []


def test_another_server_makes_none_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere:5000")
    with local_server(tmp_path) as uri:
        assert uri == "http://elsewhere:5000"
    assert list(tmp_path.iterdir()) == []
