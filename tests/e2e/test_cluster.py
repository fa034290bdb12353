"""A head and two nodes on this machine, real services, a node killed: nothing changes."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from same_weights import pairs
from tiny_trainings import Place as Trainings
from tiny_trainings import tiny_recipe, write_pictures

from acutance_platform.search.fold import Sweep
from acutance_platform.verbs.journals import Log, tell
from acutance_platform.verbs.plans import trial_recipe
from acutance_storage import add_dataset, open_store

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "deploy" / "services" / "cluster.py"
FLAGSHIP = ROOT / "experiments" / "flagship" / "sweep.yaml"
STEPS = 1200
TRIALS = 4
MINI = {
    "plugins": [],
    "stages": {"train": {"steps": STEPS, "loss": {"pixel": {"kind": "l1", "weight": 1.0}}}},
    "evaluation": {"every": 50},
    "checkpoint": {"every": 50, "keep": 2},
}
SEARCH = {
    "space": {"optimizer.lr": {"log_uniform": [1e-4, 1e-2]}},
    "objectives": {"psnr_y": "max"},
    "sampler": {"kind": "random"},
    "scheduler": {"kind": "none"},
    "budget": {"trials": TRIALS},
}


class Cluster:
    """The cluster of one folder, used as `make cluster` uses it."""

    def __init__(self, folder):
        self.folder, self.said = folder, folder.parent / "said.txt"
        helpers = str(Path(__file__).parents[1] / "helpers")
        paths = [os.environ.get("PYTHONPATH", ""), helpers]
        self.variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "SWIFT_VENV": os.environ.get("SWIFT_VENV", str(ROOT / ".venv-services")),
            "COLUMNS": "200",
        }
        for name in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "ACUTANCE_STORE", "ACUTANCE_LOCAL"):
            self.variables.pop(name, None)

    def call(self, *words, limit=500):
        """Run a word of cluster.py; return its exit code and what it said."""
        command = [sys.executable, CLUSTER, *map(str, words), "--folder", self.folder]
        with self.said.open("w") as said:
            done = subprocess.run(
                command, env=self.variables, stdout=said, stderr=said, timeout=limit, check=False
            )
        return done.returncode, self.said.read_text()

    @property
    def user(self):
        """What `source cluster.env` sets."""
        lines = (self.folder / "cluster.env").read_text().splitlines()
        pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
        return {name: value.strip("'") for name, value in pairs}

    def acutance(self, *words, limit=240, **variables):
        """Run the command line as a user of the cluster does."""
        return subprocess.run(
            [sys.executable, "-m", "acutance", *map(str, words)],
            env={**self.variables, **self.user, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )

    def records(self, name):
        """Return the journal of a sweep, as a user of the cluster reads it."""
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in self.user.items():
                patch.setenv(variable, value)
            return Log(open_store(local=self.folder / "local" / "driver"), name).read()

    def processes(self):
        """Return every live process that the records name, and their descendants."""
        found = []
        for record in (self.folder / "run").glob("*.json"):
            leader = json.loads(record.read_text())["pid"]
            for process in psutil.process_iter():
                try:
                    if os.getsid(process.pid) == leader:
                        found.append(process)
                except (psutil.Error, OSError):
                    continue
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    found = Cluster(folder / "c")
    code, said = found.call("start")
    if code and "PostgreSQL" in said and "Install its server" in said:
        pytest.skip(said.strip().splitlines()[-1])
    assert code == 0, said
    yield found
    processes = found.processes()
    code, said = found.call("stop", "--wipe")
    assert code == 0, said
    assert not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not found.folder.exists()


@pytest.fixture(scope="module")
def rehearsed(cluster, tmp_path_factory):
    """The mini sweep after a rehearsal, and what cluster.py said."""
    folder = tmp_path_factory.mktemp("mini")
    write_pictures(folder / "pictures")
    recipe = tiny_recipe(dataset="pictures", **MINI)
    (folder / "sweep.yaml").write_text(yaml.safe_dump({**recipe, "search": SEARCH}))
    words = ("rehearse", "--sweep", folder / "sweep.yaml", "--name", "mini", "--after", 1)
    code, said = cluster.call(*words)
    assert code == 0, said
    return tell(cluster.records("mini")), said, folder, words


@pytest.mark.long
def test_a_killed_node_moves_its_trials_and_changes_no_weights(rehearsed):
    told, said, folder, _ = rehearsed
    assert "moved at step" in said
    assert f"MLflow has one run for each of {TRIALS} trials" in said
    assert "0 of 5 runs are RUNNING" in said
    assert "FAILS" not in said
    alone = Trainings(folder, folder / "pictures")
    moved = re.findall(r"(t\d{4}) moved at step", said)
    for name in {"t0000", *moved}:
        trial, recipe = told.sweep.trials[name], trial_recipe(told, name).model_dump(mode="json")
        add_dataset(alone.store, recipe["data"]["dataset"].split("@")[0], folder / "pictures")
        training = alone.training(recipe, rungs=trial.rungs)
        while training.step < STEPS:
            training.advance()
        assert training.reports[-1].weights == trial.weights


@pytest.mark.long
def test_nodes_share_no_folder(cluster, rehearsed):
    for name in ("node-1", "node-2"):
        local = cluster.folder / "local" / name
        assert any(local.rglob("*")), f"{name} has kept nothing in its own folder"
    assert not (cluster.folder / "local" / "driver" / "states").exists()


@pytest.mark.long
def test_no_secret_is_readable_by_others_printed_or_in_a_command_line(cluster, rehearsed):
    settings = json.loads((cluster.folder / "settings.json").read_text())
    token = (cluster.folder / "ray-token").read_text()
    assert len(token) == 64
    secrets = [settings["database"], settings["swift"], token]
    for path in (cluster.folder / "settings.json", cluster.folder / "ray-token"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert cluster.folder.stat().st_mode & 0o777 == 0o700
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    logs = [path.read_text(errors="replace") for path in (cluster.folder / "logs").iterdir()]
    logs = [log for log in logs if "export AWS" not in log]  # swift.log, of mode 600
    for secret in secrets:
        assert not any(secret in text for text in [*lines, *logs, rehearsed[1]])


@pytest.mark.long
def test_the_doctor_asks_every_node(cluster, rehearsed):
    done = cluster.acutance("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {entry["subject"]: entry for entry in json.loads(done.stdout)}
    assert found["versions"]["said"].startswith("equal here and on 3 nodes: python")
    assert found["mlflow"]["verdict"] == "ok"
    for host in ("127.0.0.11", "127.0.0.12", "127.0.0.13"):
        (store,) = [e for s, e in found.items() if s.startswith(f"store from {host}")]
        assert "write, read, list and delete work" in store["said"]
        for what in ("clock", "disk", "memory", "gpus"):
            assert [s for s in found if s.startswith(f"{what} of {host}")]
    assert cluster.user["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr


@pytest.mark.long
def test_a_node_that_hangs_keeps_nobody_from_answering(cluster, rehearsed, monkeypatch):
    from acutance_platform.sweep.inquiry import inquire

    for name, value in {**cluster.user, "PYTHONPATH": cluster.variables["PYTHONPATH"]}.items():
        monkeypatch.setenv(name, value)
    began = time.monotonic()
    asked = {"hangs": "127.0.0.12"}
    answers = inquire(cluster.user["RAY_ADDRESS"], "hanging:answer", asked, limit=10)
    assert time.monotonic() - began < 60
    said = {a.host: (a.said or {}).get("host") for a in answers if a.alive}
    assert said == {"127.0.0.11": "127.0.0.11", "127.0.0.12": None, "127.0.0.13": "127.0.0.13"}
    (late,) = [a for a in answers if a.alive and a.said is None]
    assert "did not answer within" in late.fault


def check_that_a_second_rehearsal_only_reports(cluster):
    before = {process.pid for process in cluster.processes()}
    sweep = tell(cluster.records("flagship")).sweep
    code, said = cluster.call("rehearse")
    assert code == 0, said
    assert "moved at step" in said
    assert tell(cluster.records("flagship")).sweep.executed == sweep.executed
    leaders = {json.loads(f.read_text())["pid"] for f in (cluster.folder / "run").glob("*.json")}
    assert leaders <= before


def check_that_the_doctor_says_what_is_wrong(cluster, folder):
    wrong, tracking = folder / "token", "http://u:pw@127.0.0.1:9"
    wrong.write_text("a" * 64)
    variables = {"RAY_AUTH_TOKEN_PATH": str(wrong), "MLFLOW_TRACKING_URI": tracking}
    done = cluster.acutance("doctor", "--json", **variables)
    assert done.returncode == 1
    found = {entry["subject"]: entry for entry in json.loads(done.stdout)}
    assert "does not take this process's token" in found["cluster"]["said"]
    assert "RAY_AUTH_TOKEN_PATH" in found["cluster"]["advice"]
    assert found["mlflow"]["verdict"] == "failure"
    assert "u:pw" not in done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_flagship_is_the_same_on_a_cluster_that_loses_a_node(
    cluster, tmp_path, record_property
):
    """As `make cluster` runs it, beside a run on this machine alone."""
    code, said = cluster.call("rehearse", limit=3600)
    told = json.loads((cluster.folder / "rehearsed" / "flagship.json").read_text())
    record_property("seconds_on_the_cluster", told["seconds"])
    record_property("checks", [check["line"] for check in told["checks"]])
    assert code == 0, said
    check_that_a_second_rehearsal_only_reports(cluster)
    check_that_the_doctor_says_what_is_wrong(cluster, tmp_path)
    store = tmp_path / "store"
    alone = {**cluster.variables, "ACUTANCE_STORE": store, "ACUTANCE_LOCAL": tmp_path / "local"}
    began = time.monotonic()
    command = [sys.executable, "-m", "acutance", "sweep", FLAGSHIP, "--json"]
    done = subprocess.run(command, env=alone, cwd=tmp_path, capture_output=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    record_property("seconds_on_this_machine_alone", round(time.monotonic() - began))
    found = pairs(
        Sweep.of(cluster.records("flagship")), Sweep.of(Log(open_store(store), "flagship").read())
    )
    record_property("trials_in_both", [[p.one, p.other, p.step, *p.weights] for p in found])
    assert len(found) >= 4
    assert all(pair.equal for pair in found)
