"""A sweep on a real S3-compatible service is the sweep on a folder, bit for bit."""

import json
import os
from pathlib import Path

import pytest
from calling import refused
from command_line import CommandLine

from acutance_platform.tracking import local_server
from acutance_platform.verbs import Home
from acutance_platform.verbs.looking import status
from acutance_platform.verbs.verifying import verify_store
from acutance_storage import open_store

DEMO = Path(__file__).parents[2] / "experiments" / "demo" / "sweep.yaml"
SMALL = (
    ("search.sampler", "{kind: random}"),
    ("search.scheduler", "{kind: none}"),
    ("search.budget.trials", "2"),
    ("stages.train.steps", "20"),
    ("evaluation.every", "10"),
    ("checkpoint.every", "10"),
)


@pytest.fixture
def command(tmp_path, service):
    line = CommandLine(tmp_path, **service.variables)
    yield line
    line.clean()


def swept(command, name, store, local):
    """Run the demo, made small, one trial at a time; return its status."""
    command.variables |= {"ACUTANCE_STORE": store, "ACUTANCE_LOCAL": str(local)}
    sets = [*SMALL, ("resources.cpu", str(os.cpu_count()))]
    options = [part for path, value in sets for part in ("--set", f"{path}={value}")]
    return json.loads(command.run("sweep", DEMO, "--name", name, *options, "--json"))


def test_the_demo_gives_the_same_weights_on_swift_as_in_a_folder(command, service, tmp_path):
    address, local = service.address(), tmp_path / "local"
    with local_server(local):
        folder = swept(command, "folder", str(tmp_path / "store"), local)
        assert not (local / "cache" / "blobs").exists()
        far = swept(command, "far", address, local)
    assert [trial["state"] for trial in far["trials"]] == ["COMPLETE"] * 2
    for one, other in zip(folder["trials"], far["trials"], strict=True):
        assert one["weights"] == other["weights"]
        assert one["metrics"] == other["metrics"]
    # Everything that is kept is there, and the node mapped the pictures from its cache.
    assert list((local / "cache" / "blobs").rglob("[0-9a-f]" * 64))
    home = Home(open_store(address, local=local), local)
    assert json.loads(json.dumps(status("far", home=home))) == far
    verified = verify_store(home=home)
    assert (verified.damage, verified.torn) == ([], [])
    assert verified.documents >= 5
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(service.secret.encode() in text for text in written)


def test_datasets_doctor_and_gc_work_there(place, acutance, service, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", service.address())
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")  # the address says it
    assert acutance("data", "add", "photos", "photos").code == 0
    assert acutance("data", "list", "--json").json[0]["pictures"] == 5
    assert acutance("data", "verify", "photos").code == 0
    assert "write, read and delete work" in acutance("doctor").out
    assert acutance("gc", "--json").json["blobs"] == []
    assert "the store is sound" in acutance("store", "verify").out
    assert not (place / "store").exists()
    assert not [path for path in place.rglob("*") if "s3:" in path.name]


def test_a_bucket_that_is_not_there_is_one_clear_line(place, acutance, service, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", f"s3://not-there/x?endpoint={service.endpoint}")
    for command in (("data", "list"), ("gc",), ("status", "s"), ("sweep", "sweep.yaml")):
        refused(acutance(*command), "there is no bucket 'not-there'")
