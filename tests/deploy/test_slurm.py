"""The batch script with stand-ins for Slurm's programs: when it saves, and when it comes again."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "slurm" / "sweep.sbatch"
STAND_INS = {
    # Runs until the sweep is asked to stop.
    "srun": 'echo "srun $*" >>said; until [ -e stopped ]; do sleep 0.05; done; exit 130',
    "acutance": 'echo "acutance $*" >>said; touch stopped',
    "scontrol": 'echo "scontrol $*" >>said',
    "hostname": "echo 10.0.0.5 192.168.0.5",
}


@pytest.fixture
def job(tmp_path):
    """The script in the folder of a sweep, which is named by `sweep.yaml` alone."""
    programs, folder = tmp_path / "programs", tmp_path / "my-sweep"
    for place in (programs, folder / ".venv" / "bin"):
        place.mkdir(parents=True)
    for name, does in STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    (folder / ".venv" / "bin" / "activate").touch()
    (folder / "sweep.yaml").touch()
    process = subprocess.Popen(
        ["bash", SCRIPT, "sweep.yaml"],
        cwd=folder,
        env={
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "USER": "someone",
            "SLURM_SUBMIT_DIR": str(folder),
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_CPUS_ON_NODE": "8",
            "ACUTANCE_STORE": "s3://bucket/sr",
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
        },
    )
    wait_for(lambda: said(folder))
    yield process, folder
    (folder / "stopped").touch()
    process.wait(timeout=60)


def said(folder):
    file = folder / "said"
    return file.read_text().splitlines() if file.exists() else []


def wait_for(happened):
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def signal_that_is_asked_for():
    (line,) = [line for line in SCRIPT.read_text().splitlines() if "--signal=" in line]
    return signal.Signals[f"SIG{line.partition('B:')[2].partition('@')[0]}"]


def test_when_its_time_is_up_the_job_saves_and_asks_for_itself_again(job):
    process, folder = job
    process.send_signal(signal_that_is_asked_for())
    assert process.wait(timeout=60) == 0
    began, *ended = said(folder)
    assert began.endswith("-- acutance sweep sweep.yaml --name my-sweep --resume auto")
    assert ended == ["acutance stop my-sweep", "scontrol requeue 7"]


def test_a_job_that_is_cancelled_does_not_come_again(job):
    process, folder = job
    process.send_signal(signal.SIGTERM)  # as scancel does, before it kills
    assert process.wait(timeout=60) != 0
    assert len(said(folder)) == 1
