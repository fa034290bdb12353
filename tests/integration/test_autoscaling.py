"""Sweeps on a cluster that has no node until somebody asks for one."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import sweeps
from autoscaling import autoscaling_cluster
from autoscaling_state import watched

from acutance_platform.search import sweep_journal
from acutance_storage import open_store

SURVEY = """
import json, sys
from acutance_platform.sweep.survey import survey
from acutance_storage import open_store
_, address, store, resources = sys.argv
print(survey(address, open_store(store), plugins=[], resources=json.loads(resources)))
"""

LIMIT = 240.0
"""Seconds for anything to happen; a machine may be busy."""


@pytest.fixture
def address(monkeypatch):
    for name in ("PYTHONPATH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    small = {"CPU": 1, "acutance_small": 1, "max_workers": 2}
    with autoscaling_cluster(monkeypatch, small=small) as found:
        yield found


@pytest.fixture
def state(address):
    with watched(address) as found:
        yield found


def variables(**more):
    path = os.pathsep.join([str(Path(sweeps.__file__).parent), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, **more}


def surveyed(folder, address, **resources):
    """Return what a survey came to, told by a process of its own, as Ray's token is new to it."""
    asked = [sys.executable, "-c", SURVEY, address, str(folder), json.dumps(resources)]
    return subprocess.run(
        asked, env=variables(), capture_output=True, text=True, check=False, timeout=LIMIT
    )


@contextmanager
def driver(folder, address, **options):
    """Run a driver of `sweeps.plan(**options)` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, sweeps.__file__, str(folder), json.dumps(options)],
        env=variables(RAY_ADDRESS=address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def nodes_of(folder):
    records = sweep_journal(open_store(folder / "store"), "demo").read()
    return [record["node"] for record in records if record["do"] == "begin"]


def until(happened):
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < LIMIT, "it did not happen"
        time.sleep(0.5)
    return round(time.monotonic() - began, 1)


@pytest.mark.long
def test_nodes_come_for_a_sweep_and_go_after_it(address, state, tmp_path, record_property):
    asked = surveyed(tmp_path / "store", address, cpu=64, gpu=0)
    assert "can start none" in asked.stderr, asked
    began = time.monotonic()
    asked = surveyed(tmp_path / "store", address, cpu=1, nodes="small")
    record_property("seconds_to_first_facts", round(time.monotonic() - began, 1))
    assert "gpus=0" in asked.stdout, "gpu: auto is 0 where no node with one can be started"
    assert "waiting for a node that the autoscaler starts (CPU 1, acutance_small" in asked.stderr

    # More trials than there may be nodes: asked for at once, they would bring none. They last long
    # enough for the second node to come.
    slow = {"steps": 20, "every": 5, "scheduler": {"kind": "none"}, "fake": {"seconds": 0.8}}
    marked = {"resources": {"cpu": 1, "gpu": 0, "nodes": "small"}}
    with driver(tmp_path, address, trials=6, **slow, **marked) as process:
        out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    assert out.strip() == "COMPLETE"
    assert len(set(nodes_of(tmp_path))) == 2
    assert state()["requested"] == [], "taken back at once"
    record_property("seconds_until_no_node", until(lambda: state()["workers"] == 0))

    # A driver that is killed takes nothing back; who is silent is forgotten.
    with driver(tmp_path / "killed", address, trials=9, **slow, **marked) as process:
        until(lambda: nodes_of(tmp_path / "killed"))
        assert state()["requested"]
        process.send_signal(signal.SIGKILL)
    record_property("seconds_until_taken_back", until(lambda: not state()["requested"]))
    record_property("seconds_until_no_node_again", until(lambda: state()["workers"] == 0))
    assert state()["actors"] == 0, "the broker would keep its node"
