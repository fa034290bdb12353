"""The recorder against a real MLflow server: every value once, one run per trial, whatever dies."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journal_example import Record, journal_example, told

from acutance_platform.tracking import LocalServer, Recorder, find_runs, local_server
from acutance_platform.tracking.client import connect, experiment_id, list_runs
from acutance_platform.tracking.processes import members


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorder")


@pytest.fixture(scope="module")
def uri(local: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with local_server(local) as address:
            yield address


def ship(uri: str, name: str, records: list[Record]) -> list[tuple[str, str]]:
    announced: list[tuple[str, str]] = []
    recorder = Recorder(
        uri, name=name, records=records, on_run=lambda trial, run: announced.append((trial, run))
    )
    assert recorder.close() == []
    return announced


def assert_shown(uri: str, name: str, records: list[Record]) -> None:
    """MLflow holds one run per trial with exactly the journal's values; nothing is RUNNING."""
    client = connect(uri)
    runs = list_runs(client, experiment_id(client, name), "")
    assert "RUNNING" not in {run.info.status for run in runs}
    parents = [run for run in runs if run.data.tags["acutance.kind"] == "sweep"]
    assert len(parents) == 1
    expected = told(records)
    trials = [run for run in runs if run.data.tags["acutance.kind"] == "trial"]
    assert sorted(run.data.tags["acutance.trial"] for run in trials) == sorted(expected)
    for run in trials:
        assert run.data.tags["mlflow.parentRunId"] == parents[0].info.run_id
        rows = [
            (point.key, point.step, point.value, point.timestamp)
            for key in run.data.metrics
            for point in client.get_metric_history(run.info.run_id, key)
        ]
        assert len(rows) == len(set(rows))
        assert set(rows) == expected[run.data.tags["acutance.trial"]]


def test_shows_states_parameters_and_tags(uri: str) -> None:
    records = journal_example("states", trials=3, reports=2)
    announced = ship(uri, "states", records)
    assert_shown(uri, "states", records)
    found = find_runs(uri, "states")
    assert announced == list(found.items())
    runs = {trial: connect(uri).get_run(run) for trial, run in found.items()}
    assert [run.info.status for run in runs.values()] == ["FINISHED", "FINISHED", "FAILED"]
    states = [run.data.tags["acutance.state"] for run in runs.values()]
    assert states == ["COMPLETE", "STOPPED", "FAILED"]
    params = runs["t0000"].data.params
    assert params == {"optimizer.lr": "0.001", "generator": '{"blocks": 2, "kind": "carn"}'}


def test_whole_journal_again_changes_nothing(uri: str) -> None:
    records = journal_example("again", reports=50)
    ship(uri, "again", records)
    client = connect(uri)
    for run in find_runs(uri, "again").values():
        client.delete_tag(run, "acutance.shipped")  # so that nothing is known as shipped
    ship(uri, "again", records)
    assert_shown(uri, "again", records)


