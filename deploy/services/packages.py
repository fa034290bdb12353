"""Debian packages that servers and browsers of tests need, installed where this user may."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock


def installer() -> list[str] | None:
    """Return what to write before a command that needs root; None where there is no way."""
    if shutil.which("apt-get") is None:
        return None
    before = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if before and (shutil.which("sudo") is None or subprocess.run([*before, "true"]).returncode):
        return None
    return before


def apt(before: Sequence[str], *steps: Sequence[str]) -> str | None:
    """Run `apt-get update`, then each step; return what the first that failed said, or None.

    Two processes that install at one time would refuse each other: they take turns.

    Args:
        before: What `installer` returned.
        steps: `("install", PACKAGE, ...)`, or any other command with its words.
    """
    quiet = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    with FileLock(Path(tempfile.gettempdir()) / f"acutance-apt-{os.getuid()}.lock"):
        for step in (("update",), *steps):
            command = [*before, *step]
            if step[0] == "update":
                command = [*quiet, "update"]
            elif step[0] == "install":
                command = [*quiet, "install", "-y", "--no-install-recommends", *step[1:]]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                return (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return None
