"""What a command imports: nothing that takes seconds unless its work needs it."""

import os
import subprocess
import sys

import pytest

MAIN = "from acutance_platform.cli import main; main()"


def imported(place, start, *arguments):
    """Return the top-level packages that a fresh interpreter imports for a command."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", start, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=place,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines, done.stderr
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["swep"]])
def test_what_only_talks_imports_nothing_heavy(words, place):
    packages = imported(place, MAIN, *words)
    assert "click" in packages
    assert not packages & {"torch", "numpy", "pyarrow", "ray", "mlflow", "optuna", "matplotlib"}


@pytest.mark.parametrize("words", [["status", "nope", "--json"], ["data", "list"]])
def test_looking_does_not_wait_for_ray_mlflow_or_matplotlib(words, place):
    assert not imported(place, MAIN, *words) & {"ray", "mlflow", "matplotlib", "boto3"}


def test_a_dashboard_listens_before_anything_needs_networks(place):
    packages = imported(place, "import acutance_platform.dashboard.serving")
    assert "fastapi" in packages
    assert not packages & {"torch", "ray", "mlflow", "matplotlib", "boto3"}


def test_importing_the_face_does_not_either(place):
    packages = imported(place, "import acutance")
    assert not packages & {"ray", "mlflow", "matplotlib", "boto3"}