def test_half_and_then_all(uri: str) -> None:
    records = journal_example("half")
    first = ship(uri, "half", records[: len(records) // 2])
    runs = connect(uri).search_runs([experiment_id(connect(uri), "half")])
    assert {run.info.status for run in runs} == {"KILLED"}  # interrupted, until resumed
    known = [{"do": "run", "trial": trial, "run_id": run, "time": 0.0} for trial, run in first]
    assert ship(uri, "half", [*records, *known]) == []
    assert_shown(uri, "half", records)


def test_more_than_a_batch(uri: str) -> None:
    records = journal_example("batches", trials=2, reports=1300)
    before = time.perf_counter()
    ship(uri, "batches", records)
    print(f"2 x 2600 values in {time.perf_counter() - before:.2f} s")
    assert_shown(uri, "batches", records)


def test_a_proxy_for_the_internet_is_passed_by(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(variable, "example.org")
    ship(uri, "proxy", journal_example("proxy", reports=1))


def test_two_sweeps_of_one_name_stay_apart(uri: str) -> None:
    records = journal_example("twin", reports=2)
    other = journal_example("twin", reports=3)
    other[0] = {**other[0], "spec": {"seed": 1}}
    first, second = ship(uri, "twin", records), ship(uri, "twin", other)
    assert not {run for _, run in first} & {run for _, run in second}


def test_a_single_training_is_one_run(uri: str) -> None:
    records = journal_example("alone", trials=1, reports=3, finished=False)
    recorder = Recorder(uri, name="alone", records=records, single=True)
    recorder.artifact(None, "recipe.yaml", b"scale: 2\n")
    assert recorder.close() == []
    client = connect(uri)
    (run,) = client.search_runs([experiment_id(client, "alone")])
    assert run.data.tags["acutance.kind"] == "train"
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["recipe.yaml"]
    assert find_runs(uri, "alone") == {"t0000": run.info.run_id}


def test_files_reach_their_runs(uri: str, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"\x00\x01")
    recorder = Recorder(uri, name="files")
    recorder.artifact(None, "environment.json", b"{}")
    recorder.artifact("t0001", "pictures/chelsea.png", b"png")
    recorder.artifact("t0001", "best.safetensors", tmp_path / "weights.safetensors")
    for record in journal_example("files", reports=1):
        recorder.feed(record)
    assert recorder.close() == []
    client = connect(uri)
    run = recorder.run_ids()["t0001"]
    names = {file.path for file in client.list_artifacts(run)}
    assert names == {"pictures", "best.safetensors"}
    assert [file.path for file in client.list_artifacts(run, "pictures")] == [
        "pictures/chelsea.png"
    ]


def test_a_file_of_no_trial_is_named(uri: str) -> None:
    recorder = Recorder(uri, name="nobody", records=journal_example("nobody", reports=1))
    recorder.artifact("t0099", "x.png", b"")
    assert recorder.close() == ["x.png of trial t0099"]


DRIVER = """
import sys, time
from journal_example import journal_example
from acutance_platform.tracking import Recorder
recorder = Recorder(sys.argv[1], name="killed")
for record in journal_example("killed", reports=200):
    recorder.feed(record)
    time.sleep(0.01)
"""


def test_a_killed_driver_is_continued(uri: str, tmp_path: Path) -> None:
    records = journal_example("killed", reports=200)
    command = [sys.executable, "-c", DRIVER, uri]
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    driver = subprocess.Popen(command, env=environment, cwd=tmp_path)
    try:
        wait_until(lambda: shipped(uri, "killed") > 30)
    finally:
        driver.kill()
        driver.wait()
    client = connect(uri)
    runs = client.search_runs([experiment_id(client, "killed")])
    assert {run.info.status for run in runs} == {"RUNNING"}
    assert shipped(uri, "killed") < sum(map(len, told(records).values()))
    ship(uri, "killed", records)
    assert_shown(uri, "killed", records)


def test_a_killed_server_costs_only_time(local: Path, uri: str) -> None:
    records = journal_example("outage", reports=60)
    half = len(records) // 2
    recorder = Recorder(LocalServer(local).running, name="outage", records=records[:half])
    wait_until(lambda: recorder.status().pending == 0)
    for process in members(local / "mlflow"):
        process.kill()
    before = time.perf_counter()
    for record in records[half:]:
        recorder.feed(record)
    assert time.perf_counter() - before < 0.5  # training never waits for MLflow
    assert recorder.close(deadline=150) == []
    assert LocalServer(local).address() == uri  # the same port, for those who know only it
    assert_shown(uri, "outage", records)


def test_says_what_an_unreachable_server_lacks() -> None:
    records = journal_example("lost", trials=1, reports=3, finished=False)
    recorder = Recorder("http://user:secret@127.0.0.1:9", name="lost", records=records)
    before = time.perf_counter()
    missing = recorder.close(deadline=1.0)
    assert time.perf_counter() - before < 3
    assert missing[:2] == [
        "the sweep: state, and 0 metric values",
        "trial t0000: state, and 6 metric values",
    ]
    assert "secret" not in missing[-1]
    assert "Connection refused" in missing[-1]


def shipped(uri: str, name: str) -> int:
    client = connect(uri)
    return sum(
        len(client.get_metric_history(run, key))
        for run in find_runs(uri, name).values()
        for key in client.get_run(run).data.metrics
    )


def wait_until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
