"""What the documentation says exists, and its reference is what the code would write."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from acutance_platform.cli import acutance

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN = sorted(
    page
    for page in [ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "experiments").rglob("*.md")]
    if page.exists() and page.parent.name != "reference"
)
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.yaml"))


def named(file):
    return file.relative_to(ROOT).as_posix()


def code(text):
    """Yield the lines of code blocks, then the inline code outside of them."""
    fence = re.compile(r"^```.*?\n(.*?)^```", re.S | re.M)
    for block in fence.findall(text):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", fence.sub("", text))


def calls(text):
    """Yield (verb path, options) of every call of the command line."""
    for line in code(text):
        for call in re.findall(r"\bacutance ([a-z][^#&`]*)", line):
            words = call.split()
            first = words[0].strip(".,;:'")  # the quote ends a command that is an argument
            command = acutance.get_command(click.Context(acutance), first)
            options = [w.partition("=")[0] for w in words if re.match(r"--?[a-z]", w)]
            verbs = [[first]]
            if isinstance(command, click.Group) and len(words) > 1:
                verbs = [[first, below] for below in words[1].split("|")]
            yield from ((verb, options) for verb in verbs)


def test_the_reference_is_what_the_code_says():
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_every_command_in_the_documentation_exists(page):
    for verbs, options in calls(page.read_text()):
        command, context = acutance, click.Context(acutance)
        for verb in verbs:
            command = command.get_command(context, verb)
            assert command is not None, f"there is no verb `acutance {' '.join(verbs)}`"
        known = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}
        assert set(options) <= known, f"`acutance {' '.join(verbs)}` knows only {sorted(known)}"


def test_the_finder_of_commands_finds_them():
    text = "`acutance data add|list` and\n```console\n$ acutance up --x=1 -o f  # --no\n```\n"
    assert list(calls(text)) == [
        (["up"], ["--x", "-o"]),
        (["data", "add"], []),
        (["data", "list"], []),
    ]


@pytest.mark.parametrize("page", WRITTEN, ids=named)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("file", EXPERIMENTS, ids=named)
def test_the_editors_schema_takes_every_experiment_and_no_misspelling(file):
    content = yaml.safe_load(file.read_text())
    folder = file.parent.name
    kind = {"gates": "gate", "suites": "suite"}.get(folder)
    kind = kind or (file.stem if file.stem == "experiment" else None)
    kind = kind or ("sweep" if "search" in content else "recipe")
    schema = json.loads((DOCS / "reference" / f"{kind}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(content)] == []
    assert list(validator.iter_errors({**content, "mispelt": 1}))
    if kind in ("gate", "suite", "experiment"):
        return
    wrong = {**content, "stages": {"train": {"step": 5}}}
    assert list(validator.iter_errors(wrong))
    wrong = {**content, "generator": {"kind": "srresnet", "chanels": 4}}
    assert list(validator.iter_errors(wrong))
