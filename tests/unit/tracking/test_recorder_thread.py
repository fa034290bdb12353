"""The recorder's thread with a stand-in for MLflow that fails as told."""

import threading
import time
from collections.abc import Callable

import pytest
from journal_example import journal_example

from acutance_platform.tracking import Recorder
from acutance_platform.tracking import recorder as recorder_module
from acutance_platform.tracking.projection import Projection
from acutance_platform.tracking.shipping import Artifact


class Refused(Exception):
    pass


class Fake:
    """Stands in for `Shipper`; class attributes are the server."""

    shipped: dict[str, int]
    connections: int
    on_ship: Callable[[str], None]

    def __init__(self, uri: str, projection: Projection, *, on_run: object) -> None:
        type(self).connections += 1
        self._projection = projection

    def ship(self, key: str) -> None:
        type(self).on_ship(key)
        self.shipped[key] = len(self._projection.runs[key].points)

    def ship_artifact(self, artifact: Artifact) -> None:
        if isinstance(artifact.content, bytes):
            return
        artifact.content.read_bytes()


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    Fake.shipped, Fake.connections, Fake.on_ship = {}, 0, staticmethod(lambda key: None)
    monkeypatch.setattr(recorder_module, "Shipper", Fake)
    monkeypatch.setattr(recorder_module, "is_refusal", lambda error: isinstance(error, Refused))
    monkeypatch.setattr(recorder_module, "_GATHER", 0.01)
    monkeypatch.setattr(recorder_module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(recorder_module, "_LONGEST_PAUSE", 0.05)
    return Fake


def test_ships_everything(server: type[Fake]) -> None:
    recorder = Recorder("x", name="n")
    for record in journal_example("n", trials=2, reports=5):
        recorder.feed(record)
    assert recorder.close() == []
    assert server.shipped == {"": 0, "t0000": 10, "t0001": 10}
    assert recorder.status().pending == 0


def test_feeding_does_not_wait_for_a_stuck_server(server: type[Fake]) -> None:
    stuck = threading.Event()
    server.on_ship = staticmethod(lambda key: stuck.wait(5))
    recorder = Recorder("x", name="n", records=journal_example("n", reports=1))
    time.sleep(0.1)
    before = time.perf_counter()
    for record in journal_example("n", reports=500):
        recorder.feed(record)
    assert time.perf_counter() - before < 0.3
    assert recorder.close(deadline=0.2)  # names what is missing instead of waiting for ever
    stuck.set()
    recorder._thread.join(10)  # not into the next test


def test_closing_waits_for_a_slow_server_as_long_as_it_takes_something(server: type[Fake]) -> None:
    server.on_ship = staticmethod(lambda key: time.sleep(0.1))
    records = journal_example("n", trials=20, reports=1)
    assert Recorder("x", name="n", records=records).close(deadline=0.5) == []
    assert len(server.shipped) == 21


def test_many_runs_that_mlflow_lacks_are_counted(server: type[Fake]) -> None:
    server.on_ship = staticmethod(lambda key: (_ for _ in ()).throw(OSError("gone")))
    records = journal_example("n", trials=30, reports=1)
    counted, why = Recorder("x", name="n", records=records).close(deadline=0.1)
    assert counted == "31 runs: state, and 60 metric values"
    assert "gone" in why


def test_an_outage_is_repeated_on_a_new_connection(server: type[Fake]) -> None:
    failures = iter([OSError("gone")] * 3)

    def away(key: str) -> None:
        for error in failures:
            raise error

    server.on_ship = staticmethod(away)
    recorder = Recorder("x", name="n", records=journal_example("n"))
    assert recorder.close() == []
    assert server.connections == 4
    assert recorder.status().problem is None


def test_an_address_that_fails_is_asked_again(server: type[Fake]) -> None:
    answers = iter([RuntimeError("no server yet"), "http://x"])

    def where() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Recorder(where, name="n", records=journal_example("n")).close() == []


def test_a_refused_run_does_not_hold_up_the_others(server: type[Fake]) -> None:
    def picky(key: str) -> None:
        if key == "t0000":
            raise Refused("no")

    server.on_ship = staticmethod(picky)
    recorder = Recorder("x", name="n", records=journal_example("n", trials=3, reports=1))
    assert recorder.close() == ["trial t0000: refused, Refused: no"]
    assert {"t0001", "t0002", ""} <= set(server.shipped)


def test_a_vanished_file_is_set_aside(server: type[Fake], tmp_path: object) -> None:
    from pathlib import Path

    recorder = Recorder("x", name="n", records=journal_example("n", reports=1))
    recorder.artifact(None, "gone.bin", Path(str(tmp_path)) / "gone.bin")
    (missing,) = recorder.close()
    assert missing.startswith("gone.bin of the sweep: refused, FileNotFoundError")


def test_closing_twice_is_harmless() -> None:
    recorder = Recorder("x", name="n", records=journal_example("n"))
    assert recorder.close() == []
    assert recorder.close() == []


def test_a_recorder_without_records_closes_at_once() -> None:
    before = time.perf_counter()
    assert Recorder("x", name="n").close() == []
    assert time.perf_counter() - before < 1
