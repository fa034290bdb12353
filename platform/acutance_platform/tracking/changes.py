"""What the working copy changes against its commit, without secrets: a diff that others may read.

Only tracked files count, as for ``git diff HEAD``. What looks like a secret is blanked before
anything is hashed or written: better a line too many than one password.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from acutance_platform.tracking.environment import run_git

LONGEST: Final = 256 * 1024
"""Characters of a diff that are kept; its hash is that of all."""

_WORDS: Final = r"passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key"
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
_SECRET_FILE = re.compile(
    rf"(?:^|/)(?:\.env|\.netrc|\.pgpass|\.pypirc|id_[a-z0-9]+$)|\.(?:pem|key|p12|pfx)$|{_WORDS}",
    re.IGNORECASE,
)
_BLANKED: Final = (
    (re.compile(rf"""((?:{_WORDS})[\w-]*["']?\s*[:=]\s*)\S.*""", re.IGNORECASE), r"\1***"),
    (re.compile(r"(\bBearer\s+)\S+", re.IGNORECASE), r"\1***"),
    (re.compile(r"(//[^/@\s:]*:)[^/@\s]+@"), r"\1***@"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{20,}|\beyJ[\w-]{10,}\.\S+"), "***"),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        "***",
    ),
)
_SHORTEST: Final = 6  # characters of a value in the environment that is looked for in the text


@dataclass(frozen=True)
class Changes:
    """A diff against the commit."""

    text: str
    """As `git diff` prints it, secrets blanked."""

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """What the file that holds it is called."""
        return f"changes/{self.sha256[:12]}.diff"

    def document(self) -> bytes:
        """Return the text for a file, cut where it is very long."""
        left = len(self.text) - LONGEST
        if left <= 0:
            return self.text.encode()
        return f"{self.text[:LONGEST]}\n({left} more characters)\n".encode()


def read_changes(folder: Path) -> Changes | None:
    """Return what tracked files differ in from the commit; None where nothing does, or no git."""
    command = ["diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv"]
    found = run_git(folder, *command)
    return Changes(_without_secrets(found) + "\n") if found else None


def _without_secrets(diff: str) -> str:
    parts = re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE)
    text = "".join(map(_without_secret_file, parts))
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST:
            text = text.replace(value, "***")
    for pattern, replacement in _BLANKED:
        text = pattern.sub(replacement, text)
    return text


def _without_secret_file(part: str) -> str:
    head, _, rest = part.partition("\n")
    names = head.removeprefix("diff --git ").split()
    if not any(_SECRET_FILE.search(name) for name in names):
        return part
    return f"{head}\n({rest.count(chr(10))} lines left out: the name says that it holds a secret)\n"
