"""What the dashboard's pages cost at 10,000 trials and 2,000,000 points, beside 1,000 trials.

    python tests/benchmarks/dashboard.py
    python tests/benchmarks/dashboard.py --trials 100 1000 --requests 20
    python tests/benchmarks/dashboard.py --mlflow        # its server asked for as many runs as well

One line of JSON per number of trials: seconds of the first look, which reads the journal; the
median milliseconds of each kind of request, whole at the client, and the CPU milliseconds of the
server for it; its resident memory. The server is a process of its own.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "helpers")]

from long_journal import METRICS, write_long_journal  # noqa: E402

from acutance_storage import open_store  # noqa: E402

REPORTS = 25
PAGES = {
    "table": "/sweeps/{}",
    "table, sorted by a path": "/sweeps/{}?sort=optimizer.lr",
    "table, sorted by a metric": "/sweeps/{}?sort=-ssim_y&page=2",
    "table, filtered": "/sweeps/{}?q=psnr_y%3E%3D26+generator.kind%3Dcarn",
    "table, words": "/sweeps/{}?q=charbonnier&state=COMPLETE",
    "trials, JSON": "/api/sweeps/{}/trials?sort=-feature_distance",
    "front, JSON": "/api/sweeps/{}/front",
    "one trial": "/sweeps/{}/trials/t0007",
    "list of sweeps": "/sweeps",
}


@contextmanager
def dashboard(folder):
    """Give address and process id of the dashboard of a folder."""
    where = {"ACUTANCE_STORE": str(folder / "store"), "ACUTANCE_LOCAL": str(folder / "local")}
    command = [sys.executable, "-m", "acutance", "dashboard", "--port", "0", "--no-open"]
    began = time.monotonic()
    server = subprocess.Popen(
        command, env={**os.environ, **where}, stdout=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().split()[1].rstrip("/")
        with urllib.request.urlopen(f"{address}/api/alive", timeout=120):
            yield address, server.pid, time.monotonic() - began
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()


def asked(address):
    """Return the milliseconds that an answer takes, or None where there is no such page."""
    began = time.perf_counter()
    with urllib.request.urlopen(address, timeout=600) as answer:
        assert answer.status == 200
        answer.read()
    return 1000 * (time.perf_counter() - began)


def cpu_ms(pid):
    """Return the CPU milliseconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def measured(trials, *, requests):
    """Return what the pages of a sweep of so many trials cost."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        points = write_long_journal(
            open_store(folder / "store"), "long", trials=trials, reports=REPORTS
        )
        assert points == trials * REPORTS * METRICS
        with dashboard(folder) as (address, pid, start):
            known = json.loads(_read(f"{address}/api/openapi.json"))["paths"]
            pages = {
                name: path.format("long")
                for name, path in PAGES.items()
                if not path.startswith("/api/") or path.partition("?")[0].format("{name}") in known
            }
            row = {"trials": trials, "points": points, "start_s": round(start, 2)}
            row["cold_s"] = round(asked(f"{address}/sweeps/long") / 1000, 2)
            row["ms"], row["cpu_ms"] = {}, {}
            for name, path in pages.items():
                asked(address + path)  # what is made once per version
                before = cpu_ms(pid)
                times = [asked(address + path) for _ in range(requests)]
                row["ms"][name] = round(statistics.median(times), 1)
                row["cpu_ms"][name] = round((cpu_ms(pid) - before) / requests, 1)
            row["resident_mb"] = round(resident_mb(pid), 1)
    return row


def mlflow_row(runs, *, requests):
    """Return what MLflow's server takes for the first 100 of as many runs, as its pages ask."""
    from acutance_platform.tracking import local_server

    with tempfile.TemporaryDirectory() as place, local_server(Path(place)) as address:
        experiment = _posted(address, "experiments/create", {"name": "long"})["experiment_id"]
        for index in range(runs):
            _fill_run(address, experiment, index)
        ask = {"experiment_ids": [experiment], "max_results": 100}
        ask |= {"run_view_type": "ACTIVE_ONLY"}
        sorts = {
            "runs, newest first": {"order_by": ["attributes.start_time DESC"]},
            "runs, sorted by a metric": {"order_by": ["metrics.`psnr_y` DESC"]},
            "runs, filtered": {"filter": "metrics.psnr_y >= 26 and params.kind = 'carn'"},
        }
        row = {"mlflow_runs": runs, "ms": {}}
        for name, extra in sorts.items():
            times = []
            for _ in range(requests):
                began = time.perf_counter()
                _posted(address, "runs/search", {**ask, **extra})
                times.append(1000 * (time.perf_counter() - began))
            row["ms"][name] = round(statistics.median(times), 1)
    return row


def _fill_run(address, experiment, index):
    made = _posted(
        address,
        "runs/create",
        {"experiment_id": experiment, "start_time": 1_780_000_000_000 + index},
    )
    metrics = [
        {"key": key, "value": 20 + index % 900 / 100 + step / 5000, "timestamp": 1, "step": step}
        for key in (
            "psnr_y",
            "ssim_y",
            "feature_distance",
            "loss",
            "parameters",
            "macs",
            "ips",
            "lr",
        )
        for step in range(200, 5001, 200)
    ]
    params = [
        {"key": "lr", "value": str(1e-4 * (1 + index % 90))},
        {"key": "kind", "value": ("carn", "srresnet", "enhancenet")[index % 3]},
    ]
    run = made["run"]["info"]["run_id"]
    _posted(address, "runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})


def _posted(address, verb, body):
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{verb}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    return json.loads(_read(request))


def _read(request):
    with urllib.request.urlopen(request, timeout=600) as answer:
        return answer.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--requests", type=int, default=21)
    parser.add_argument("--mlflow", action="store_true", help="ask MLflow's server as well")
    options = parser.parse_args()
    for trials in options.trials:
        print(json.dumps(measured(trials, requests=options.requests)), flush=True)
        if options.mlflow:
            print(json.dumps(mlflow_row(trials, requests=options.requests)), flush=True)


if __name__ == "__main__":
    main()
