"""A connection to MLflow, and how our runs are found there again.

Only the `MlflowClient` is used: MLflow's "fluent" functions keep state per process and thread.
"""

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE: Final = 1000
_PASSING: Final = (404, 408, 429)  # not there (yet), too slow, too many: worth another try
_SETTINGS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output belongs to the caller
    # MLflow would repeat a failed call 7 times within minutes; the recorder repeats by itself,
    # and only after looking whether the call had an effect.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


def connect(uri: str) -> "MlflowClient":
    """A client for ``uri``. Imports MLflow (1-2 s the first time); reaches out to nothing yet."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    if urlsplit(uri).hostname in ("127.0.0.1", "localhost"):
        _bypass_proxies("127.0.0.1", "localhost")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment_id(client: "MlflowClient", name: str) -> str:
    """The id of the experiment ``name``, created or restored where necessary."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def list_runs(client: "MlflowClient", experiment: str, condition: str) -> "list[Run]":
    """All runs of an experiment that meet a filter, oldest first."""
    runs: list[Run] = []
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment], condition, max_results=_PAGE, page_token=token, order_by=["start_time"]
        )
        runs.extend(page)
        token = page.token
        if not token:
            return runs


def find_runs(uri: str, name: str) -> dict[str, str]:
    """Run ids of the trials of the newest sweep (or training) called ``name``, by trial.

    Empty where MLflow knows none. Needs a server that answers: see ``LocalServer.address``.
    """
    client = connect(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return {}
    runs = list_runs(client, experiment.experiment_id, "tags.`acutance.trial` LIKE 't%'")
    if not runs:
        return {}
    newest = runs[-1].data.tags.get("acutance.sweep")
    found: dict[str, str] = {}
    for run in runs:
        if run.data.tags.get("acutance.sweep") == newest:
            found.setdefault(run.data.tags["acutance.trial"], run.info.run_id)
    return dict(sorted(found.items()))


def is_refusal(error: Exception) -> bool:
    """Whether MLflow understood the call and said no, so that repeating may not help."""
    from mlflow.exceptions import MlflowException

    if not isinstance(error, MlflowException):
        return False
    answer: Any = error  # its method has no types
    status = int(answer.get_http_status_code())
    return 400 <= status < 500 and status not in _PASSING


def _bypass_proxies(*hosts: str) -> None:
    """A proxy for the internet cannot reach this machine's own address."""
    for variable in ("NO_PROXY", "no_proxy"):
        known = [host for host in os.environ.get(variable, "").split(",") if host]
        os.environ[variable] = ",".join(dict.fromkeys([*known, *hosts]))
