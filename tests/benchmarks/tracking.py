"""The recorder beside bare MLflow calls: 64 trials' worth of metrics through one server.

A round sends as many points in three ways, which take turns in who begins: the recorder from a
journal of 64 trials (runs, parameters, tags and states included), a bare loop of
`MlflowClient.log_batch` with 1000 points per call into 64 runs made beforehand, and single
`mlflow.log_metric` calls (some of the points: they take long).

Run: make bench-tracking      (or: python tests/benchmarks/tracking.py --backend postgresql)
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / part)
    for part in ("tests/helpers", "deploy/services", "storage", "models", "platform")
]

from loader import machine  # noqa: E402
from mlflow_server import mlflow_server  # noqa: E402

from acutance_platform.tracking import Recorder, find_runs  # noqa: E402
from acutance_platform.tracking.client import connect, experiment_id  # noqa: E402

START = 1_700_000_000.0
METRICS = [f"metric_{index}" for index in range(10)]
BATCH = 1000


def main():
    options = arguments()
    troubles = Troubles()
    seconds = {"recorder": [], "log_batch": [], "log_metric": []}
    points = options.trials * options.reports * len(METRICS)
    counts = {"recorder": points, "log_batch": points, "log_metric": options.singles}
    with (
        tempfile.TemporaryDirectory(prefix="acutance-bench-") as folder,
        mlflow_server(Path(folder), options.backend) as server,
    ):
        for number in range(options.rounds):
            for name, spent in in_turns(server.uri, options, number).items():
                seconds[name].append(spent)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        lost = points - held(server.uri, "recorder-0")
    rates = {name: [counts[name] / each for each in seconds[name]] for name in seconds}
    ours = rates.pop("recorder")
    result = {
        "machine": machine(),
        "mlflow": metadata.version("mlflow"),
        "backend": options.backend,
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": options.rounds,
        "trials": options.trials,
        "points_per_trial": points // options.trials,
        "points_per_second": {
            name: spread(values, 1) for name, values in {"recorder": ours, **rates}.items()
        },
        "recorder_over": {
            name: spread([mine / theirs for mine, theirs in zip(ours, values, strict=True)], 3)
            for name, values in rates.items()
        },
        "errors": troubles.said,
        "points_lost": lost,
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description="The recorder beside bare MLflow calls.")
    parser.add_argument("--backend", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=4, help="rounds (default 4)")
    parser.add_argument("--trials", type=int, default=64, help="concurrent trials (default 64)")
    parser.add_argument("--reports", type=int, default=300, help="reports of 10 metrics per trial")
    parser.add_argument("--singles", type=int, default=100, help="log_metric calls per round")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    return parser.parse_args()


class Troubles(logging.Handler):
    """What the recorder warned of: every call that failed is a warning."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []
        logging.getLogger("acutance_platform.tracking").addHandler(self)

    def emit(self, record):
        self.said.append(record.getMessage())


def in_turns(uri, options, number):
    """Send a round in three ways; return seconds of each. Who begins changes with the round."""
    client, name = connect(uri), f"bare-{number}"
    experiment = experiment_id(client, name)
    runs = [client.create_run(experiment).info.run_id for _ in range(options.trials)]
    records = journal(f"recorder-{number}", options)
    ways = {
        "recorder": lambda: ship(uri, f"recorder-{number}", records),
        "log_batch": lambda: bare(client, runs, options),
        "log_metric": lambda: singles(uri, runs[0], options),
    }
    names = list(ways)
    first, found = number % len(names), {}
    for way in names[first:] + names[:first]:
        found[way] = ways[way]()
    return found


def journal(name, options):
    """Records of trials that run at the same time, report in turn, and complete."""
    records = [
        {"do": "sweep", "name": name, "spec": {"seed": 0}, "time": START},
        {"do": "start", "driver": "d0", "host": "h", "time": START},
    ]
    trials = [f"t{index:04d}" for index in range(options.trials)]
    for trial in trials:
        drawn = {"optimizer.lr": 0.001, "generator": {"kind": "carn"}, "seed": 0}
        records.append({"do": "ask", "trial": trial, "recipe": drawn, "time": START})
    for number in range(1, options.reports + 1):
        for index, trial in enumerate(trials):
            metrics = dict.fromkeys(METRICS, index + number / 7)
            report = {"do": "report", "trial": trial, "step": 10 * number, "metrics": metrics}
            records.append({**report, "executed": 10, "time": START + number})
    for trial in trials:
        end = {"do": "end", "trial": trial, "state": "COMPLETE", "weights": "ab"}
        records.append({**end, "step": 10 * options.reports, "time": START + options.reports})
    finish = {"do": "finish", "state": "COMPLETE", "reason": "", "time": START + 10**6}
    return [*records, finish]


def ship(uri, name, records):
    """Let a recorder send a whole journal."""
    began = time.perf_counter()
    missing = Recorder(uri, name=name, records=records).close(deadline=600)
    assert not missing, missing
    return time.perf_counter() - began


def bare(client, runs, options):
    """Send the same points by hand, in full batches, and nothing besides."""
    from mlflow.entities import Metric

    began = time.perf_counter()
    for index, run in enumerate(runs):
        points = [
            Metric(key, index + number / 7, round((START + number) * 1000), 10 * number)
            for number in range(1, options.reports + 1)
            for key in METRICS
        ]
        for first in range(0, len(points), BATCH):
            client.log_batch(run, metrics=points[first : first + BATCH], synchronous=True)
    return time.perf_counter() - began


def singles(uri, run, options):
    """Send points one by one, as a training script does."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    with mlflow.start_run(run_id=run):
        began = time.perf_counter()
        for number in range(options.singles):
            mlflow.log_metric("single", number / 7, step=number)
        return time.perf_counter() - began


def held(uri, name):
    """Return how many points MLflow holds of a sweep."""
    client = connect(uri)
    return sum(
        len(client.get_metric_history(run, key))
        for run in find_runs(uri, name).values()
        for key in METRICS
    )


def spread(values, digits):
    return {
        "median": round(statistics.median(values), digits),
        "least": round(min(values), digits),
        "most": round(max(values), digits),
    }


if __name__ == "__main__":
    main()
