import json
import os
import subprocess
from pathlib import Path

import pytest

from acutance_platform.tracking.environment import describe_environment, git_state


def git(folder: Path, *arguments: str) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


def test_commit_and_changes(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) is None  # no commit yet
    (tmp_path / "recipe.yaml").write_text("scale: 2\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    state = git_state(tmp_path)
    assert state is not None
    assert len(state["commit"]) == 40
    assert state["dirty"] is False
    (tmp_path / "recipe.yaml").write_text("scale: 3\n")
    assert git_state(tmp_path) == {**state, "dirty": True}


def test_no_repository_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) is None


def test_says_what_it_ran_on_and_nothing_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    described = describe_environment(dataset="demo@0123")
    text = json.dumps(described)
    assert described["dataset"] == "demo@0123"
    assert described["packages"]["mlflow"]
    assert described["machine"]["cores"] >= 1
    assert "do-not-tell" not in text
    assert os.path.expanduser("~") not in text
    assert os.getcwd() not in text
