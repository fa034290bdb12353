"""Where a run comes from, as tags: the code's commit and changes, versions, the machine kind."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acutance_platform.tracking.changes import read_changes
from acutance_platform.tracking.environment import git_state, package_versions


def origin_record(folder: Path, machine: Mapping[str, Any], question: str) -> dict[str, Any]:
    """Return the journal's record of where its runs come from.

    Args:
        folder: whose git commit is named.
        machine: the machine kind that the driver resolved, as plain data.
        question: what the experiment asks.
    """
    git = git_state(folder)
    if git is not None and (changes := read_changes(folder)):
        git["changes"] = changes.sha256
    record = {"do": "about", "question": question, "git": git, "packages": package_versions()}
    return {**record, "machine": dict(machine), "time": time.time()}


def same_origin(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two such records name the same code, versions and machine."""
    return all(one.get(key) == other.get(key) for key in ("git", "packages", "machine"))


def origin_tags(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of the runs that are asked for after such a record."""
    tags = {}
    git = record.get("git") or {}
    if git.get("commit"):
        changed = " with changes" if git.get("dirty") else ""
        tags["acutance.commit"] = f"{git['commit']}{changed}"
        tags["acutance.changes"] = git.get("changes", "none")
    for tag, key in (("acutance.versions", "packages"), ("acutance.machine", "machine")):
        if record.get(key):
            tags[tag] = json.dumps(record[key])
    return tags
