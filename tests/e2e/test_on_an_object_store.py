"""A sweep on a real S3-compatible service is the sweep on a folder, bit for bit."""

import json
import os
from pathlib import Path

import command_line
import pytest
from calling import refused
from command_line import CommandLine

from acutance_platform.tracking import local_server
from acutance_platform.verbs import Home
from acutance_platform.verbs.looking import status
from acutance_platform.verbs.verifying import verify_store
from acutance_storage import open_store

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DEMO = EXPERIMENTS / "demo" / "sweep.yaml"
QUICKSTART = EXPERIMENTS / "quickstart" / "sweep.yaml"
ONE_BY_ONE = (
    ("search.sampler", "{kind: random}"),
    ("search.scheduler", "{kind: none}"),
    ("resources.cpu", str(os.cpu_count())),
)
SMALL = (
    *ONE_BY_ONE,
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


def swept(command, name, store, local, sweep=DEMO, sets=SMALL):
    """Run a sweep, by default the demo made small, one trial at a time; return its status."""
    command.variables |= {"ACUTANCE_STORE": store, "ACUTANCE_LOCAL": str(local)}
    options = [part for path, value in sets for part in ("--set", f"{path}={value}")]
    return json.loads(command.run("sweep", sweep, "--name", name, *options, "--json"))


@pytest.mark.long
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


@pytest.mark.long
def test_the_quickstart_gives_the_same_weights_on_an_object_store_as_in_a_folder(
    command, service, tmp_path, monkeypatch, record_property
):
    monkeypatch.setattr(command_line, "LIMIT", 7200.0)
    store = str(tmp_path / "store")
    near = swept(command, "near", store, tmp_path / "near", QUICKSTART, ONE_BY_ONE)
    far = swept(command, "far", service.address(), tmp_path / "far", QUICKSTART, ONE_BY_ONE)
    pairs = list(zip(near["trials"], far["trials"], strict=True))
    assert [one["state"] for one in far["trials"]] == ["COMPLETE"] * 12
    for one, other in pairs:
        assert (one["weights"], one["metrics"]) == (other["weights"], other["metrics"])
    record_property("service", service.name)
    record_property("steps_each", far["steps_executed"])
    record_property("weights_in_both", [other["weights"] for _, other in pairs])


@pytest.mark.long
def test_the_quickstart_as_shipped_runs_on_an_object_store(
    command, service, tmp_path, monkeypatch, record_property
):
    monkeypatch.setattr(command_line, "LIMIT", 7200.0)
    address, local = service.address(), tmp_path / "local"
    done = swept(command, "quickstart", address, local, QUICKSTART, sets=())
    assert {trial["state"] for trial in done["trials"]} <= {"COMPLETE", "STOPPED"}
    assert len(done["trials"]) == 12
    best = next(trial for trial in done["trials"] if trial["trial"] == done["best"])
    assert best["metrics"]["psnr_y"] > done["baseline"]["psnr_y"]
    verified = verify_store(home=Home(open_store(address, local=local), local))
    assert (verified.damage, verified.torn) == ([], [])
    record_property("service", service.name)
    record_property("best_psnr_y", best["metrics"]["psnr_y"])
    record_property("bicubic_psnr_y", done["baseline"]["psnr_y"])
    record_property("steps_executed", done["steps_executed"])
    record_property("blobs_verified", verified.blobs)


def test_datasets_doctor_and_gc_work_there(place, acutance, service, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", service.address())
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")  # the address says it
    assert acutance("data", "add", "photos", "photos").code == 0
    assert acutance("data", "list", "--json").json[0]["pictures"] == 5
    assert acutance("data", "verify", "photos").code == 0
    rules = ("--min-side", "64", "--centre-square", "--resize", "64", "--sub-pictures", "32", "32")
    assert acutance("data", "add", "cut", "photos", *rules).code == 0
    shown = acutance("data", "show", "cut", "--json").json
    assert list(shown["lineage"][0]["rules"].values()) == [64, True, 64, "matlab_resize", [32, 32]]
    assert shown["statistics"]["pixels"] == 5 * 64 * 64
    assert "by acutance" in acutance("data", "show", "cut").out
    assert "cut is on this machine" in acutance("data", "pull", "cut").out
    refused(acutance("data", "add", "cut"), "either FOLDER or --from")
    refused(acutance("data", "add", "cut", "--from", "photos"), "give s3://BUCKET/PREFIX")
    assert "write, read and delete work" in acutance("doctor").out
    assert acutance("gc", "--json").json["blobs"] == []
    assert "the store is sound" in acutance("store", "verify").out
    assert not (place / "store").exists()
    assert not [path for path in place.rglob("*") if "s3:" in path.name]


def test_a_bucket_that_is_not_there_is_one_clear_line(place, acutance, service, monkeypatch):
    monkeypatch.setenv("ACUTANCE_STORE", f"s3://not-there/x?endpoint={service.endpoint}")
    for command in (("data", "list"), ("gc",), ("status", "s"), ("sweep", "sweep.yaml")):
        refused(acutance(*command), "there is no bucket 'not-there'")
