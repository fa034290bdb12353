import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_store_benchmark_runs(tmp_path):
    script, out = Path(__file__).with_name("store.py"), tmp_path / "result.json"
    sizes = ["--rounds", "1", "--mib", "12", "--files", "20"]
    command = [sys.executable, str(script), *sizes, "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ)
    assert done.returncode == 0, done.stderr
    result = json.loads(out.read_text())
    assert set(result["times_as_fast"]) == {
        "large up", "large down", "small packed", "small by data add",
    }  # fmt: skip
    assert min(each["median"] for each in result["times_as_fast"].values()) > 0
    assert result["machine"]["cpu"]
