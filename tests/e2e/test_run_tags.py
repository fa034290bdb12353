"""What MLflow says of where a run comes from, after a real training."""

import json
import subprocess
from importlib import metadata

import torch
from calling import RECIPE

from acutance_platform.tracking import local_server
from acutance_platform.tracking.client import connect, experiment_id, list_runs
from acutance_platform.verbs.journals import open_sweep
from acutance_storage import open_dataset, open_store


def git(folder, *words):
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *author, *words], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def test_a_run_says_what_it_was_made_of(acutance, place):
    git(place, "init", "-q")
    git(place, "add", "recipe.yaml")
    git(place, "commit", "-qm", "first")
    (place / "recipe.yaml").write_text(f"{RECIPE}# password: hunter22x\nseed: 7\n")
    with local_server(place / "local") as uri:
        assert acutance("train", "recipe.yaml", "--name", "made").code == 0
        client = connect(uri)
        (run,) = list_runs(client, experiment_id(client, "made"), "")
        files = {file.path for file in client.list_artifacts(run.info.run_id, "changes")}
        (diff,) = files
        downloaded = client.download_artifacts(run.info.run_id, diff, str(place))
    store = open_store(place / "store", local=place / "local")
    told, tags = open_sweep(store, "made"), run.data.tags
    assert run.info.status == "FINISHED"
    assert tags["acutance.state"] == "COMPLETE"
    version = open_dataset(store, "folder-photos").version
    assert tags["acutance.dataset"] == f"folder-photos@{version[:12]}"
    stages = told.sweep.trials["t0000"].stages
    assert [tags[f"acutance.stage.{number}"] for number in range(len(stages))] == [
        key for key, _ in stages
    ]
    assert tags["acutance.commit"] == f"{git(place, 'rev-parse', 'HEAD')} with changes"
    assert json.loads(tags["acutance.versions"])["ray"] == metadata.version("ray")
    assert {"torch", "mlflow"} <= set(json.loads(tags["acutance.versions"]))
    machine = json.loads(tags["acutance.machine"])
    assert (machine["torch"], machine["threads"]) == (str(torch.__version__), 1)
    assert diff == f"changes/{tags['acutance.changes'][:12]}.diff"
    with open(downloaded) as file:
        text = file.read()
    assert "+seed: 7\n" in text
    assert "hunter22x" not in text
