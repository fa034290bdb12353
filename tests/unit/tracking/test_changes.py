import hashlib
import subprocess
from pathlib import Path

import pytest

from acutance_platform.tracking.changes import LONGEST, Changes, read_changes
from acutance_platform.tracking.origin import origin_record, origin_tags, same_origin

SECRETS = {
    "password: hunter22x": "hunter22x",
    'api_key = "0123abcd"': "0123abcd",
    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI": "wJalrXUtnFEMI",
    "Authorization: Bearer abc.def": "abc.def",
    "postgresql://mlflow:swordfish@host/db": "swordfish",
    "AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----": "MIIEow",
    "from the environment: opensesame": "opensesame",
}


def git(folder: Path, *arguments: str) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("scale = 2\n")
    (tmp_path / "site.pem").write_text("old\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_nothing_changed(repository: Path) -> None:
    assert read_changes(repository) is None


@pytest.mark.parametrize("line", SECRETS)
def test_a_change_is_shown_and_secrets_are_not(
    line: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "opensesame")
    (repository / "code.py").write_text(f"scale = 4\n{line}\n")
    changes = read_changes(repository)
    assert changes is not None
    assert "-scale = 2\n+scale = 4\n" in changes.text
    assert SECRETS[line] not in changes.text
    assert changes.document() == changes.text.encode()


def test_a_file_named_as_a_secret_is_left_out(repository: Path) -> None:
    (repository / "site.pem").write_text("new\n")
    (repository / "code.py").write_bytes(b"scale = 2  # \xff\n")
    changes = read_changes(repository)
    assert changes is not None
    assert "diff --git a/site.pem" in changes.text
    assert "new" not in changes.text
    assert "+scale = 2  # �" in changes.text


def test_a_long_diff_is_cut_and_its_hash_is_that_of_all() -> None:
    long = Changes("x" * (LONGEST + 7))
    assert long.document().endswith(b"(7 more characters)\n")
    assert len(long.document()) < LONGEST + 100
    assert long.sha256 == hashlib.sha256(long.text.encode()).hexdigest()


def test_tags_say_commit_changes_versions_and_machine(repository: Path) -> None:
    machine = {"torch": "2", "threads": 1}
    clean = origin_record(repository, machine, "why?")
    (repository / "code.py").write_text("scale = 3\n")
    dirty = origin_record(repository, machine, "why?")
    changes = read_changes(repository)
    assert changes is not None
    assert origin_tags(clean)["acutance.changes"] == "none"
    assert origin_tags(dirty)["acutance.changes"] == changes.sha256
    assert origin_tags(dirty)["acutance.commit"] == f"{clean['git']['commit']} with changes"
    assert not same_origin(clean, dirty)
    assert not same_origin(clean, {**clean, "machine": {}})
    assert same_origin(clean, {**clean, "time": 0.0})
    assert set(origin_tags(clean)) == {
        f"acutance.{word}" for word in ("commit", "changes", "versions", "machine")
    }
    assert origin_tags({"git": None}) == {}
