import os
import subprocess
import sys

import acutance_models
from acutance_models import everything


def test_all_is_sorted_and_holds_every_public_name():
    names = acutance_models.__all__
    assert len(names) == len(set(names))
    modules = {name for name, value in vars(everything).items() if hasattr(value, "__path__")}
    public = {
        name
        for name, value in vars(everything).items()
        if not name.startswith("_") and getattr(value, "__name__", "") != f"acutance_models.{name}"
    }
    assert public - modules == set(names)


def test_every_name_is_given_away_at_its_first_use():
    assert acutance_models.upscale is everything.upscale
    assert not hasattr(acutance_models, "upscal")


def test_importing_the_package_brings_no_heavy_stranger():
    program = (
        "import sys, acutance_models.everything\n"
        "strangers = {'ray', 'mlflow', 'optuna', 'boto3', 'pyarrow', 'matplotlib', 'pandas'}\n"
        "strangers |= {'onnx', 'onnxruntime', 'onnxscript'}\n"
        "sys.exit(', '.join(strangers & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
