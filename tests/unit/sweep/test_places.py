import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acutance_platform.sweep.places import come, drain, draining, legs_on, node_folder


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ACUTANCE_LOCAL", raising=False)
    return tmp_path


def test_who_drains_a_node_asks_the_trials_that_run_there_wherever_it_stands(home, monkeypatch):
    monkeypatch.chdir("/")
    mark = come(node_folder(None))
    _, left = drain(within=0.2)
    assert left == 1
    assert draining(home / ".cache" / "acutance" / "drain")
    mark.unlink()
    assert drain(within=5)[1] == 0


def test_a_folder_of_a_users_home_is_the_same_for_who_trains_and_who_drains(home, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", "~/scratch")
    assert node_folder(None) == home / "scratch"


def test_the_mark_of_a_process_that_died_counts_no_leg(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    come(tmp_path).rename(tmp_path / "legs" / f"{dead.pid}-0a0b")
    assert legs_on(tmp_path) == 0
    assert list((tmp_path / "legs").iterdir()) == []


def test_a_mark_counts_no_leg_once_another_process_has_its_number(tmp_path):
    mark = come(tmp_path)
    assert legs_on(tmp_path) == 1
    long_ago = time.time() - 1e6
    os.utime(mark, (long_ago, long_ago))  # before this process was born
    assert legs_on(tmp_path) == 0
    assert not Path(mark).exists()


def test_draining_loads_nothing_that_takes_the_seconds_which_a_node_has_left(home):
    loaded = "print({'torch', 'ray', 'mlflow', 'optuna'} & set(sys.modules))"
    code = f"import atexit, sys; atexit.register(lambda: {loaded});"
    code += "from acutance_platform.cli import main; main(['drain'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "set()"
