"""Keeps secrets out of what is shown: errors of services like to repeat what they were told."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_NAMES = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|ACCESS_KEY", re.I)
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")
_SHORTEST = 6
"""Characters; a shorter value would blot out words that only look alike."""


def without_secrets(text: str) -> str:
    """Return a text without the secrets that this process knows, and those within addresses."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _IN_ADDRESS.sub("***@", text)


def _secrets() -> Iterator[str]:
    for name, value in os.environ.items():
        if name == "RAY_AUTH_TOKEN_PATH":
            yield from _token(Path(value))
        elif _NAMES.search(name) and len(value) >= _SHORTEST and not Path(value).exists():
            yield value


def _token(path: Path) -> Iterator[str]:
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return
    if len(token) >= _SHORTEST:
        yield token
