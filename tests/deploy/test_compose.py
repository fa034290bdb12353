"""The compose file: the specification's schema, references, no default secrets, loopback only."""

import os
import shutil
import subprocess

import pytest
from deploy_compose import compose_problems, variables_file
from deploy_schemas import compose_schema
from deploy_yaml import DEPLOY, read

FOLDER = DEPLOY / "compose"
FILE = read(FOLDER / "compose.yaml")
VARIABLES = variables_file((FOLDER / ".env.example").read_text())


def composes():
    """The compose programs of this machine, version 1 and the plug-in."""
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]):
            asked = subprocess.run([*command, "version"], capture_output=True, timeout=60)
            if asked.returncode == 0:
                yield command


def test_the_file_is_sound():
    assert compose_problems(FILE, VARIABLES, compose_schema()) == []


def test_no_secret_has_a_value_in_the_example():
    empty = {name for name, value in VARIABLES.items() if not value}
    assert empty == {
        "POSTGRES_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "ACUTANCE_DASHBOARD_OPERATOR_TOKEN",
        "ACUTANCE_DASHBOARD_VIEWER_TOKEN",
        "UID_OF_IMAGE",
    }


def test_what_people_fill_in_is_never_committed():
    ignored = (DEPLOY.parent / ".gitignore").read_text().splitlines()
    assert {"deploy/compose/.env", "deploy/compose/secrets/"} <= set(ignored)


def test_compose_itself_takes_the_file_and_refuses_the_example_as_it_is(tmp_path):
    programs = list(composes())
    if not programs:
        pytest.skip("no docker-compose on this machine")
    full = tmp_path / "full.env"
    full.write_text("".join(f"{name}={value or 1000}\n" for name, value in VARIABLES.items()))
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    for program in programs:
        for file, accepted in ((full, True), (FOLDER / ".env.example", False)):
            command = [*program, "--env-file", file, "-f", FOLDER / "compose.yaml", "config", "-q"]
            done = subprocess.run(command, capture_output=True, timeout=60, env=environment)
            assert (done.returncode == 0) == accepted, done.stderr
