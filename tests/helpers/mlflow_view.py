"""What MLflow shows of a journal, compared value by value."""

from journal_example import told

from acutance_platform.tracking.client import connect, experiment_id, list_runs


def runs_of(uri, name, kind):
    client = connect(uri)
    runs = list_runs(client, experiment_id(client, name), "")
    return [run for run in runs if run.data.tags["acutance.kind"] == kind]


def assert_mlflow_shows(uri, name, records, *, kind):
    """One run per trial, none RUNNING, each value of the journal exactly once and no other."""
    client, expected = connect(uri), told(records)
    runs = runs_of(uri, name, kind)
    assert sorted(run.data.tags["acutance.trial"] for run in runs) == sorted(expected)
    for run in [*runs, *runs_of(uri, name, "sweep")]:
        assert run.info.status != "RUNNING", run.data.tags
    for run in runs:
        rows = [
            (point.key, point.step, point.value, point.timestamp)
            for key in run.data.metrics
            for point in client.get_metric_history(run.info.run_id, key)
        ]
        assert len(rows) == len(set(rows))
        assert set(rows) == expected[run.data.tags["acutance.trial"]]
    return runs
