import math

import pytest
from journal_example import START, Record, journal_example

from acutance_platform.tracking.projection import SWEEP, Projection, clean_name, clean_value

ASK = {"do": "ask", "trial": "t0000", "recipe": {"optimizer.lr": 1e-3}, "time": START}
LEG = {"do": "leg", "trial": "t0000"}
REPORT = {"do": "report", "trial": "t0000", "step": 10, "metrics": {"a": 1.0}, "time": START + 1.5}
VALUE = {"do": "value", "trial": "t0000", "rung": 10, "values": {"a": 1.0}}
PROMOTE = {"do": "promote", "trial": "t0000", "rung": 10}
FAILURE = {"do": "failure", "trial": "t0000", "step": 10, "error": "out of memory", "time": START}
RESTART = {"do": "start", "driver": "d1", "time": START + 9}


def end(state: str) -> Record:
    return {"do": "end", "trial": "t0000", "state": state, "weights": "ab", "step": 10, "time": 0}


def finish(state: str) -> Record:
    return {"do": "finish", "state": state, "reason": "budget", "time": START + 20}


def project(*records: Record) -> Projection:
    projection = Projection("demo")
    for record in ({"do": "sweep", "name": "demo", "spec": {}, "time": START}, *records):
        projection.apply(record)
    return projection


@pytest.mark.parametrize(
    ("records", "state", "status"),
    [
        ([ASK], "WAITING", "FINISHED"),
        ([ASK, LEG], "RUNNING", "RUNNING"),
        ([ASK, LEG, RESTART], "WAITING", "KILLED"),
        ([ASK, REPORT], "RUNNING", "RUNNING"),
        ([ASK, REPORT, VALUE], "PAUSED", "FINISHED"),
        ([ASK, REPORT, VALUE, PROMOTE], "RUNNING", "RUNNING"),
        ([ASK, REPORT, FAILURE], "WAITING", "KILLED"),
        ([ASK, FAILURE, REPORT], "RUNNING", "RUNNING"),
        ([ASK, REPORT, RESTART], "WAITING", "KILLED"),
        ([ASK, REPORT, RESTART, {**REPORT, "step": 20}], "RUNNING", "RUNNING"),
        ([ASK, REPORT, VALUE, RESTART], "PAUSED", "FINISHED"),
        ([ASK, REPORT, VALUE, end("COMPLETE")], "COMPLETE", "FINISHED"),
        ([ASK, REPORT, VALUE, end("STOPPED")], "STOPPED", "FINISHED"),
        ([ASK, FAILURE, end("FAILED")], "FAILED", "FAILED"),
        ([ASK, end("COMPLETE"), RESTART, REPORT], "COMPLETE", "FINISHED"),
        ([ASK, REPORT, finish("INTERRUPTED")], "WAITING", "KILLED"),
    ],
)
def test_states(records: list[Record], state: str, status: str) -> None:
    run = project(*records).runs["t0000"]
    assert (run.state, run.status) == (state, status)


@pytest.mark.parametrize(
    ("records", "state", "status"),
    [
        ([], "RUNNING", "RUNNING"),
        ([finish("COMPLETE")], "COMPLETE", "FINISHED"),
        ([finish("STOPPED")], "STOPPED", "FINISHED"),
        ([finish("FAILED")], "FAILED", "FAILED"),
        ([finish("INTERRUPTED")], "INTERRUPTED", "KILLED"),
        ([finish("INTERRUPTED"), RESTART], "RUNNING", "RUNNING"),
        ([finish("COMPLETE"), RESTART, finish("STOPPED")], "STOPPED", "FINISHED"),
    ],
)
def test_states_of_the_sweep(records: list[Record], state: str, status: str) -> None:
    run = project(*records).runs[SWEEP]
    assert (run.state, run.status) == (state, status)


def test_interrupting_spares_what_rests_or_ended() -> None:
    projection = project(ASK, REPORT, VALUE, {**ASK, "trial": "t0001"}, {**LEG, "trial": "t0001"})
    projection.interrupt()
    states = {key: run.status for key, run in projection.runs.items()}
    assert states == {SWEEP: "KILLED", "t0000": "FINISHED", "t0001": "KILLED"}


def test_a_step_is_told_once_with_its_first_time() -> None:
    again = {**REPORT, "time": START + 99, "metrics": {"a": 1.0, "b": 2.0}}
    points = project(ASK, REPORT, again).runs["t0000"].points
    assert [(p.key, p.step, p.value, p.time_ms - START * 1000) for p in points] == [
        ("a", 10, 1.0, 1500),
        ("b", 10, 2.0, 99000),
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_is_not_finite_becomes_a_tag(value: float | None) -> None:
    run = project(ASK, {**REPORT, "metrics": {"a": value, "b": 1.0}}).runs["t0000"]
    assert [point.key for point in run.points] == ["b"]
    assert run.tags["acutance.not_finite"] == "a at step 10"


def test_same_records_same_runs() -> None:
    records = journal_example("demo")
    once, twice = project(*records), project(*records)
    assert once.runs == twice.runs
    assert once.identity == twice.identity


def test_a_training_has_no_parent() -> None:
    projection = Projection("demo", single=True)
    for record in journal_example("demo", trials=1, finished=False):
        projection.apply(record)
    assert list(projection.runs) == ["t0000"]
    assert projection.runs["t0000"].kind == "train"
    assert projection.runs["t0000"].name == "demo"


def test_bicubic_is_shown_on_the_sweep() -> None:
    points = project({"do": "baseline", "metrics": {"psnr_y": 30.0}}).runs[SWEEP].points
    assert [(p.key, p.value, p.step) for p in points] == [("bicubic/psnr_y", 30.0, 0)]


@pytest.mark.parametrize("record", [{"do": "later"}, {"do": "report", "trial": "t0009"}, {}])
def test_unknown_records_are_passed_over(record: Record) -> None:
    assert project().apply(record) in (None, SWEEP)


def test_errors_and_weights_are_tags() -> None:
    run = project(ASK, FAILURE, end("FAILED")).runs["t0000"]
    assert run.tags["acutance.error"] == "out of memory"
    assert run.tags["acutance.weights"] == "ab"


def test_names_and_values_fit_mlflow() -> None:
    assert clean_name("loss/my+term [dB]") == "loss/my_term _dB_"
    assert clean_name("loss/größe") == "loss/gr__e"
    assert len(clean_name("x" * 999)) == 250
    assert clean_value({"kind": "carn", "blocks": 2}) == '{"blocks": 2, "kind": "carn"}'
    assert (clean_value(1e-4), clean_value("l1"), clean_value(True)) == ("0.0001", "l1", "true")
    assert len(clean_value("x" * 9999)) == 6000
