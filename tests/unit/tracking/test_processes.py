import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from acutance_platform.tracking.launching import environment
from acutance_platform.tracking.processes import MARKER, Users, end, members, server_alive

SLEEP = "import time; time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def marked(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", PARENT], env={MARKER: str(tmp_path)})
    yield process
    process.kill()
    process.wait()


def test_children_belong_and_end_together(tmp_path: Path, marked: subprocess.Popen[bytes]) -> None:
    while len(members(tmp_path)) < 2:
        assert marked.poll() is None
    assert server_alive(marked.pid, tmp_path)
    assert not server_alive(marked.pid, tmp_path / "other")
    assert not server_alive(os.getpid(), tmp_path)
    end(members(tmp_path), grace=5)
    assert members(tmp_path) == []
    assert not server_alive(marked.pid, tmp_path)


def test_a_newborn_belongs_at_once(tmp_path: Path) -> None:
    """Linux shows an empty environment while a program is being started."""
    for _ in range(40):
        child = subprocess.Popen(["sleep", "30"], env={MARKER: str(tmp_path), "PATH": "/bin"})
        known = server_alive(child.pid, tmp_path)
        child.kill()
        child.wait()
        assert known


def test_only_live_users_count(tmp_path: Path) -> None:
    users = Users(tmp_path)
    mine = users.register()
    other = subprocess.Popen([sys.executable, "-c", ""])
    other.wait()
    born = psutil.Process().create_time()
    (tmp_path / "1-dead.json").write_text(json.dumps({"pid": other.pid, "born": 0}))
    (tmp_path / "2-reused.json").write_text(json.dumps({"pid": os.getpid(), "born": born - 99}))
    (tmp_path / "3-torn.json").write_text("{")
    assert users.live() == [os.getpid()]
    assert list(tmp_path.iterdir()) == [mine]
    users.leave(mine)
    users.leave(mine)
    assert users.live() == []


def test_the_server_sees_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    passed_on = environment(tmp_path)
    assert "AWS_SECRET_ACCESS_KEY" not in passed_on
    assert "HTTP_PROXY" not in passed_on
    assert passed_on["MLFLOW_DISABLE_TELEMETRY"] == "true"
