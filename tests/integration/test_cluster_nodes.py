"""Sweeps on a Ray cluster of several nodes with disks of their own; nodes that go."""

import threading
import time
from collections import Counter

import pytest
import sweeps
from ray.cluster_utils import Cluster

from acutance_platform.search import sweep_journal
from acutance_platform.sweep.driver import run_sweep
from acutance_platform.sweep.places import drain
from acutance_platform.sweep.survey import survey
from acutance_storage import open_store

LIMIT = 120.0


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A head that runs no trial, and two nodes of one processor each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    for name in ("PYTHONPATH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    made = Cluster()
    # Six seconds, and not three: beside other tests a live node may be silent for as long.
    soon = {f"health_check_{what}_ms": 1000 for what in ("initial_delay", "period", "timeout")}
    made.add_node(
        num_cpus=0,
        include_dashboard=False,
        object_store_memory=80 * 1024**2,
        _system_config=soon | {"health_check_failure_threshold": 6},
    )
    folders = [tmp_path / name for name in ("one", "two")]
    nodes = [
        made.add_node(
            num_cpus=1,
            object_store_memory=80 * 1024**2,
            env_vars={"ACUTANCE_LOCAL": str(folder)},
        )
        for folder in folders
    ]
    made.wait_for_nodes()
    yield made, dict(zip(folders, nodes, strict=True))
    made.shutdown()


class Running:
    """A sweep that runs in a thread of this process, and its journal."""

    def __init__(self, folder, address, **options):
        self.store, self.records = open_store(folder / "store"), []
        self.plan = sweeps.plan(trials=4, scheduler={"kind": "none"}, **options)
        self._journal = sweep_journal(self.store, "demo")
        self._outcome = []
        self._thread = threading.Thread(target=self._run, args=(folder, address))
        self._thread.start()

    def _run(self, folder, address):
        self._outcome.append(
            run_sweep(
                self.plan,
                journal=sweep_journal(self.store, "demo"),
                store=self.store,
                local=folder / "local",
                address=address,
            )
        )

    def until(self, happened):
        """Wait until the records make `happened` true."""
        deadline = time.monotonic() + LIMIT
        while not happened(self.records):
            assert time.monotonic() < deadline, self.records
            assert self._thread.is_alive() or self._outcome, "the driver failed"
            time.sleep(0.1)
            self.records += self._journal.read_new()

    def end(self):
        """Wait for the end and return the sweep's state."""
        self._thread.join(LIMIT)
        self.records += self._journal.read_new()
        return self._outcome[0]


def of(records, do):
    return [record for record in records if record["do"] == do]


def slow(seconds=0.15):
    return sweeps.recipe(steps=20, every=5, seconds=seconds, save_every=1)


def test_a_node_that_is_killed_costs_no_trial_and_no_step(cluster, tmp_path):
    ray_nodes, by_folder = cluster
    # The sweep has to last until the death is noticed: at most 7 s by Ray, 5 s more by the watch.
    running = Running(tmp_path, ray_nodes.address, base=slow(seconds=0.25))
    running.until(lambda records: len({r["node"] for r in of(records, "begin")}) == 2)
    ray_nodes.remove_node(by_folder[tmp_path / "two"], allow_graceful=False)
    assert running.end() == "COMPLETE"
    records = running.records
    failures = of(records, "failure")
    assert len(failures) == 1, failures
    nodes = {r["node"] for r in of(records, "begin")}
    survivor = of(records, "begin")[-1]["node"]
    # Its worker was missed first; that the node had died was found later, and counted.
    pardoned = [(r["trial"], {r["node"]}) for r in of(records, "pardon")]
    assert failures[0]["lost"] or pardoned == [(failures[0]["trial"], nodes - {survivor})]
    # The leg may have died before it could say where it began.
    moved = [r["node"] for r in of(records, "begin") if r["trial"] == failures[0]["trial"]]
    assert moved[-1] == survivor, "it went on elsewhere"
    assert Counter(r["state"] for r in of(records, "end")) == {"COMPLETE": 4}
    reports = Counter((r["trial"], r["step"]) for r in of(records, "report"))
    assert set(reports.values()) == {1}
    # A step is computed again only if it was not saved: at most the one that was cut off.
    steps = (tmp_path / "store" / "fake" / "steps.log").read_text().split("\n")
    done = Counter(tuple(line.split()[:2]) for line in steps if line)
    assert sum(done.values()) - len(done) <= 1
    assert len(done) == 80


def test_a_node_that_is_drained_hands_its_trial_over_with_nothing_lost(cluster, tmp_path):
    ray_nodes, by_folder = cluster
    base = slow()
    del base["fake"]["save_every"]  # nothing is saved between reports unless somebody asks
    running = Running(tmp_path, ray_nodes.address, base=base)
    running.until(lambda records: len({r["node"] for r in of(records, "begin")}) == 2)
    node = by_folder[tmp_path / "one"]
    seconds, left = drain(tmp_path / "one", within=30)
    assert left == 0
    assert seconds < 20
    ray_nodes.remove_node(node)
    assert running.end() == "COMPLETE"
    assert all(failure["lost"] for failure in of(running.records, "failure"))
    assert of(running.records, "failure"), "the leg ended"
    steps = (tmp_path / "store" / "fake" / "steps.log").read_text().split("\n")
    done = Counter(tuple(line.split()[:2]) for line in steps if line)
    assert set(done.values()) == {1}, "every step was saved before the node went"


def test_a_leg_that_comes_to_a_node_of_another_kind_goes_on_elsewhere(cluster, tmp_path):
    ray_nodes, _ = cluster
    other = ray_nodes.add_node(
        num_cpus=1, object_store_memory=80 * 1024**2, env_vars={"FAKE_KIND": "other"}
    )
    ray_nodes.wait_for_nodes()
    # The sweep knows of three nodes, and its trials outlast the start of a worker: three legs run
    # at once, and one of them comes to the other node.
    running = Running(tmp_path, ray_nodes.address, base=slow(seconds=0.5))
    assert running.end() == "COMPLETE"
    refused = other.node_id[:12]
    began = Counter(record["node"] for record in of(running.records, "begin"))
    assert 1 <= began.pop(refused) <= 2, "it is not tried again and again"
    assert len(began) == 2
    failures = of(running.records, "failure")
    assert all(failure["lost"] for failure in failures), "no fault of the trial"
    steps = (tmp_path / "store" / "fake" / "steps.log").read_text().split("\n")
    assert len(list(filter(None, steps))) == 80, "no step was done there, none twice"


def test_the_nodes_are_asked_what_they_have(cluster, tmp_path):
    ray_nodes, _ = cluster
    store = open_store(tmp_path / "store")
    facts = survey(ray_nodes.address, store, plugins=["chaos_losses"], resources={})
    assert facts.torch.startswith("2.13")
    assert facts.gpus == 0
    assert not list((tmp_path / "store").rglob("doctor/*")), "the question is taken back"
