"""Pictures that lie in a bucket become a dataset, a few files at a time."""

import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from calling import photographs
from object_stores import BUCKET

from acutance_storage import (
    DatasetError,
    StorageError,
    add_dataset,
    open_dataset,
    open_store,
    pull_dataset,
    verify_dataset,
)
from acutance_storage.s3_source import AHEAD, S3Source

MANY = 20


@pytest.fixture
def prefix(service, tmp_path, request):
    """A prefix with photographs, a folder with the same ones, and what does not belong."""
    folder, client = photographs(tmp_path / "in", MANY), service.client()
    top = f"from/{tmp_path.name}"
    for number, path in enumerate(sorted(folder.iterdir())):
        # Names that no key of a store could have.
        path = path.rename(folder / f"ein Bild ü+{number:02d}.png")
        client.put_object(Bucket=BUCKET, Key=f"{top}/{path.name}", Body=path.read_bytes())
    for name, body in ((".hidden.png", b"x"), ("notes.txt", b"x"), ("sub/", b"")):
        client.put_object(Bucket=BUCKET, Key=f"{top}/{name}", Body=body)
    client.put_object(Bucket=BUCKET, Key=f"{top}-other/x.png", Body=b"x")
    return f"s3://{BUCKET}/{top}", folder


@pytest.fixture
def store(service, tmp_path, monkeypatch):
    monkeypatch.setenv("ACUTANCE_LOCAL", str(tmp_path / "local"))
    return open_store(service.address())


@pytest.mark.parametrize("service", ["moto", "swift"], indirect=True)
def test_a_prefix_becomes_the_same_dataset_as_a_folder(store, prefix, tmp_path):
    address, folder = prefix
    most = []

    def count(done, total):
        most.append(len(list((tmp_path / "local" / "spool").glob("*/fetched-*"))))

    report = add_dataset(store, "photos", address, progress=count)
    assert report.skipped == (
        (".hidden.png", "hidden"),
        ("notes.txt", report.skipped[1][1]),
    )
    assert "not a picture" in report.skipped[1][1]
    near = add_dataset(open_store(tmp_path / "near"), "photos", folder).dataset
    assert report.dataset.version == near.version
    assert report.dataset.lineage[0].address.startswith(address)
    assert 0 < max(most) <= AHEAD < MANY
    assert verify_dataset(store, "photos") == []
    size = pull_dataset(store, "photos@" + near.version)
    cached = list((tmp_path / "local/cache/blobs").rglob("[0-9a-f]" * 64))
    assert [path.name for path in cached] == report.dataset.shards
    assert size == sum(path.stat().st_size for path in cached) > 0


def test_killed_while_it_streams_it_goes_on(store, prefix, tmp_path):
    address, _ = prefix
    program = textwrap.dedent(
        """
        import sys, time
        from acutance_storage import add_dataset, open_store
        from acutance_storage.shards import ShardSpool
        ShardSpool.__init__.__kwdefaults__["limit"] = 50_000

        def progress(done, total):
            if done == 12:
                print("there", flush=True)
                time.sleep(60)

        add_dataset(open_store(sys.argv[1]), "photos", sys.argv[2], progress=progress)
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, store.address, address], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert store.list("refs/datasets/") == []
    report = add_dataset(store, "photos", address)
    assert (report.resumed, len(report.dataset)) == (12, MANY)
    assert len(report.dataset.shards) > 1
    assert verify_dataset(store, "photos") == []
    pictures = open_dataset(store, "photos")
    np.testing.assert_array_equal(pictures.hr(0), report.dataset.hr(0))
    assert store.list("refs/ingests/") == []


def test_what_is_wrong_with_a_prefix_is_said(service, store):
    with pytest.raises(DatasetError, match="holds no file"):
        add_dataset(store, "photos", f"s3://{BUCKET}/nothing/here")
    with pytest.raises(StorageError, match="no bucket 'not-there'"):
        S3Source("s3://not-there/x")
    with pytest.raises(StorageError, match=r"--from='s3://\?'"):
        S3Source("s3://?")
