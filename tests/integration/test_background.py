"""Background processes of a folder: found again, and ended with all that they started."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from background import Background

FAMILY = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print('up');"
    "time.sleep(600)"
)
VARIABLES = {"PATH": os.environ["PATH"]}


@pytest.fixture
def background(tmp_path):
    found = Background(tmp_path)
    yield found
    for name in found.names():
        found.stop(name)


def start_family(background, name="family"):
    background.start(name, [sys.executable, "-uc", FAMILY], VARIABLES)
    wait_for(lambda: len(background.members(name)) == 2)
    return background.members(name)


def wait_for(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_runs_is_not_started_again_also_by_another_process_of_ours(background, tmp_path):
    family = start_family(background)
    assert not background.start("family", [sys.executable, "-c", "1"], VARIABLES)
    again = Background(tmp_path)
    assert again.names() == ["family"]
    assert again.alive("family")
    assert sorted(p.pid for p in again.members("family")) == sorted(p.pid for p in family)
    wait_for(lambda: again.log("family").read_text() == "up\n")


def test_stopping_ends_descendants_as_well(background):
    family = start_family(background)
    background.stop("family")
    assert not any(process.is_running() for process in family)
    assert background.names() == []
    background.stop("family")  # twice is fine


def test_descendants_of_a_leader_that_was_killed_are_ended_before_it_starts_anew(background):
    family = start_family(background)
    leader = next(p for p in family if "Popen" in " ".join(p.cmdline()))
    leader.kill()
    wait_for(lambda: not background.alive("family"))
    (orphan,) = background.members("family")
    fresh = start_family(background)
    assert not orphan.is_running()
    assert not {leader, orphan} & set(fresh)


def test_a_number_that_somebody_else_has_by_now_is_let_alone(background, tmp_path):
    stranger = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        born = psutil.Process(stranger.pid).create_time()
        record = {"pid": stranger.pid, "born": born - 1000}
        (tmp_path / "run" / "family.json").write_text(json.dumps(record))
        assert not background.alive("family")
        assert background.members("family") == []
        background.stop("family")
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


def test_a_process_knows_only_the_variables_that_it_was_given(background, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-everybody")
    told = "import os; print(os.environ.get('AWS_SECRET_ACCESS_KEY'), flush=True)"
    background.start("quiet", [sys.executable, "-c", told], VARIABLES)
    wait_for(lambda: background.log("quiet").read_text() == "None\n")
