"""What a shipper sends, to a stand-in for MLflow's client that keeps what it is called with."""

from types import SimpleNamespace
from typing import Any

import pytest
from journal_example import journal_example

from acutance_platform.tracking import shipping
from acutance_platform.tracking.projection import Projection


class Client:
    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []

    def create_run(self, *_: object, tags: dict[str, str], **__: object) -> SimpleNamespace:
        info = SimpleNamespace(run_id="r", status="RUNNING")
        return SimpleNamespace(info=info, data=SimpleNamespace(tags=dict(tags), params={}))

    def log_batch(self, run: str, **content: Any) -> None:
        self.batches.append(content)

    def set_terminated(self, *_: object, **__: object) -> None:
        pass


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(shipping, "connect", lambda uri: made)
    monkeypatch.setattr(shipping, "experiment_id", lambda client, name: "e")
    monkeypatch.setattr(shipping, "list_runs", lambda *_: [])
    return made


def projected(reports: int, params: int = 2) -> Projection:
    projection = Projection("n")
    for record in journal_example("n", trials=2, reports=reports):
        projection.apply(record)
    projection.runs["t0000"].params = {f"p{index}": "1" for index in range(params)}
    return projection


def ship(projection: Projection) -> None:
    shipper = shipping.Shipper("x", projection, on_run=lambda trial, run: None)
    shipper.ship("t0000")


def test_a_short_run_takes_one_batch(client: Client) -> None:
    ship(projected(reports=3))
    (batch,) = client.batches
    assert len(batch["metrics"]) == 6
    assert {param.key for param in batch["params"]} == {"p0", "p1"}
    assert "acutance.state" in {tag.key for tag in batch["tags"]}


@pytest.mark.parametrize("params", [2, 120])
def test_no_batch_is_larger_than_mlflow_takes_and_none_repeats(client: Client, params: int) -> None:
    ship(projected(reports=1300, params=params))
    for batch in client.batches:
        assert sum(len(batch[part]) for part in ("metrics", "params", "tags")) <= 1000
        assert len(batch["params"]) <= 100
    sent = [(m.key, m.step) for batch in client.batches for m in batch["metrics"]]
    assert len(sent) == len(set(sent)) == 2600
    assert sum(len(batch["params"]) for batch in client.batches) == params


def test_a_batch_never_counts_its_own_points(client: Client) -> None:
    """What the tag counts was taken before: a batch that was taken in part is sent again."""
    ship(projected(reports=1300))
    before = 0
    for batch in client.batches:
        (said,) = (tag.value for tag in batch["tags"] if tag.key == "acutance.shipped")
        assert int(said) == before
        before += len(batch["metrics"])
