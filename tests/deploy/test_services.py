"""The cluster of one machine: its folder after an interruption, its ports, what it ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import cluster
import database
import place as places
import pytest
from background import Background
from place import Place, Trouble

SWIFT = Path(cluster.__file__).with_name("swift.sh")
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
VARIABLES = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize("written", range(4))
def test_a_folder_that_was_left_half_made_is_completed(tmp_path, monkeypatch, written):
    left, whole = [written], places.write_private

    def interrupted(path, text):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        whole(path, text)

    monkeypatch.setattr(places, "write_private", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _ = Place(tmp_path / "c").settings
    monkeypatch.setattr(places, "write_private", whole)
    again = Place(tmp_path / "c")
    drawn = again.settings
    assert len(again.token.read_text()) == 64
    assert drawn["database"] in again.passwords.read_text()
    assert (again.folder / "swift" / "secret").read_text() == drawn["swift"]


def test_what_is_to_be_sourced_is_read_as_it_was_meant_in_any_folder(tmp_path):
    folder = tmp_path / "it's a folder; echo $HOME"
    path = Place(folder).write_environment()
    command = ["bash", "-c", '. "$0" && printf %s "$RAY_AUTH_TOKEN_PATH"', path]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == str(folder.resolve() / "ray-token")
    assert Path(told.stdout).exists()


def test_a_port_that_somebody_took_meanwhile_is_named_with_a_way_out(tmp_path):
    here, background = Place(tmp_path / "c"), Background(tmp_path / "c")
    here.require_free("mlflow")
    with socket.create_server(("127.0.0.1", here.port("mlflow"))):
        with pytest.raises(Trouble, match=rf"port {here.port('mlflow')}, .* WIPE=1"):
            background.start("x", SLEEP, VARIABLES, may=lambda: here.require_free("mlflow"))
        assert not background.alive("x")


def test_who_may_start_is_asked_once_what_was_left_has_ended(tmp_path):
    """A dead leader's child may hold the port."""
    background, alive = Background(tmp_path), []
    parent = f"import subprocess, sys; subprocess.Popen({SLEEP!r}); sys.stdin.read()"
    leader = subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, start_new_session=True
    )
    background.note("x", leader.pid)
    while len(background.members("x")) < 2:
        assert leader.poll() is None
    (child,) = [each for each in background.members("x") if each.pid != leader.pid]
    leader.kill()
    leader.communicate()
    assert background.start("x", SLEEP, VARIABLES, may=lambda: alive.append(child.is_running()))
    assert alive == [False]
    assert not background.start("x", SLEEP, VARIABLES, may=lambda: alive.append("asked"))
    assert alive == [False]
    background.stop("x")


def test_stopping_what_was_never_started_makes_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cluster.py", "stop", "--wipe", "--folder", f"{tmp_path}/c"])
    assert cluster.main() == 0
    assert "nothing was started" in capsys.readouterr().out
    assert not (tmp_path / "c").exists()


def test_wiping_needs_no_package_that_never_came(tmp_path, monkeypatch):
    monkeypatch.setattr(database.os, "geteuid", lambda: 0)
    monkeypatch.setattr(database, "PACKAGE_USER", "nobody-is-called-so")
    database.wipe(Place(tmp_path / "c"))


def test_the_s3_server_ends_no_process_that_only_has_its_number(tmp_path):
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        for part in ("account", "container", "object", "proxy"):
            (tmp_path / f"{part}.pid").write_text(f"{stranger.pid}\n")
        subprocess.run([SWIFT, "stop", tmp_path], check=True)
        assert stranger.poll() is None
        assert not (tmp_path / "proxy.pid").exists()
    finally:
        stranger.kill()
        stranger.wait()
