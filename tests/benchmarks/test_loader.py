import json
import subprocess
import sys
from pathlib import Path


def test_the_loader_benchmark_runs_and_agrees_with_the_plain_reference(tmp_path):
    script, out = Path(__file__).with_name("loader.py"), tmp_path / "result.json"
    command = [sys.executable, str(script), "--rounds", "1", "--batches", "2", "--json", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "equals the plain numpy reference" in done.stdout
    result = json.loads(out.read_text())
    assert set(result["times_as_fast"]) == {"ours, float", "ours, uint8"}
    assert result["machine"]["cpu"]
