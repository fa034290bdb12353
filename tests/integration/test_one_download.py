"""However many processes of a node want a dataset, it comes once and lies in memory once."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fault_proxy import faulty
from PIL import Image

from acutance_storage import add_dataset, open_dataset, open_store

HELPER = Path(__file__).parents[1] / "helpers" / "map_dataset.py"


def written(folder, count, side):
    """Write pictures of noise, which are no copies of each other."""
    random = np.random.default_rng(count)
    folder.mkdir()
    for index in range(count):
        noise = random.integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{index}.bmp")
    return folder


def shared_bytes(process):
    """Return the process's memory, each page divided by the number of processes that map it."""
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return 1024 * int(text.partition("\nPss:")[2].split()[0])


def wanted_by(processes, service, folder, pictures, side):
    """Let processes map one dataset together; return what it cost."""
    store = open_store(service.address(), local=folder / "writer")
    add_dataset(store, "small", written(folder / "small", 4, 64))
    add_dataset(store, "large", written(folder / "large", pictures, side))
    with faulty(service.endpoint, share=0.0) as proxy:
        address = store.address.replace(service.endpoint, proxy.endpoint)
        command = [sys.executable, str(HELPER), address, "small", "large"]
        variables = {**os.environ, "ACUTANCE_LOCAL": str(folder / "local")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started = [subprocess.Popen(command, env=variables, **pipes) for _ in range(processes)]
        try:
            assert [process.stdout.readline() for process in started] == ["ready\n"] * processes
            before = sum(map(shared_bytes, started))
            sent, peak = proxy.sent, Peak(started)
            for process in started:
                process.stdin.write("go\n")
                process.stdin.flush()
            totals = {process.stdout.readline() for process in started}
            extra = peak.end() - before
            sent = proxy.sent - sent
        finally:
            for process in started:
                process.communicate()
    dataset = open_dataset(store, "large")
    true = sum(int(dataset.hr(index).sum()) for index in range(len(dataset)))
    assert totals == {f"done {true}\n"}
    size = pictures * side * side * 3
    files = [path for path in (folder / "local").rglob("*") if path.stat().st_size > size // 4]
    return {"bytes": size, "sent": sent, "extra": extra, "files": sum(map(Path.is_file, files))}


class Peak(threading.Thread):
    """Watches the memory of processes until it is told to end."""

    def __init__(self, processes):
        super().__init__()
        self.processes, self.most, self.ended = processes, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            self.most = max(self.most, sum(map(shared_bytes, self.processes)))

    def end(self):
        self.ended.set()
        self.join()
        return max(self.most, sum(map(shared_bytes, self.processes)))


def test_three_processes_download_once(service, tmp_path):
    cost = wanted_by(3, service, tmp_path, pictures=16, side=1024)
    # Beside the pixels there are indices and refs, which each process reads for itself.
    assert cost["bytes"] < cost["sent"] < 1.05 * cost["bytes"]
    assert cost["files"] == 1
    assert cost["extra"] < 2 * cost["bytes"]


def test_a_dataset_comes_before_anybody_looks_at_it(service, tmp_path):
    store = open_store(service.address(), local=tmp_path / "writer")
    add_dataset(store, "ahead", written(tmp_path / "ahead", 4, 64))
    node = open_store(store.address, local=tmp_path / "node")
    dataset = open_dataset(node, "ahead")
    dataset.prefetch()
    end = time.monotonic() + 30
    while not [path for path in tmp_path.glob("node/cache/blobs/*/*") if len(path.name) == 64]:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (dataset.hr(0) == open_dataset(store, "ahead").hr(0)).all()


@pytest.mark.long
def test_sixteen_processes_map_200_mb_once(service, tmp_path, record_property):
    began = time.monotonic()
    cost = wanted_by(16, service, tmp_path, pictures=17, side=2000)
    record_property("seconds", round(time.monotonic() - began, 1))
    for name, value in cost.items():
        record_property(name, value)
    record_property("memory_per_dataset", round(cost["extra"] / cost["bytes"], 3))
    assert cost["bytes"] < cost["sent"] < 1.05 * cost["bytes"]
    assert cost["extra"] < 1.3 * cost["bytes"]
