import json
import subprocess
import sys
from pathlib import Path


def test_the_bookkeeping_benchmark_runs_and_keeps_its_goal(tmp_path):
    script, out = Path(__file__).with_name("bookkeeping.py"), tmp_path / "result.json"
    options = ["--rounds", "1", "--steps", "30", "--json", str(out)]
    command = [sys.executable, str(script), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    measured = json.loads(out.read_text())["measured"]
    # A report every 30 steps instead of every 150 costs five times its share.
    assert 0 < measured["report_share_cpu"]["median"] < 5 * 0.02
