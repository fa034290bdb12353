"""Sweeps on a cluster of three nodes with GPUs that are only counted: packed, and side by side."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest
import sweeps
from fake_cluster import fake_cluster

from acutance_platform.search import open_sweep, sweep_journal
from acutance_storage import open_store

LIMIT = 240.0
"""Seconds for anything to happen; a machine may be busy."""


@pytest.fixture(scope="module")
def address():
    memory = {"gpu_memory_gib": 16}
    with fake_cluster(
        {"num_cpus": 3, "num_gpus": 2, "resources": memory},
        {"num_cpus": 2, "num_gpus": 1, "resources": memory},
        {"num_cpus": 4},
    ) as found:
        yield found


@contextmanager
def driver(folder, address, **options):
    """Run a driver of `sweeps.plan(**options)` as a process of its own."""
    paths = [str(Path(sweeps.__file__).parent), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    process = subprocess.Popen(
        [sys.executable, sweeps.__file__, str(folder), json.dumps(options)],
        env={**os.environ, "PYTHONPATH": path, "RAY_ADDRESS": address},
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


def ended(process):
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    return out.strip()


def until(happened, *processes):
    deadline = time.monotonic() + LIMIT
    while not happened():
        assert time.monotonic() < deadline, "nothing happened"
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.1)


def lives(*folders):
    """Return first and last step, node, GPU and share of each leg and each GPU that it had."""
    spans = defaultdict(list)
    for folder in folders:
        log = folder / "store" / "fake" / "where.log"
        for at, node, gpus, share, owner, pid in map(json.loads, log.read_text().splitlines()):
            for gpu in gpus.split(","):
                spans[(node, gpu, min(1.0, share), owner, pid)].append(at)
    return [(min(at), max(at), *key[:3]) for key, at in spans.items()]


def fullest(*folders):
    """Return the most that legs ever took of one GPU together."""
    found = lives(*folders)
    return max(
        sum(e[4] for e in found if e[2:4] == (node, gpu) and e[0] <= begin <= e[1])
        for begin, _, node, gpu, _ in found
    )


def in_flight(folder):
    """Return the number of legs in flight, after each record; every trial is one leg."""
    counts, flying = [0], set()
    for record in sweep_journal(open_store(folder / "store"), "demo").read():
        if record["do"] == "leg":
            flying.add(record["trial"])
        elif record["do"] in ("value", "end"):
            flying.discard(record["trial"])
        counts.append(len(flying))
    return counts


def test_trials_are_packed_by_their_memory_and_no_gpu_is_over_full(tmp_path, address):
    # Of 16 GiB with 0.5 for a context: an eighth, a half, a whole one.
    shares = {0.5: 0.125, 4.0: 0.5, 11.0: 1.0}
    options = {
        "space": {"fake.gib": {"choice": list(shares)}, "fake.quality": {"choice": [1.0, 2.0]}},
        "sampler": {"kind": "grid"},
        "scheduler": {"kind": "none"},
        "resources": {"cpu": 1, "gpu": "auto"},
        "fake": {"seconds": 0.1},
    }
    with driver(tmp_path, address, trials=6, **options) as process:
        assert ended(process) == "COMPLETE"
    sweep = open_sweep(open_store(tmp_path / "store"), "demo")
    assert [t.share for t in sweep.trials.values()] == [
        shares[t.recipe["fake.gib"]] for t in sweep.trials.values()
    ]
    assert sorted(life[4] for life in lives(tmp_path)) == [0.125, 0.125, 0.5, 0.5, 1.0, 1.0]
    assert fullest(tmp_path) <= 1.0
    assert max(in_flight(tmp_path)) > 3, "there are three GPUs"


@pytest.mark.long
def test_the_sweep_of_higher_priority_goes_first_and_nothing_idles(tmp_path, address):
    quick = {"steps": 12, "every": 3, "scheduler": {"kind": "none"}, "fake": {"seconds": 0.25}}
    first, second = tmp_path / "low", tmp_path / "high"
    low = {**quick, "trials": 100, "resources": {"cpu": 1, "gpu": 1}}
    high = {**quick, "trials": 3, "resources": {"cpu": 1, "gpu": 1, "max_gpus": 2, "priority": 5}}
    with driver(first, address, **low) as slow:
        until(lambda: in_flight(first)[-1] == 3, slow)
        with driver(second, address, **high) as fast:
            until(lambda: in_flight(second)[-1] == 2, slow, fast)
            assert in_flight(first)[-1] <= 1, "it gave two back as its legs ended, before"
            assert ended(fast) == "COMPLETE"
        assert max(in_flight(second)) == 2, "no more than its max_gpus"
        until(lambda: in_flight(first)[-1] == 3, slow)
        slow.send_signal(signal.SIGINT)
        assert ended(slow) == "INTERRUPTED"
    assert fullest(first, second) <= 1.0
    began = sorted(lives(second))
    assert began[1][0] < began[0][1], "its first two legs ran at one time"
