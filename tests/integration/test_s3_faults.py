"""A fifth of all requests goes wrong, and nothing is lost, wrong or late without end."""

import dataclasses
import random
import threading
import time

import pytest
from fault_proxy import faulty

from acutance_storage import (
    blob_path,
    delete_ref,
    get_blob,
    get_ref,
    has_blob,
    list_refs,
    open_store,
    put_blob,
    put_blob_file,
    set_ref,
)
from acutance_storage.journal import Journal

WORKERS = 4
LARGE = 9_000_000
SHARE = 0.2


class Worker(threading.Thread):
    """Does what trials, ingests and drivers do, and remembers what it was told is done."""

    def __init__(self, number, store, operations, folder, large_every):
        super().__init__(name=f"worker-{number}")
        self.number, self.store, self.operations = number, store, operations
        self.folder, self.large_every = folder, large_every
        self.random = random.Random(number)
        self.blobs, self.refs, self.told = {}, {}, []
        self.journal = Journal(store, f"sweeps/w{number}")
        self.error = None

    def run(self):
        try:
            for step in range(self.operations):
                deeds = [self.put, self.get, self.name, self.follow, self.map, self.write_down]
                if step % self.large_every == self.large_every - 1:
                    deeds = [self.put_large]
                elif not self.blobs:
                    deeds = [self.put]
                self.random.choice([*deeds, *deeds, self.forget])()
        except BaseException as error:
            self.error = error

    def put(self):
        data = self.random.randbytes(self.random.choice([0, 1, 700, 60_000]))
        self.blobs[put_blob(self.store, data)] = data

    def put_large(self):
        data = self.random.randbytes(LARGE)
        path = self.folder / f"large-{self.number}"
        path.write_bytes(data)
        self.blobs[put_blob_file(self.store, path)] = data

    def get(self):
        sha = self.random.choice(list(self.blobs))
        assert get_blob(self.store, sha) == self.blobs[sha], "a wrong byte was accepted"

    def map(self):
        sha = self.random.choice(list(self.blobs))
        assert blob_path(self.store, sha).read_bytes() == self.blobs[sha]

    def name(self):
        name = f"w{self.number}/{self.random.randrange(5)}"
        self.put()
        sha = list(self.blobs)[-1]
        set_ref(self.store, "models", name, {"blob": sha})
        self.refs[name] = sha

    def follow(self):
        for name in list_refs(self.store, "models", f"w{self.number}/"):
            ref = get_ref(self.store, "models", name)
            assert ref == {"blob": self.refs[name]}
            assert has_blob(self.store, ref["blob"])

    def forget(self):
        for name in list(self.refs)[:1]:
            delete_ref(self.store, "models", name)
            del self.refs[name]

    def write_down(self):
        record = {"n": len(self.told), "by": self.number}
        self.journal.append(record)
        self.told.append(record)


def endure(service, folder, operations, large_every):
    """Let workers use a store through a bad proxy; return what was counted."""
    true = open_store(service.address(), local=folder / "direct")
    with faulty(service.endpoint, share=SHARE, stall=1.5) as proxy:
        place = dataclasses.replace(true.place, endpoint=proxy.endpoint)
        bad = dataclasses.replace(
            true, place=place, cache=folder / "cache", timeout=1.0, settle=4.0
        )
        began = time.monotonic()
        workers = [
            Worker(number, bad, operations // WORKERS, folder, large_every)
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = time.monotonic() - began
    for worker in workers:
        if worker.error is not None:
            raise worker.error
        for sha, data in worker.blobs.items():
            assert get_blob(true, sha) == data, "a blob was lost"
        for name, sha in worker.refs.items():
            assert get_ref(true, "models", name) == {"blob": sha}
        assert set(list_refs(true, "models", f"w{worker.number}/")) == set(worker.refs)
        assert Journal(true, f"sweeps/w{worker.number}").read() == worker.told
    assert not list((folder / "cache").rglob(".tmp-*"))
    return {
        "operations": operations,
        "requests": proxy.requests,
        "faults": dict(proxy.faults),
        "seconds": round(seconds, 1),
    }


def test_faults_lose_nothing(service, tmp_path):
    counted = endure(service, tmp_path, operations=120, large_every=15)
    assert len(counted["faults"]) == 8, "every kind of fault came"
    assert counted["seconds"] < 120


@pytest.mark.parametrize("service", ["moto"], indirect=True)
def test_a_service_that_checks_nothing_is_caught_by_what_it_answers(service, tmp_path):
    true = open_store(service.address(), local=tmp_path / "direct")
    with faulty(service.endpoint, share=0.5, kinds=("flipped",)) as proxy:
        place = dataclasses.replace(true.place, endpoint=proxy.endpoint)
        bad = dataclasses.replace(true, place=place, cache=tmp_path / "cache")
        for number in range(30):
            data = bytes([number]) * 1000
            sha = put_blob(bad, data)
            assert get_blob(true, sha) == data
            assert get_blob(bad, sha) == blob_path(bad, sha).read_bytes() == data
            assert bad.sha256(f"blobs/{sha[:2]}/{sha}") == sha, "no false alarm either"
        large = random.Random(0).randbytes(LARGE)
        assert get_blob(true, put_blob(bad, large)) == large
    assert proxy.faults["flipped"] > 30


@pytest.mark.long
def test_two_thousand_operations_through_faults_lose_nothing(service, tmp_path, record_property):
    counted = endure(service, tmp_path, operations=2400, large_every=60)
    assert sum(counted["faults"].values()) > 0.17 * counted["requests"]
    assert counted["seconds"] < 1800
    for name, value in counted.items():
        record_property(name, value)
