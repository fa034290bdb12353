"""What is wrong with a Dockerfile: an empty list where nothing is."""

import re
from collections.abc import Iterator
from pathlib import Path

_KNOWN = {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"}
_KNOWN |= {"LABEL", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
_FLAGS = {
    "FROM": {"platform"},
    "COPY": {"from", "chown", "chmod"},
    "RUN": {"mount"},
    "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"},
}
_SECRET = re.compile(r"PASSW|SECRET|TOKEN|CREDENTIAL|ACCESS_KEY|API_KEY", re.IGNORECASE)
_VERSION = re.compile(r":v?\d+\.\d+|@sha256:")

Instruction = tuple[str, str]


def instructions(dockerfile: str) -> list[Instruction]:
    """Return (word, rest) of each instruction: continuation lines joined, comments left out."""
    kept = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    lines = [line.split(maxsplit=1) for line in kept.replace("\\\n", " ").splitlines()]
    return [(line[0], line[1] if len(line) > 1 else "") for line in lines if line]


def variables(dockerfile: str) -> dict[str, str]:
    """Return what ARG and ENV define."""
    found = {}
    for word, rest in instructions(dockerfile):
        if word in ("ARG", "ENV"):
            found |= dict(re.findall(r"(\w+)=?(\S*)", rest))
    return found


def dockerfile_problems(text: str, root: Path) -> list[str]:
    """Check a Dockerfile; sources are looked for below `root`.

    Words and flags exist, the base has a version, no secret becomes part of the image, every
    source exists, the last stage has a user other than root and a health check.
    """
    given = instructions(text)
    return [
        *(f"unknown instruction {word}" for word, _ in given if word not in _KNOWN),
        *_flags(given),
        *_bases(given),
        *_secrets(given),
        *_sources(given, root),
        *_ending(given),
    ]


def _flags(given: list[Instruction]) -> Iterator[str]:
    for word, rest in given:
        lead = re.match(r"(?:--\S+\s+)*", rest)
        for flag in re.findall(r"(?:^|\s)--([\w-]+)", lead.group() if lead else ""):
            if flag not in _FLAGS.get(word, ()):
                yield f"{word} knows no --{flag}"


def _bases(given: list[Instruction]) -> Iterator[str]:
    arguments = dict(rest.partition("=")[::2] for word, rest in given if word == "ARG")
    stages: set[str] = set()
    for rest in (rest for word, rest in given if word == "FROM"):
        said, _, stage = rest.partition(" AS ")
        base = re.sub(r"\$\{(\w+)\}", lambda found: arguments.get(found[1], ""), said.strip())
        if base not in stages and not _VERSION.search(base):
            yield f"FROM {rest}: no version"
        stages.add(stage.strip())


def _secrets(given: list[Instruction]) -> Iterator[str]:
    for word, rest in given:
        for name in re.findall(r"(\w+)=", rest if "=" in rest else f"{rest}="):
            if word in ("ARG", "ENV") and _SECRET.search(name):
                yield f"{word} {name} would keep a secret in the image"


def _sources(given: list[Instruction], root: Path) -> Iterator[str]:
    for rest in (rest for word, rest in given if word in ("COPY", "ADD")):
        *sources, _ = [part for part in rest.split() if not part.startswith("--")]
        for source in sources if "--from=" not in rest else ():
            if not (root / source).exists():
                yield f"COPY {source}: there is none"


def _ending(given: list[Instruction]) -> Iterator[str]:
    start = max(number for number, (word, _) in enumerate(given) if word == "FROM")
    last = dict(given[start:])
    if last.get("HEALTHCHECK", "NONE") == "NONE":
        yield "no HEALTHCHECK"
    if last.get("USER", "root") in ("root", "0"):
        yield "no USER other than root"
